#include "sources/mpeg_audio_header.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace eradio {
namespace {

using Version = MpegAudioHeader::Version;
using Bitrates = std::array<int, 16>;  // kbit/s; 0: free format or not allowed

constexpr Bitrates mpeg1_layer1{0,   32,  64,  96,  128, 160, 192, 224,
                                256, 288, 320, 352, 384, 416, 448, 0};
constexpr Bitrates mpeg1_layer2{0,   32,  48,  56,  64,  80,  96,  112,
                                128, 160, 192, 224, 256, 320, 384, 0};
constexpr Bitrates mpeg1_layer3{0,   32,  40,  48,  56,  64,  80,  96,
                                112, 128, 160, 192, 224, 256, 320, 0};
constexpr Bitrates mpeg2_layer1{0,   32,  48,  56,  64,  80,  96,  112,
                                128, 144, 160, 176, 192, 224, 256, 0};
constexpr Bitrates mpeg2_layer2_and_3{0,  8,  16, 24,  32,  40,  48,  56,
                                      64, 80, 96, 112, 128, 144, 160, 0};
constexpr std::array<int, 3> mpeg1_sample_rates{44100, 48000, 32000};

const Bitrates& bitrates(Version version, int layer) {
  if (version == Version::mpeg1) {
    return layer == 1 ? mpeg1_layer1 : layer == 2 ? mpeg1_layer2 : mpeg1_layer3;
  }
  return layer == 1 ? mpeg2_layer1 : mpeg2_layer2_and_3;
}

std::size_t samples_per_frame(Version version, int layer) {
  if (layer == 1) {
    return 384;
  }
  return layer == 3 && version != Version::mpeg1 ? 576 : 1152;
}

bool has_text_at(std::span<const std::byte> frame, std::size_t offset, std::string_view text) {
  return frame.size() >= offset + text.size() &&
         std::equal(text.begin(), text.end(), frame.begin() + static_cast<std::ptrdiff_t>(offset),
                    [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

}  // namespace

std::optional<MpegAudioHeader> parse_mpeg_audio_header(std::span<const std::byte> frame) {
  if (frame.size() < MpegAudioHeader::bytes) {
    return std::nullopt;
  }
  const auto byte_at = [&](std::size_t i) { return std::to_integer<unsigned>(frame[i]); };
  const unsigned version_bits = byte_at(1) >> 3U & 3U;
  const unsigned layer_bits = byte_at(1) >> 1U & 3U;
  const unsigned rate_bits = byte_at(2) >> 2U & 3U;
  const unsigned emphasis_bits = byte_at(3) & 3U;
  if (byte_at(0) != 0xff || byte_at(1) >> 5U != 7 || version_bits == 1 || layer_bits == 0 ||
      rate_bits == 3 || emphasis_bits == 2) {
    return std::nullopt;
  }
  MpegAudioHeader header;
  header.version = version_bits == 3   ? Version::mpeg1
                   : version_bits == 2 ? Version::mpeg2
                                       : Version::mpeg2_5;
  header.layer = static_cast<int>(4 - layer_bits);
  header.has_checksum = (byte_at(1) & 1U) == 0;
  header.kilobits = bitrates(header.version, header.layer)[byte_at(2) >> 4U];
  if (header.kilobits == 0) {
    return std::nullopt;
  }
  const int divisor = header.version == Version::mpeg1   ? 1
                      : header.version == Version::mpeg2 ? 2
                                                         : 4;
  header.sample_rate = mpeg1_sample_rates[rate_bits] / divisor;
  header.channels = byte_at(3) >> 6U == 3 ? 1 : 2;
  header.frame_samples = samples_per_frame(header.version, header.layer);
  // Whole slots (4 bytes in layer I, 1 in the others), and one more with the padding bit.
  const std::size_t slot_bytes = header.layer == 1 ? 4 : 1;
  const std::size_t slots = header.frame_samples / 8 * static_cast<std::size_t>(header.kilobits) *
                            1000 / static_cast<std::size_t>(header.sample_rate) / slot_bytes;
  header.frame_bytes = (slots + (byte_at(2) >> 1U & 1U)) * slot_bytes;
  return header;
}

std::size_t side_information_offset(const MpegAudioHeader& header) {
  return MpegAudioHeader::bytes + (header.has_checksum ? 2 : 0);
}

std::size_t side_information_bytes(const MpegAudioHeader& header) {
  if (header.version == Version::mpeg1) {
    return header.channels == 1 ? 17 : 32;
  }
  return header.channels == 1 ? 9 : 17;
}

std::size_t reservoir_bytes(const MpegAudioHeader& header, std::span<const std::byte> frame) {
  const std::size_t offset = side_information_offset(header);
  if (header.layer != 3 || frame.size() < offset + 2) {
    return 0;
  }
  const auto first = std::to_integer<std::size_t>(frame[offset]);
  const auto second = std::to_integer<std::size_t>(frame[offset + 1]);
  // Nine bits in MPEG-1, eight in MPEG-2.
  return header.version == Version::mpeg1 ? first << 1U | second >> 7U : first;
}

bool is_file_description(const MpegAudioHeader& header, std::span<const std::byte> frame) {
  const std::size_t side_offset = side_information_offset(header);
  const std::size_t text_offset = side_offset + side_information_bytes(header);
  if (header.layer != 3 || frame.size() < text_offset) {
    return false;
  }
  // Sound could contain the same four letters; but then its side information is not empty.
  const auto side = frame.subspan(side_offset, side_information_bytes(header));
  const bool silent =
      std::all_of(side.begin(), side.end(), [](std::byte byte) { return byte == std::byte{0}; });
  constexpr std::size_t vbri_offset = MpegAudioHeader::bytes + 32;  // for any kind of header
  return silent &&
         (has_text_at(frame, text_offset, "Xing") || has_text_at(frame, text_offset, "Info") ||
          has_text_at(frame, vbri_offset, "VBRI"));
}

}  // namespace eradio
