#include "tests/bench/frame_clock.h"

#include <sys/timerfd.h>

#include <cmath>

#include "common/clock.h"
#include "common/system_error.h"
#include "tests/support/test_frame.h"

namespace eradio::testing {

FrameClock::FrameClock(double frames_per_second, std::size_t frame_bytes)
    : timer_(check_syscall(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
                           "timerfd_create")),
      interval_ns_(std::llround(1e9 / frames_per_second)),
      next_ns_(monotonic_ns()),
      run_(static_cast<std::uint64_t>(next_ns_)),
      frame_(frame_bytes) {
  set_timer();
}

void FrameClock::set_timer() {
  next_ns_ += interval_ns_;
  itimerspec time{};
  time.it_value.tv_sec = next_ns_ / ns_per_second;
  time.it_value.tv_nsec = next_ns_ % ns_per_second;
  check_syscall(::timerfd_settime(timer_.number(), TFD_TIMER_ABSTIME, &time, nullptr),
                "timerfd_settime");
}

std::span<const std::byte> FrameClock::next_frame() {
  make_test_frame(frame_, run_, ++sequence_, monotonic_ns());
  set_timer();
  return frame_;
}

}  // namespace eradio::testing
