#include "sources/play/resampler.h"

#include <array>
#include <cstdint>

#include "sources/mp3_encoder.h"

namespace eradio {
namespace {

// Some files say how many channels they have and not which.
bool copy_known_layout(const AVChannelLayout& from, AVChannelLayout* to) {
  if (from.order == AV_CHANNEL_ORDER_UNSPEC) {
    ::av_channel_layout_uninit(to);
    ::av_channel_layout_default(to, from.nb_channels);
    return from.nb_channels > 0;
  }
  return ::av_channel_layout_copy(to, &from) >= 0;
}

}  // namespace

bool Resampler::convert(const AVFrame& frame, StereoSamples& out) {
  if (resampler_ && !fits(frame)) {
    flush(out);
    resampler_.reset();
  }
  if (!resampler_ && !set_up(frame)) {
    resampler_.reset();
    return false;
  }
  return run(&frame, out);
}

bool Resampler::flush(StereoSamples& out) { return !resampler_ || run(nullptr, out); }

bool Resampler::fits(const AVFrame& frame) const {
  ChannelLayout layout;
  return frame.sample_rate == sample_rate_ && frame.format == format_ &&
         copy_known_layout(frame.ch_layout, layout.get()) &&
         ::av_channel_layout_compare(layout.get(), layout_.get()) == 0;
}

bool Resampler::set_up(const AVFrame& frame) {
  if (!copy_known_layout(frame.ch_layout, layout_.get())) {
    return false;
  }
  sample_rate_ = frame.sample_rate;
  format_ = frame.format;
  ChannelLayout stereo;
  ::av_channel_layout_default(stereo.get(), Mp3Encoder::channels);
  SwrContext* made = nullptr;
  if (::swr_alloc_set_opts2(&made, stereo.get(), AV_SAMPLE_FMT_FLTP, Mp3Encoder::sample_rate,
                            layout_.get(), static_cast<AVSampleFormat>(format_), sample_rate_, 0,
                            nullptr) < 0) {
    return false;
  }
  resampler_.reset(made);
  if (layout_.get()->nb_channels == 1) {
    // FFmpeg would make mono 3 dB quieter on each side, and the track quieter than its neighbours.
    constexpr std::array<double, 2> both_sides{1, 1};
    ::swr_set_matrix(made, both_sides.data(), 1);
  }
  return ::swr_init(made) >= 0;
}

bool Resampler::run(const AVFrame* frame, StereoSamples& out) {
  const int input_samples = frame == nullptr ? 0 : frame->nb_samples;
  const int room = ::swr_get_out_samples(resampler_.get(), input_samples);
  if (room < 0) {
    return false;
  }
  const std::size_t before = out.size();
  out.left.resize(before + static_cast<std::size_t>(room));
  out.right.resize(out.left.size());
  std::array<std::uint8_t*, 2> planes{reinterpret_cast<std::uint8_t*>(out.left.data() + before),
                                      reinterpret_cast<std::uint8_t*>(out.right.data() + before)};
  auto* const* input = frame == nullptr ? nullptr : frame->extended_data;
  const int made = ::swr_convert(resampler_.get(), planes.data(), room,
                                 const_cast<const std::uint8_t**>(input), input_samples);
  out.left.resize(before + static_cast<std::size_t>(made < 0 ? 0 : made));
  out.right.resize(out.left.size());
  return made >= 0;
}

}  // namespace eradio
