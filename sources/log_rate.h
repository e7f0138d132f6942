// Keeps a source from flooding the server's log: so many messages in a period, and how many were
// left out. Pure, the time is passed in; used by the pipe source and for FFmpeg's messages.
#pragma once

#include <cstdint>

#include "common/clock.h"

namespace eradio {

class LogRate {
 public:
  static constexpr int messages_max = 10;  // in each period
  static constexpr std::int64_t period_ns = 10 * ns_per_second;

  // Whether a message may go out at `now_ns`; otherwise it is counted.
  [[nodiscard]] bool admit(std::int64_t now_ns) noexcept {
    if (messages_ == 0 || now_ns - period_start_ns_ > period_ns) {
      period_start_ns_ = now_ns;
      messages_ = 0;
    }
    if (messages_ >= messages_max) {
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
  std::int64_t period_start_ns_ = 0;
  int messages_ = 0;
  int left_out_ = 0;
};

}  // namespace eradio
