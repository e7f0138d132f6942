#include "sources/pipe/adts_header.h"

namespace eradio {

std::optional<AdtsHeader> parse_adts_header(std::span<const std::byte> frame) {
  if (frame.size() < AdtsHeader::bytes) {
    return std::nullopt;
  }
  const auto byte_at = [&](std::size_t i) { return std::to_integer<unsigned>(frame[i]); };
  // Twelve bits of sync word, and two bits of "layer" that are 0: in MPEG audio they never are.
  if (byte_at(0) != 0xff || (byte_at(1) & 0xf6U) != 0xf0U) {
    return std::nullopt;
  }
  AdtsHeader header;
  header.mpeg2 = (byte_at(1) & 8U) != 0;
  const bool has_checksum = (byte_at(1) & 1U) == 0;
  header.profile = byte_at(2) >> 6U;
  header.sample_rate_index = byte_at(2) >> 2U & 15U;
  header.channels = (byte_at(2) & 1U) << 2U | byte_at(3) >> 6U;
  header.frame_bytes = (byte_at(3) & 3U) << 11U | byte_at(4) << 3U | byte_at(5) >> 5U;
  constexpr unsigned sample_rates = 13;
  if (header.sample_rate_index >= sample_rates ||
      header.frame_bytes <= AdtsHeader::bytes + (has_checksum ? 2 : 0)) {
    return std::nullopt;
  }
  return header;
}

}  // namespace eradio
