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
  // A packet that is sent again takes another round trip, and it takes TCP a while to know that it
  // has to be. What comes behind it is not late because the link is slow.
  const std::int64_t recovery_ns = recovering_ ? round_trip_ns_ + 100 * ns_per_ms : 0;
  return round_trip_ns_ + queueing_ns_max(pace) + recovery_ns;
}

std::uint64_t Gate::queue_bytes_max(const GateLimits& limits,
                                    const StreamPace& pace) const noexcept {
  return limits.queue_bytes_max +
         (limits.queue_follows_pace ? bytes_in(pace.bytes_per_second, round_trip_ns_) : 0);
}

std::uint64_t Gate::window_bytes(std::uint64_t batch_bytes) const noexcept {
  const std::uint64_t rate = delivery_.bytes_per_second();
  std::uint64_t window = bytes_in(rate, round_trip_ns_ + slack_ns_) + batch_bytes;
  // With one frame on its way at a time the link is idle for a round trip after each. Where that is
  // much, there have to be two.
  if (bytes_in(rate, round_trip_ns_ + look_interval_ns) > batch_bytes / 3) {
    window = std::max(window, 2 * batch_bytes);
  }
  return window;
}

std::uint64_t Gate::room(const GateLimits& limits, const StreamPace& pace,
                         std::uint64_t batch_bytes) const noexcept {
  const std::uint64_t most = queue_bytes_max(limits, pace);
  const std::uint64_t left = most - std::min(most, queued_bound_);
  if (!congested_) {
    return left;
  }
  const std::uint64_t window = window_bytes(batch_bytes);
  return std::min(left, window - std::min(window, in_flight_bytes_));
}

GateDecision Gate::decide(const GateLimits& limits, const StreamPace& pace,
                          const GateView& view) const noexcept {
  if (view.frame_begun) {
    return GateDecision::send;  // half a frame is of no use to anybody: it is finished first
  }
  if (view.lag_ns > (view.is_new ? newest_age_ns_max(view.lag_ns_max) : view.lag_ns_max)) {
    return GateDecision::skip;
  }
  if (!view.looked && (congested_ || view.now_ns > open_until_ns_ ||
                       queued_bound_ > queue_bytes_max(limits, pace))) {
    return GateDecision::look;
  }
  if (congested_) {
    const bool fits =
        in_flight_bytes_ == 0 || room(limits, pace, view.batch_bytes) >= view.frame_bytes;
    return fits ? GateDecision::send : GateDecision::wait;
  }
  return queued_bound_ <= queue_bytes_max(limits, pace) ? GateDecision::send : GateDecision::wait;
}

bool Gate::needs_path(const StreamPace& pace, const KernelLook& look) const noexcept {
  // The round trip of a handshake can be much longer than those that follow, when a radio wakes up.
  constexpr std::int64_t doubtful_rtt_ns = 100 * ns_per_ms;
  return congested_ || recovering_ || min_rtt_ns_ < 0 || round_trip_ns_ > doubtful_rtt_ns ||
         round_trip_ns_ > min_rtt_ns_ || look.oldest_age_ns > age_ns_max(pace);
}

void Gate::take_path(const NetworkPath& path, std::int64_t now_ns) noexcept {
  recovering_ = path.recovering;
  if (recovering_) {
    lossy_until_ns_ = now_ns + lossy_ns;
  }
  if (path.min_rtt_ns >= 0) {
    min_rtt_ns_ = path.min_rtt_ns;
    round_trip_ns_ = std::max(min_rtt_ns_, std::min(round_trip_ns_, path.rtt_ns));
  }
}

void Gate::begin_congestion(const StreamPace& pace, const KernelLook& look) noexcept {
  congested_ = true;
  held_back_ns_ = look.now_ns;
  delivery_.begin(look.acked_bytes, look.now_ns, pace.bytes_per_second);
  trial_ = {.begin_ns = look.now_ns,
            .end_ns = look.now_ns + trial_interval_ns_min,
            .begin_bytes = look.acked_bytes,
            .round_trip_before_ns = round_trip_ns_,
            .interval_ns = trial_interval_ns_min};
}

std::int64_t Gate::longer_round_trip_ns(const NetworkPath& path) const noexcept {
  const std::int64_t most_ns = std::max<std::int64_t>(min_rtt_ns_, 0) + trial_excess_ns_max;
  return std::clamp(path.rtt_ns, round_trip_ns_, std::max(round_trip_ns_, most_ns));
}

void Gate::try_longer_round_trip(const KernelLook& look) noexcept {
  if (look.now_ns < trial_.end_ns || !look.path) {
    return;
  }
  const auto bytes = static_cast<double>(look.acked_bytes - trial_.begin_bytes);
  const double rate = bytes * static_cast<double>(ns_per_second) /
                      static_cast<double>(look.now_ns - trial_.begin_ns);
  std::int64_t next_ns = std::max(trial_phase_ns_min, 2 * look.path->rtt_ns);
  switch (trial_.phase) {
    case Trial::Phase::none:
      trial_.phase = Trial::Phase::begun;
      trial_.rate_before = std::max(rate, static_cast<double>(delivery_.bytes_per_second()));
      trial_.round_trip_before_ns = round_trip_ns_;
      round_trip_ns_ = longer_round_trip_ns(*look.path);
      break;
    case Trial::Phase::begun:  // it shows from now on, a round trip and more later
      trial_.phase = Trial::Phase::measured;
      break;
    case Trial::Phase::measured:
      if (rate > trial_gain_min * trial_.rate_before) {  // there may be more
        trial_.phase = Trial::Phase::begun;
        trial_.rate_before = rate;
        trial_.round_trip_before_ns = round_trip_ns_;
        trial_.interval_ns = trial_interval_ns_min;
        round_trip_ns_ = longer_round_trip_ns(*look.path);
      } else {
        trial_.phase = Trial::Phase::none;
        const std::int64_t more_ns = trial_.round_trip_before_ns - min_rtt_ns_;
        round_trip_ns_ = min_rtt_ns_ + std::max<std::int64_t>(more_ns, 0) * 3 / 4;
        trial_.interval_ns = std::min(2 * trial_.interval_ns, trial_interval_ns_max);
        next_ns = trial_.interval_ns;
      }
      break;
  }
  trial_.begin_ns = look.now_ns;
  trial_.end_ns = look.now_ns + next_ns;
  trial_.begin_bytes = look.acked_bytes;
}

void Gate::looked(const GateLimits& limits, const StreamPace& pace,
                  const KernelLook& look) noexcept {
  queued_bound_ = look.queued_bytes;
  in_flight_bytes_ = in_flight_bytes(look);
  if (look.path) {
    take_path(*look.path, look.now_ns);
  }
  slack_ns_ = look.now_ns < lossy_until_ns_ ? lossy_window_slack_ns : window_slack_ns;
  if (congested_) {
    delivery_.update(look.acked_bytes, look.now_ns, round_trip_ns_);
    if (in_flight_bytes_ > 0 && room(limits, pace, look.batch_bytes) < look.backlog_bytes) {
      held_back_ns_ = look.now_ns;
    }
    try_longer_round_trip(look);
    congested_ = look.oldest_age_ns > age_ns_max(pace) ||
                 look.now_ns - held_back_ns_ < free_again_ns + round_trip_ns_;
  } else if (look.oldest_age_ns > age_ns_max(pace)) {
    begin_congestion(pace, look);
  }
  open_until_ns_ = look.now_ns + age_ns_max(pace) - look.oldest_age_ns;
}

}  // namespace eradio
