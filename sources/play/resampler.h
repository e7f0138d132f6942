// Turns decoded frames of any sample rate, format and channel layout into what the encoder takes.
// Used by the track decoder; the format may change in the middle of a track.
#pragma once

#include "sources/ffmpeg_handles.h"
#include "sources/play/stereo_samples.h"

namespace eradio {

class Resampler {
 public:
  // Both append to `out` and return false when FFmpeg cannot convert such a frame.
  [[nodiscard]] bool convert(const AVFrame& frame, StereoSamples& out);
  // Brings out what the filter still holds; at a track's end.
  bool flush(StereoSamples& out);

 private:
  [[nodiscard]] bool set_up(const AVFrame& frame);
  [[nodiscard]] bool fits(const AVFrame& frame) const;
  bool run(const AVFrame* frame, StereoSamples& out);

  FfmpegPointer<SwrContext> resampler_;
  int sample_rate_ = 0;  // these three: what resampler_ takes in
  int format_ = -1;
  ChannelLayout layout_;
};

}  // namespace eradio
