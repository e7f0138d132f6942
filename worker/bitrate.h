// Measures the stream's pace from the frames as they come. Pure: time goes in.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/clock.h"
#include "worker/gate.h"

namespace eradio {

// The mean over the last two to four seconds in which frames came; pauses do not count.
class BitrateMeter {
 public:
  void add(std::size_t bytes, std::int64_t time_ns) noexcept {
    if (last_ns_ != 0) {
      current_.ns += std::clamp<std::int64_t>(time_ns - last_ns_, 0, pause_ns);
      current_.bytes += bytes;
      current_.frames += 1;
    }
    last_ns_ = time_ns;
    if (current_.ns >= bucket_ns) {
      previous_ = current_;
      current_ = {};
    }
  }

  // What StreamPace says by itself, before two seconds have been measured.
  [[nodiscard]] StreamPace pace() const noexcept {
    if (previous_.ns == 0) {
      return {};
    }
    const std::int64_t ns = previous_.ns + current_.ns;
    const double seconds = static_cast<double>(ns) / ns_per_second;
    const auto bytes = static_cast<double>(previous_.bytes + current_.bytes);
    return {.bytes_per_second = static_cast<std::uint64_t>(bytes / seconds),
            .frame_ns = ns / static_cast<std::int64_t>(previous_.frames + current_.frames)};
  }

 private:
  static constexpr std::int64_t bucket_ns = 2 * ns_per_second;
  static constexpr std::int64_t pause_ns = ns_per_second;

  struct Bucket {
    std::int64_t ns = 0;
    std::uint64_t bytes = 0;
    std::uint64_t frames = 0;
  };
  Bucket previous_;
  Bucket current_;
  std::int64_t last_ns_ = 0;
};

// What `sndbuf = auto` means: half a second of the stream.
constexpr std::uint64_t automatic_queue_bytes(const StreamPace& pace) {
  constexpr std::uint64_t lowest = 1000;
  return std::max(lowest, pace.bytes_per_second / 2);
}

}  // namespace eradio
