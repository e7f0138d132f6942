// How listeners are passed over when frames come. By load: while a pass over all of them takes less
// than a part of the time, each frame is sent to everybody at once. When it would take more, some
// frames share each send: a listener costs a pass much the same, however many small frames it gets
// in it (docs/benchmarks.md). So the load on a worker stays at that part, and lag grows instead.
//
// Where n frames share a send, each of them begins a pass over an n-th of the listeners, those who
// have waited longest. That costs as much as a pass over all with every n-th frame; but nobody
// waits behind all the others, and newcomers, requests and frames never wait for a long pass. No
// frame gets older than `gather_max` because of that.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>

#include "common/clock.h"

namespace eradio {

class PassSchedule {
 public:
  // Of a worker's time, so much may be spent with passes before frames share sends. What is left
  // is for joins, requests and notifications, and for other programs of the machine.
  static constexpr double busy_share = 0.5;

  // `fixed`: how long each frame waits for the next, whatever the load; nothing: by load.
  PassSchedule(std::optional<std::chrono::milliseconds> fixed, std::chrono::milliseconds gather_max)
      : fixed_(fixed), gather_max_ns_(std::chrono::nanoseconds(gather_max).count()) {}

  [[nodiscard]] std::optional<std::chrono::milliseconds> fixed() const noexcept { return fixed_; }
  // How many frames share a send now.
  [[nodiscard]] std::int64_t frames_in_send() const noexcept { return frames_; }
  // For how long they make a frame older than it would be by itself.
  [[nodiscard]] std::int64_t gathering_ns() const noexcept { return (frames_ - 1) * frame_ns_; }
  // When no frame comes any more: after how long, from the last pass on, those who have not got all
  // that there is get it without the next.
  [[nodiscard]] std::int64_t patience_ns() const noexcept {
    return std::max(frame_ns_, gather_max_ns_ - pass_ns_ / frames_ - (frames_ - 2) * frame_ns_);
  }

  // A pass over a part of the listeners took from then to then; frames come every `frame_ns`.
  void passed(std::int64_t begin_ns, std::int64_t end_ns, double part, std::int64_t frame_ns) {
    // Over some passes, and never more than makes a difference: in one of them the process may have
    // been without a processor.
    constexpr double smoothing = 8;
    const double took_ns = std::min(static_cast<double>(end_ns - begin_ns) / part,
                                    static_cast<double>(gather_max_ns_));
    pass_ns_ += std::llround((took_ns - static_cast<double>(pass_ns_)) * part / smoothing);
    frame_ns_ = std::max(frame_ns, frame_ns_min);
    if (fixed_) {
      return;  // frames wait by that time, and by nothing else
    }
    const double load =
        static_cast<double>(pass_ns_) / (busy_share * static_cast<double>(frame_ns_));
    // Fewer only when there is some room, or the number would change all the time.
    constexpr double room = 0.85;
    const std::int64_t frames_min =
        std::max(std::int64_t{1}, static_cast<std::int64_t>(std::ceil(load)));
    const std::int64_t frames_max =
        std::max(std::int64_t{1}, static_cast<std::int64_t>(std::ceil(load / room)));
    frames_ = std::clamp(frames_, frames_min, frames_max);
    while (frames_ > 1 && gathering_ns() + pass_ns_ / frames_ > gather_max_ns_) {
      --frames_;
    }
  }
  // How long a pass over all takes, as far as gather_max.
  [[nodiscard]] std::int64_t pass_ns() const noexcept { return pass_ns_; }

 private:
  static constexpr std::int64_t frame_ns_min = ns_per_ms / 50;

  std::optional<std::chrono::milliseconds> fixed_;
  std::int64_t gather_max_ns_;
  std::int64_t pass_ns_ = 0;
  std::int64_t frame_ns_ = 26 * ns_per_ms;
  std::int64_t frames_ = 1;
};

}  // namespace eradio
