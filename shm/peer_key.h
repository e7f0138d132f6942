// A peer's address in shared memory.
#pragma once

#include <cstdint>

namespace eradio {

// An address as two words: IPv6, or IPv4 mapped into it (RFC 4291 2.5.5.2). Of TCP peers never
// 0, 0; of Unix peers always.
struct PeerKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const PeerKey&) const = default;
};

}  // namespace eradio
