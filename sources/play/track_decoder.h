// One track: opened with FFmpeg, its best audio stream decoded and resampled. Used by the
// read-ahead's thread; any call may take as long as a network does, but ends soon after
// `cancelled` has become true.
#pragma once

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "sources/ffmpeg_handles.h"
#include "sources/play/log_lines.h"
#include "sources/play/resampler.h"
#include "sources/play/stereo_samples.h"
#include "sources/play/track_list.h"

namespace eradio {

// The track cannot be played; what() says why.
struct TrackError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class TrackDecoder {
 public:
  // `cancelled` and `log` are borrowed. Throws TrackError.
  TrackDecoder(const Track& track, const std::atomic<bool>& cancelled, LogLines& log);
  TrackDecoder(const TrackDecoder&) = delete;
  TrackDecoder& operator=(const TrackDecoder&) = delete;

  // Decodes a little more and appends it to `out`, perhaps nothing. False at the track's end, or
  // when it was cancelled. What is broken within is left out and logged once.
  [[nodiscard]] bool read(StereoSamples& out);

  // "Artist – Title", or what there is. A live stream's name changes with what it plays.
  [[nodiscard]] std::string name() const;
  // Whether the name may have changed since the last call.
  [[nodiscard]] bool take_name_change();
  // A stream that has no end and cannot be rewound.
  [[nodiscard]] bool is_live() const;

 private:
  static int is_interrupted(void* decoder) noexcept;  // FFmpeg's interrupt callback

  void open();
  void open_codec();
  void expect_progress() noexcept;
  // Hands a packet to the decoder, nullptr at the end, and takes what comes out of it.
  void decode(const AVPacket* packet, StereoSamples& out);
  void take_frames(StereoSamples& out);
  void report_broken(const std::string& reason);
  [[nodiscard]] std::string tag(const char* key) const;
  [[nodiscard]] std::string protocol_option(const char* key) const;

  Track track_;
  const std::atomic<bool>& cancelled_;
  LogLines& log_;
  std::int64_t give_up_ns_ = 0;  // when FFmpeg's present call has taken too long
  FfmpegPointer<AVFormatContext> input_;
  FfmpegPointer<AVCodecContext> codec_;
  FfmpegPointer<AVPacket> packet_;
  FfmpegPointer<AVFrame> frame_;
  Resampler resampler_;
  int stream_ = -1;
  bool reported_broken_ = false;
  std::string stream_title_;  // what an internet radio said last (ICY metadata)
};

// The name shown for a track, from its tags, its playlist's title and its file name.
std::string track_name(const std::string& artist, const std::string& title,
                       const std::string& playlist_title, const std::string& fallback);

// The value of StreamTitle in an ICY metadata packet: "StreamTitle='…';StreamUrl='…';".
std::string icy_stream_title(std::string_view packet);

}  // namespace eradio
