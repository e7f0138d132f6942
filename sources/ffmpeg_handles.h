// FFmpeg's objects with one owner each, freed by the function that belongs to them. Used by
// everything in sources/ that calls FFmpeg's libraries; a raw FFmpeg pointer is always borrowed.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/dict.h>
#include <libavutil/frame.h>
#include <libswresample/swresample.h>
}

namespace eradio {

struct FfmpegDeleter {
  void operator()(AVCodecContext* codec) const noexcept { ::avcodec_free_context(&codec); }
  void operator()(AVFormatContext* input) const noexcept { ::avformat_close_input(&input); }
  void operator()(AVFrame* frame) const noexcept { ::av_frame_free(&frame); }
  void operator()(AVPacket* packet) const noexcept { ::av_packet_free(&packet); }
  void operator()(SwrContext* resampler) const noexcept { ::swr_free(&resampler); }
  void operator()(AVDictionary* dictionary) const noexcept { ::av_dict_free(&dictionary); }
};

template <typename Object>
using FfmpegPointer = std::unique_ptr<Object, FfmpegDeleter>;

// A channel layout may own memory (a map of custom channels).
class ChannelLayout {
 public:
  ChannelLayout() = default;
  ChannelLayout(const ChannelLayout&) = delete;
  ChannelLayout& operator=(const ChannelLayout&) = delete;
  ~ChannelLayout() { ::av_channel_layout_uninit(&layout_); }

  AVChannelLayout* get() noexcept { return &layout_; }
  [[nodiscard]] const AVChannelLayout* get() const noexcept { return &layout_; }

 private:
  AVChannelLayout layout_{};
};

// What FFmpeg says to an error code.
inline std::string ffmpeg_error_text(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  ::av_strerror(error, text, sizeof text);
  return text;
}

// Returns `result` unless it is negative; then throws std::runtime_error with `context`. For
// set-up; what a broken file can cause is a value at the call's place.
inline int check_ffmpeg(int result, const char* context) {
  if (result < 0) {
    throw std::runtime_error(std::string(context) + ": " + ffmpeg_error_text(result));
  }
  return result;
}

// Allocations of FFmpeg return null when memory is short.
template <typename Object>
FfmpegPointer<Object> own_ffmpeg(Object* object) {
  if (object == nullptr) {
    throw std::bad_alloc();
  }
  return FfmpegPointer<Object>(object);
}

}  // namespace eradio
