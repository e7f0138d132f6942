// A peer's address in shared memory.
#pragma once

#include <cstdint>
#include <cstring>

#include "common/http/peer_address.h"

namespace eradio {

// An address as two words: IPv6, or IPv4 mapped into it (RFC 4291 2.5.5.2). Of TCP peers never
// 0, 0; of Unix peers always.
struct PeerKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const PeerKey&) const = default;
};

inline PeerKey peer_key(const PeerAddress& peer) noexcept {
  PeerKey key;
  std::memcpy(&key.high, peer.bytes().data(), sizeof key.high);
  std::memcpy(&key.low, peer.bytes().data() + sizeof key.high, sizeof key.low);
  return key;
}

}  // namespace eradio
