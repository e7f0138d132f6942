// The four bytes at the beginning of each MPEG audio frame (MP3 is its layer III), after
// ISO 11172-3 2.4.1.3 and ISO 13818-3; and how far a layer III frame reaches back into those before
// it. Pure; used by the pipe source's frame finder and by tests.
//
//   0        8        16       24
//   +--------+--------+--------+--------+
//   |11111111|111VVLLC|BBBBRRPx|MM......|   V version, L layer, C no checksum, B bitrate,
//   +--------+--------+--------+--------+   R sample rate, P padding, M channel mode
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace eradio {

struct MpegAudioHeader {
  static constexpr std::size_t bytes = 4;

  enum class Version { mpeg1, mpeg2, mpeg2_5 };
  Version version = Version::mpeg1;
  int layer = 3;
  bool has_checksum = false;  // two bytes after the header
  int kilobits = 0;           // per second
  int sample_rate = 0;
  int channels = 0;
  std::size_t frame_bytes = 0;    // the header included
  std::size_t frame_samples = 0;  // per channel

  bool operator==(const MpegAudioHeader&) const = default;
};

// Nothing when it is not a header, or one of the free format, whose frames do not say how long
// they are. Looks at the first four bytes; fewer are no header.
std::optional<MpegAudioHeader> parse_mpeg_audio_header(std::span<const std::byte> frame);

// Where the side information of a layer III frame begins, and how long it is.
std::size_t side_information_offset(const MpegAudioHeader& header);
std::size_t side_information_bytes(const MpegAudioHeader& header);

// How many bytes of its sound a layer III frame has in the frames before it (main_data_begin):
// 0 when the encoder does not use the bit reservoir.
std::size_t reservoir_bytes(const MpegAudioHeader& header, std::span<const std::byte> frame);

// Whether it is a Xing, Info or VBRI frame: silence that describes the file it is the first of.
bool is_file_description(const MpegAudioHeader& header, std::span<const std::byte> frame);

}  // namespace eradio
