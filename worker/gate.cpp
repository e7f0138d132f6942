#include "worker/gate.h"

#include <cstdlib>
#include <limits>
#include <utility>

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

Gate::Trouble& Gate::trouble() {
  if (!trouble_) {
    trouble_ = std::make_unique<Trouble>();
  }
  return *trouble_;
}

void Gate::set_round_trip(std::int64_t ns) noexcept {
  round_trip_us_ = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(ns / ns_per_us, 0, std::numeric_limits<std::uint32_t>::max()));
}

std::int64_t Gate::age_ns_max(const StreamPace& pace) const noexcept {
  // A packet that is sent again takes another round trip, and it takes TCP a while to know that it
  // has to be. What comes behind it is not late because the link is slow.
  const std::int64_t recovery_ns = recovering_ ? round_trip_ns() + 100 * ns_per_ms : 0;
  return round_trip_ns() + queueing_ns_max(pace) + recovery_ns;
}

std::uint64_t Gate::queue_bytes_max(const GateLimits& limits,
                                    const StreamPace& pace) const noexcept {
  return limits.queue_bytes_max +
         (limits.queue_follows_pace ? bytes_in(pace.bytes_per_second, round_trip_ns()) : 0);
}

std::uint64_t Gate::window_bytes(std::uint64_t batch_bytes) const noexcept {
  const std::uint64_t rate = trouble_->delivery.bytes_per_second();
  std::uint64_t window = bytes_in(rate, round_trip_ns() + trouble_->slack_ns) + batch_bytes;
  // With one frame on its way at a time the link is idle for a round trip after each. Where that is
  // much, there have to be two.
  if (bytes_in(rate, round_trip_ns() + look_interval_ns) > batch_bytes / 3) {
    window = std::max(window, 2 * batch_bytes);
  }
  return window;
}

std::uint64_t Gate::room(const GateLimits& limits, const StreamPace& pace,
                         std::uint64_t batch_bytes) const noexcept {
  const std::uint64_t most = queue_bytes_max(limits, pace);
  const std::uint64_t left = most - std::min<std::uint64_t>(most, queued_bound_);
  if (!congested_) {
    return left;
  }
  if (trouble_->measurement.phase == Measurement::Phase::running && queued_bound_ == 0) {
    return std::min(left, batch_bytes);  // first what is measured, alone in its packet
  }
  const std::uint64_t window = window_bytes(batch_bytes);
  return std::min(left, window - std::min(window, trouble_->in_flight_bytes));
}

GateDecision Gate::decide(const GateLimits& limits, const StreamPace& pace,
                          const GateView& view) const noexcept {
  if (view.frame_begun) {
    return GateDecision::send;  // half a frame is of no use to anybody: it is finished first
  }
  if (view.lag_ns > (view.is_new ? limits.newest_age_ns_max(view.lag_ns_max) : view.lag_ns_max)) {
    return GateDecision::skip;
  }
  if (!view.looked && congested_ && view.now_ns < trouble_->next_look_ns) {
    return GateDecision::wait;
  }
  if (!view.looked && (congested_ || view.now_ns > open_until_ns_ ||
                       queued_bound_ > queue_bytes_max(limits, pace))) {
    return GateDecision::look;
  }
  if (congested_) {
    if (trouble_->measurement.phase == Measurement::Phase::draining) {
      return GateDecision::wait;
    }
    const bool fits =
        trouble_->in_flight_bytes == 0 || room(limits, pace, view.batch_bytes) >= view.frame_bytes;
    return fits ? GateDecision::send : GateDecision::wait;
  }
  return queued_bound_ <= queue_bytes_max(limits, pace) ? GateDecision::send : GateDecision::wait;
}

bool Gate::needs_path(const StreamPace& pace, const KernelLook& look) const noexcept {
  // The round trip of a handshake can be much longer than those that follow, when a radio wakes up.
  constexpr std::int64_t doubtful_rtt_ns = 100 * ns_per_ms;
  return congested_ || recovering_ || min_rtt_us_ == rtt_unknown ||
         round_trip_ns() > doubtful_rtt_ns || round_trip_us_ > min_rtt_us_ ||
         look.oldest_age_ns > age_ns_max(pace);
}

void Gate::take_path(const NetworkPath& path, std::int64_t now_ns) {
  recovering_ = path.recovering;
  if (recovering_) {
    trouble().lossy_until_ns = now_ns + lossy_ns;
  }
  if (path.min_rtt_ns >= 0) {
    min_rtt_us_ = static_cast<std::uint32_t>(
        std::min<std::int64_t>(path.min_rtt_ns / ns_per_us, rtt_unknown - 1));
    set_round_trip(std::max(path.min_rtt_ns, std::min(round_trip_ns(), path.rtt_ns)));
  }
}

