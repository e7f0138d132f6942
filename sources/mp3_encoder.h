// Makes MP3 frames that a server may drop one by one: 44.1 kHz stereo at a constant bitrate, with
// the bit reservoir off, so that every frame can be decoded without the frames before it. Used by
// the demo and the play source, one encoder for the whole run of the program.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "sources/ffmpeg_handles.h"

namespace eradio {

class Mp3Encoder {
 public:
  static constexpr int sample_rate = 44100;
  static constexpr int channels = 2;
  static constexpr std::size_t frame_samples = 1152;  // per channel
  // This much silence after the last samples brings all of them out of the encoder.
  static constexpr std::size_t held_back_frames = 2;

  // `kilobits` per second: one for which is_mp3_bitrate() holds. Throws std::runtime_error when
  // FFmpeg was built without libmp3lame.
  explicit Mp3Encoder(int kilobits);
  Mp3Encoder(const Mp3Encoder&) = delete;
  Mp3Encoder& operator=(const Mp3Encoder&) = delete;
  ~Mp3Encoder();

  // Takes frame_samples samples of each channel, full scale being 1. Returns the next finished
  // frame, valid until the next call; at first nothing, since the encoder holds back a frame.
  std::optional<std::span<const std::byte>> encode(std::span<const float> left,
                                                   std::span<const float> right);

 private:
  FfmpegPointer<AVCodecContext> codec_;
  FfmpegPointer<AVFrame> samples_;
  FfmpegPointer<AVPacket> packet_;
};

// Whether MPEG-1 layer III has this bitrate, in kbit/s.
bool is_mp3_bitrate(int kilobits);
// "32, 40, … or 320", for an error message.
std::string mp3_bitrates_text();

}  // namespace eradio
