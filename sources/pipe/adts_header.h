// The seven bytes at the beginning of each ADTS frame of AAC (ISO 13818-7, 6.2). Pure; used by the
// frame finder.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace eradio {

struct AdtsHeader {
  static constexpr std::size_t bytes = 7;
  static constexpr std::size_t frame_bytes_max = 8191;  // what 13 bits can say

  bool mpeg2 = false;
  unsigned profile = 0;
  unsigned sample_rate_index = 0;
  unsigned channels = 0;        // channel configuration
  std::size_t frame_bytes = 0;  // the header included
};

// Nothing when it is not a header. Looks at the first seven bytes; fewer are no header.
std::optional<AdtsHeader> parse_adts_header(std::span<const std::byte> frame);

}  // namespace eradio
