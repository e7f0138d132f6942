// So many in a period, and how many were left out: for log messages and whatever else somebody else
// decides the number of. Pure, the time is passed in.
#pragma once

#include <cstdint>

#include "common/clock.h"

namespace eradio {

class RateLimit {
 public:
  static constexpr int messages_max = 10;  // in each period, unless the constructor says otherwise
  static constexpr std::int64_t period_ns = 10 * ns_per_second;

  RateLimit() = default;
  RateLimit(int messages, std::int64_t period) noexcept
      : messages_max_(messages), period_ns_(period) {}

  // Whether a message may go out at `now_ns`; otherwise it is counted.
  [[nodiscard]] bool admit(std::int64_t now_ns) noexcept {
    if (messages_ == 0 || now_ns - period_start_ns_ > period_ns_) {
      period_start_ns_ = now_ns;
      messages_ = 0;
    }
    if (messages_ >= messages_max_) {
      ++left_out_;
      return false;
    }
    ++messages_;
    return true;
  }
  // How many were not admitted since the last call; to be said along with the next message.
  [[nodiscard]] int take_left_out() noexcept {
    const int count = left_out_;
    left_out_ = 0;
    return count;
  }

 private:
  int messages_max_ = messages_max;
  std::int64_t period_ns_ = period_ns;
  std::int64_t period_start_ns_ = 0;
  int messages_ = 0;
  int left_out_ = 0;
};

}  // namespace eradio
