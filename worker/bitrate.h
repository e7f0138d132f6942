// Measures the stream's rate from the frames as they come, for `sndbuf = auto`. Pure: time goes in.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "common/clock.h"

namespace eradio {

// The mean over the last two to four seconds in which frames came; pauses do not count.
class BitrateMeter {
 public:
  void add(std::size_t bytes, std::int64_t time_ns) noexcept {
    if (last_ns_ != 0) {
      current_.ns += std::clamp<std::int64_t>(time_ns - last_ns_, 0, pause_ns);
      current_.bytes += bytes;
    }
    last_ns_ = time_ns;
    if (current_.ns >= bucket_ns) {
      previous_ = current_;
      current_ = {};
    }
  }

  // Nothing before two seconds have been measured.
  [[nodiscard]] std::optional<std::uint64_t> bytes_per_second() const noexcept {
    if (previous_.ns == 0) {
      return std::nullopt;
    }
    const double seconds = static_cast<double>(previous_.ns + current_.ns) / ns_per_second;
    return static_cast<std::uint64_t>(static_cast<double>(previous_.bytes + current_.bytes) /
                                      seconds);
  }

 private:
  static constexpr std::int64_t bucket_ns = 2 * ns_per_second;
  static constexpr std::int64_t pause_ns = ns_per_second;

  struct Bucket {
    std::int64_t ns = 0;
    std::uint64_t bytes = 0;
  };
  Bucket previous_;
  Bucket current_;
  std::int64_t last_ns_ = 0;
};

// What `sndbuf = auto` means: half a second of the stream, 8000 bytes (128 kbit/s) while the rate
// is not known.
constexpr std::uint64_t automatic_queue_bytes(std::optional<std::uint64_t> bytes_per_second) {
  constexpr std::uint64_t unknown = 8000;
  constexpr std::uint64_t lowest = 1000;
  return bytes_per_second ? std::max(lowest, *bytes_per_second / 2) : unknown;
}

}  // namespace eradio