void Gate::begin_congestion(const StreamPace& pace, const KernelLook& look) {
  congested_ = true;
  Trouble& begun = trouble();
  begun.held_back_ns = look.now_ns;
  begun.in_flight_bytes = in_flight_bytes(look);
  begun.delivery.begin(look.acked_bytes, look.now_ns, pace.bytes_per_second);
  begun.measurement.phase = Measurement::Phase::none;
  begun.measurement.due_ns = std::max(begun.measurement.due_ns, look.now_ns + measurement_delay_ns);
}

void Gate::plan_next_look(const KernelLook& look, std::uint64_t in_flight_before) noexcept {
  Trouble& now = *trouble_;
  if (look.acked_bytes != now.acked_bytes || now.in_flight_bytes != in_flight_before) {
    now.acked_bytes = look.acked_bytes;
    now.changed_ns = look.now_ns;
  }
  const std::int64_t interval_ns =
      std::min((look.now_ns - now.changed_ns) / idle_look_share, idle_look_interval_ns_max);
  now.next_look_ns = interval_ns > look_interval_ns ? look.now_ns + interval_ns : 0;
}

void Gate::measure_round_trip(const StreamPace& pace, const KernelLook& look) noexcept {
  Measurement& m = trouble_->measurement;
  if (recovering_) {  // what is sent again takes its time, whatever the round trip
    m.phase = Measurement::Phase::none;
    m.due_ns = std::max(m.due_ns, trouble_->lossy_until_ns);
  } else if (look.queued_bytes == 0 &&
             (m.phase != Measurement::Phase::running || look.acked_bytes == m.begin_bytes)) {
    m.phase = Measurement::Phase::running;
    m.begin_ns = look.now_ns;
    m.begin_bytes = look.acked_bytes;
  } else if (m.phase == Measurement::Phase::running) {
    if (look.acked_bytes != m.begin_bytes) {
      m.phase = Measurement::Phase::none;
      take_measured(look.now_ns - m.begin_ns, pace, look);
    }
  } else if (look.now_ns >= m.due_ns) {
    m.phase = Measurement::Phase::draining;
  }
}

void Gate::take_measured(std::int64_t time_ns, const StreamPace& pace,
                         const KernelLook& look) noexcept {
  // The first packet's own time on the line, for which window_bytes() has a frame. On a slow line
  // it is longer. But how fast the line is cannot be told from what a window lets through that may
  // be too small: it would stay so.
  constexpr std::uint64_t packet_bytes_max = 1448;
  const auto packet_bytes = static_cast<double>(std::min(look.batch_bytes, packet_bytes_max));
  const auto rate = static_cast<double>(std::max<std::uint64_t>(pace.bytes_per_second, 1));
  const auto line_ns =
      static_cast<std::int64_t>(packet_bytes * static_cast<double>(ns_per_second) / rate);
  const std::int64_t before_ns = round_trip_ns();
  const std::int64_t min_rtt_ns = min_rtt_us_ == rtt_unknown ? 0 : min_rtt_us_ * ns_per_us;
  set_round_trip(std::max(min_rtt_ns, time_ns - line_ns));
  const bool changed = std::abs(round_trip_ns() - before_ns) > round_trip_change_ns;
  Measurement& m = trouble_->measurement;
  const std::int64_t interval_ns_min =
      std::max(measurement_interval_ns_min, measurement_round_trips_min * round_trip_ns());
  m.interval_ns = changed ? interval_ns_min
                          : std::clamp(2 * m.interval_ns, interval_ns_min,
                                       std::max(interval_ns_min, measurement_interval_ns_max));
  m.due_ns = look.now_ns + m.interval_ns;
}

void Gate::looked(const GateLimits& limits, const StreamPace& pace, const KernelLook& look) {
  queued_bound_ =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(look.queued_bytes, queue_unknown - 1));
  if (look.path) {
    take_path(*look.path, look.now_ns);
  }
  if (trouble_) {
    const std::uint64_t in_flight_before =
        std::exchange(trouble_->in_flight_bytes, in_flight_bytes(look));
    plan_next_look(look, in_flight_before);
    trouble_->slack_ns =
        look.now_ns < trouble_->lossy_until_ns ? lossy_window_slack_ns : window_slack_ns;
  }
  if (congested_) {
    trouble_->delivery.update(look.acked_bytes, look.now_ns, round_trip_ns());
    if (trouble_->in_flight_bytes > 0 &&
        room(limits, pace, look.batch_bytes) < look.backlog_bytes) {
      trouble_->held_back_ns = look.now_ns;
    }
    measure_round_trip(pace, look);
    congested_ = look.oldest_age_ns > age_ns_max(pace) ||
                 look.now_ns - trouble_->held_back_ns < free_again_ns + round_trip_ns();
  } else if (look.oldest_age_ns > age_ns_max(pace)) {
    begin_congestion(pace, look);
  }
  open_until_ns_ = look.now_ns + age_ns_max(pace) - look.oldest_age_ns;
  if (trouble_ && trouble_is_over(look.now_ns)) {
    trouble_.reset();
  }
}

}  // namespace eradio
