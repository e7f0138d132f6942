#include "worker/gate.h"

namespace eradio {
namespace {

std::uint64_t bytes_in(std::uint64_t bytes_per_second, std::int64_t ns) noexcept {
  return static_cast<std::uint64_t>(static_cast<double>(bytes_per_second) *
                                    static_cast<double>(ns) / static_cast<double>(ns_per_second));
}

std::uint64_t in_flight_bytes(const KernelLook& look) noexcept {
  if (!look.path) {
    return look.queued_bytes;
  }
  const std::uint64_t unsent = std::min(look.path->unsent_bytes, look.queued_bytes);
  const auto sent = static_cast<double>(look.queued_bytes - unsent);
  return unsent + static_cast<std::uint64_t>(sent * look.path->in_flight);
}

}  // namespace

std::int64_t Gate::age_ns_max(const StreamPace& pace) const noexcept {
  const std::int64_t round_trip_ns = std::max<std::int64_t>(min_rtt_ns_, 0);
  // A packet that is sent again takes another round trip, and it takes TCP a while to know that it
  // has to be. What comes behind it is not late because the link is slow.
  const std::int64_t recovery_ns = recovering_ ? round_trip_ns + 100 * ns_per_ms : 0;
  return round_trip_ns + queueing_ns_max(pace) + recovery_ns;
}

std::uint64_t Gate::queue_bytes_max(const GateLimits& limits,
                                    const StreamPace& pace) const noexcept {
  const std::int64_t round_trip_ns = std::max<std::int64_t>(min_rtt_ns_, 0);
  return limits.queue_bytes_max +
         (limits.queue_follows_pace ? bytes_in(pace.bytes_per_second, round_trip_ns) : 0);
}

std::uint64_t Gate::room(const GateLimits& limits, const StreamPace& pace,
                         std::uint64_t frame_bytes) const noexcept {
  const std::uint64_t most = queue_bytes_max(limits, pace);
  const std::uint64_t left = most - std::min(most, queued_bound_);
  if (!congested_) {
    return left;
  }
  const std::uint64_t window = window_bytes(frame_bytes);
  return std::min(left, window - std::min(window, in_flight_bytes_));
}

std::uint64_t Gate::window_bytes(std::uint64_t frame_bytes) const noexcept {
  const std::int64_t round_trip_ns = std::max<std::int64_t>(min_rtt_ns_, 0);
  const std::uint64_t rate = delivery_.bytes_per_second();
  const std::uint64_t window = bytes_in(rate, round_trip_ns + slack_ns_) + frame_bytes;
  // With one frame on its way at a time the link is idle for a round trip after each. Where that is
  // much, there have to be two.
  const bool idle_for_long = bytes_in(rate, round_trip_ns + look_interval_ns) > frame_bytes / 3;
  return idle_for_long ? std::max(window, 2 * frame_bytes) : window;
}

GateDecision Gate::decide(const GateLimits& limits, const StreamPace& pace,
                          const GateView& view) const noexcept {
  if (view.frame_begun) {
    return GateDecision::send;  // half a frame is of no use to anybody: it is finished first
  }
  if (view.lag_ns > (view.at_newest ? newest_age_ns_max(view.lag_ns_max) : view.lag_ns_max)) {
    return GateDecision::skip;
  }
  if (!view.looked && (congested_ || view.now_ns > open_until_ns_ ||
                       queued_bound_ > queue_bytes_max(limits, pace))) {
    return GateDecision::look;
  }
  if (congested_) {
    const bool fits =
        in_flight_bytes_ == 0 || room(limits, pace, view.frame_bytes) >= view.frame_bytes;
    return fits ? GateDecision::send : GateDecision::wait;
  }
  return queued_bound_ <= queue_bytes_max(limits, pace) ? GateDecision::send : GateDecision::wait;
}

bool Gate::needs_path(const StreamPace& pace, const KernelLook& look) const noexcept {
  return congested_ || min_rtt_ns_ < 0 || look.oldest_age_ns > age_ns_max(pace);
}

void Gate::looked(const GateLimits& limits, const StreamPace& pace,
                  const KernelLook& look) noexcept {
  queued_bound_ = look.queued_bytes;
  in_flight_bytes_ = in_flight_bytes(look);
  recovering_ = look.path && look.path->recovering;
  if (look.path) {
    min_rtt_ns_ = look.path->min_rtt_ns;
  }
  if (recovering_) {
    lossy_until_ns_ = look.now_ns + lossy_ns;
  }
  slack_ns_ = look.now_ns < lossy_until_ns_ ? lossy_window_slack_ns : window_slack_ns;
  const std::int64_t left_ns = age_ns_max(pace) - look.oldest_age_ns;
  if (congested_) {
    delivery_.update(look.acked_bytes, look.now_ns, min_rtt_ns_);
    if (in_flight_bytes_ > 0 && room(limits, pace, look.frame_bytes) < look.frame_bytes) {
      held_back_ns_ = look.now_ns;
    }
    congested_ =
        left_ns < 0 || !look.caught_up || look.now_ns - held_back_ns_ < free_again_ns + min_rtt_ns_;
  } else if (left_ns < 0) {
    congested_ = true;
    held_back_ns_ = look.now_ns;
    delivery_.begin(look.acked_bytes, look.now_ns, pace.bytes_per_second);
  }
  open_until_ns_ = look.now_ns + left_ns;
}

}  // namespace eradio
