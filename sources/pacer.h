// Says when each frame is due so that a stream runs exactly as fast as the clock: deadlines are
// computed from the number of frames, so no error adds up. Pure arithmetic, the time is passed in;
// used by the sources that make their own pace (demo and play).
#pragma once

#include <cstdint>

#include "common/clock.h"

namespace eradio {

class Pacer {
 public:
  // Up to this far behind, frames are sent early one after another until the clock is caught up
  // with. Beyond it (the program was suspended, the input was late) time is let go instead: half
  // a second of stream is what eradio lets into a listener's send queue, so a longer burst would
  // make it drop frames.
  static constexpr std::int64_t late_max_ns = 500 * ns_per_ms;

  Pacer(std::int64_t frame_samples, std::int64_t sample_rate) noexcept
      : frame_samples_(frame_samples), sample_rate_(sample_rate) {}

  // The next frame is due at `now_ns`, and the others after it.
  void restart(std::int64_t now_ns) noexcept;
  // When the next frame is to be sent. Monotonic nanoseconds, as all times here.
  [[nodiscard]] std::int64_t deadline_ns() const noexcept;
  // The next frame has been sent, at `now_ns`.
  void frame_sent(std::int64_t now_ns) noexcept;

 private:
  std::int64_t frame_samples_;
  std::int64_t sample_rate_;
  std::int64_t start_ns_ = 0;  // deadline of frame 0
  std::int64_t frames_ = 0;    // sent since start_ns_
};

}  // namespace eradio
