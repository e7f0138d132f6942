// The one clock that frames, lags and timers are measured with. All processes of one machine
// read the same CLOCK_MONOTONIC (clock_gettime(2)), so time stamps may cross process boundaries.
#pragma once

#include <cstdint>

#include <time.h>

namespace eradio {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::int64_t ns_per_second = 1'000'000'000;

// Nanoseconds since some fixed moment before the machine's start.
inline std::int64_t monotonic_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * ns_per_second + now.tv_nsec;
}

}  // namespace eradio
