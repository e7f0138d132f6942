// The gate: may a listener be sent its next frame now? A pure function; the figures come from the
// frame store and from kernel_queue.h, fan_out.cpp carries the decision out. DESIGN: TCP never
// drops, so while a listener's kernel queue has not drained nothing is put behind it; what waits
// here, in user space, can still be thrown away.
#pragma once

#include <algorithm>
#include <cstdint>

namespace eradio {

struct GateLimits {
  std::uint64_t queue_bytes_max = 0;  // `sndbuf`
  std::int64_t lag_ns_max = 0;        // `max_lag`
};

// How old the newest frame may be, however small `max_lag` is: less than a busy machine needs to
// get a frame from the source to the socket would mean that nothing is ever sent.
constexpr std::int64_t newest_age_ns_min = 50'000'000;

constexpr std::int64_t newest_age_ns_max(const GateLimits& limits) noexcept {
  return std::max(limits.lag_ns_max, newest_age_ns_min);
}

// One listener, now.
struct GateView {
  std::uint64_t queued_bytes = 0;  // in the kernel's send queue: at most so many
  bool queued_exactly = false;     // the kernel has just been asked
  std::int64_t lag_ns = 0;         // age of the frame that is next for it
  bool at_newest = false;          // which is the newest there is
  bool frame_begun = false;        // TCP has taken a part of that frame
};

enum class GateDecision {
  send,  // at least the next frame, and what else fits below queue_bytes_max
  look,  // the bound is too coarse: ask the kernel and decide again
  wait,  // the kernel's queue has not drained
  skip,  // too far behind: go on with the newest frame, and decide again
};

constexpr GateDecision decide(const GateLimits& limits, const GateView& view) noexcept {
  if (view.frame_begun) {
    return GateDecision::send;  // half a frame is of no use to anybody: it is finished first
  }
  if (view.lag_ns > (view.at_newest ? newest_age_ns_max(limits) : limits.lag_ns_max)) {
    return GateDecision::skip;
  }
  if (view.queued_bytes <= limits.queue_bytes_max) {
    return GateDecision::send;
  }
  return view.queued_exactly ? GateDecision::wait : GateDecision::look;
}

}  // namespace eradio
