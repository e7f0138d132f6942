// The gate: may a listener be sent its next frame now? TCP never drops, so what has been handed to
// a listener's kernel queue arrives, however late; what waits here, in user space, can still be
// thrown away. So the gate keeps short what is on its way, and the frame sender skips what has
// waited too long. Pure: times and what the kernel says go in, decisions come out. docs/lag.md has
// the measurements that led to the rules.
//
// A gate is free as long as the oldest byte that the listener has not acknowledged is no older than
// the round trip and queueing_ns_max(): then everything may be sent at once, and how long that must
// be so is known in advance, so that most frames need no look into the kernel. If the byte is
// older, the gate is congested: what is on its way is held to what the listener has been seen to
// take in a round trip and a little more, until the listener has caught up.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "common/clock.h"

namespace eradio {

// What the stream is like, measured by bitrate.h.
struct StreamPace {
  std::uint64_t bytes_per_second = 16'000;  // until it is known: 128 kbit/s
  std::int64_t frame_ns = 26 * ns_per_ms;   // from one frame to the next
};

// How old the newest frame may be, and those that came along with it, however small `max_lag` is:
// less than a busy machine needs to get a frame from the source to the socket would mean that
// nothing is ever sent, or only the last of what a source writes at once.
constexpr std::int64_t newest_age_ns_min = 50 * ns_per_ms;

struct GateLimits {
  std::uint64_t queue_bytes_max = 0;  // `sndbuf`
  bool queue_follows_pace = false;    // `sndbuf = auto`: a long round trip may have more on its way
  // `max_lag_ceiling`: how far behind a listener may be for which there is nothing to skip to.
  std::int64_t lag_ns_ceiling = 2 * ns_per_second;
  // While frames wait to share a send, as much longer.
  std::int64_t newest_age_ns_min = eradio::newest_age_ns_min;

  [[nodiscard]] std::int64_t newest_age_ns_max(std::int64_t lag_ns_max) const noexcept {
    return std::max(lag_ns_max, newest_age_ns_min);
  }
};

// How long a byte of a free listener may stay on its way, beyond the round trip: its
// acknowledgement may be held back for 40 ms and more (delayed ACK), its packet may come in a burst
// of others.
constexpr std::int64_t queueing_ns_max(const StreamPace& pace) noexcept {
  return 125 * ns_per_ms + pace.frame_ns;
}

// What a congested listener may have on its way, beyond what it takes in a round trip and one
// frame: so much that the link does not run dry until somebody looks again and what he sends has
// arrived. On a lossy link more: TCP needs some packets behind a lost one to notice soon that it is
// lost.
constexpr std::int64_t window_slack_ns = 30 * ns_per_ms;
constexpr std::int64_t lossy_window_slack_ns = 70 * ns_per_ms;
// How long a link counts as lossy after a loss.
constexpr std::int64_t lossy_ns = 5 * ns_per_second;

// How often somebody looks at a listener that waits, at least.
constexpr std::int64_t look_interval_ns = 10 * ns_per_ms;

// As long as nothing at all changes, a congested listener is looked at the less often the longer
// that lasts, so that what it takes next is noticed late by an eighth of that time: thousands who
// take nothing must not keep a worker busy with looks. At the latest after so long.
constexpr std::int64_t idle_look_interval_ns_max = 100 * ns_per_ms;
constexpr std::int64_t idle_look_share = 8;

// A gate is free again when it has not had to hold anything back for so long, and a round trip.
constexpr std::int64_t free_again_ns = 500 * ns_per_ms;

// A congested listener's window is too small if the round trip has become longer than it ever was
// (the listener has moved, or shares a link with others): then it keeps the rate low that it is
// made from. What TCP says of the round trip has the queues in it that the window itself makes. So
// it is measured: a frame that is sent when nothing is on its way comes back after the round trip
// and nothing else. Where that does not happen by itself, now and then nothing is sent until
// all has been acknowledged. The smaller of two measurements counts: an acknowledgement may be held
// back, a packet may come behind those of others.
constexpr std::int64_t measurement_delay_ns = 500 * ns_per_ms;  // after congestion begins
constexpr std::int64_t measurement_interval_ns_min = 2 * ns_per_second;
constexpr std::int64_t measurement_round_trips_min = 32;  // each leaves the link idle for one
constexpr std::int64_t measurement_interval_ns_max = 64 * ns_per_second;  // if nothing changes
// What counts as a change: the time from one look to the next is in it.
constexpr std::int64_t round_trip_change_ns = 40 * ns_per_ms;

// What tcp(7) knows of the way to a listener.
struct NetworkPath {
  std::int64_t min_rtt_ns = -1;    // of the last five minutes; -1: there is no sample yet
  std::int64_t rtt_ns = 0;         // smoothed, with all queues on the way
  bool recovering = false;         // a packet was lost, and has not been replaced yet
  std::uint64_t unsent_bytes = 0;  // not sent yet, not even once
  // Of the bytes that were sent and are not acknowledged: the share that is on its way still, and
  // neither lost nor arrived behind a lost one.
  double in_flight = 1;
};

// What a look into the kernel has shown.
struct KernelLook {
  std::int64_t now_ns = 0;
  std::uint64_t queued_bytes = 0;  // not acknowledged
  std::uint64_t acked_bytes = 0;   // of the stream, in all
  // Since the oldest of the queued bytes was made, or since the listener began or went on, if that
  // is later; 0: none.
  std::int64_t oldest_age_ns = 0;
  std::uint64_t backlog_bytes = 0;  // that wait for this listener
  std::uint64_t batch_bytes = 0;    // GateView::batch_bytes
  std::optional<NetworkPath> path;  // if Gate::needs_path() said so
};

// The frame that is next for a listener, now.
struct GateView {
  std::int64_t now_ns = 0;
  std::int64_t lag_ns = 0;        // its age
  std::int64_t lag_ns_max = 0;    // what is older is skipped
  std::uint64_t frame_bytes = 0;  // its length
  // Its length, or that of all that has come since the last pass, whichever is more: so much is
  // sent at a time.
  std::uint64_t batch_bytes = 0;
  bool is_new = false;       // it has come since the last pass, or is the newest there is
  bool frame_begun = false;  // TCP has taken a part of it
  bool looked = false;       // the kernel has just been asked
};

enum class GateDecision {
  send,  // at least the next frame, and what else there is room for
  look,  // what is known is not enough: ask the kernel and decide again
  wait,  // there is too much on its way
  skip,  // too far behind: go on with the newest frame, and decide again
};

// How fast a listener takes what it is sent: the most in one of three successive spans of time.
class DeliveryRate {
 public:
  void begin(std::uint64_t acked_bytes, std::int64_t now_ns, std::uint64_t assumed) noexcept {
    spans_.fill(0);
    spans_[0] = assumed;
    begin_ns_ = now_ns;
    begin_bytes_ = acked_bytes;
  }
  void update(std::uint64_t acked_bytes, std::int64_t now_ns, std::int64_t min_rtt_ns) noexcept {
    const std::int64_t span_ns = now_ns - begin_ns_;
    if (acked_bytes == begin_bytes_ || span_ns < std::max(span_ns_min, min_rtt_ns)) {
      return;  // acknowledgements come in lumps: a span ends with one
    }
    const double seconds = static_cast<double>(span_ns) / static_cast<double>(ns_per_second);
    spans_ = {static_cast<std::uint64_t>(static_cast<double>(acked_bytes - begin_bytes_) / seconds),
              spans_[0], spans_[1]};
    begin_ns_ = now_ns;
    begin_bytes_ = acked_bytes;
  }
  [[nodiscard]] std::uint64_t bytes_per_second() const noexcept {
    return *std::max_element(spans_.begin(), spans_.end());
  }

 private:
  static constexpr std::int64_t span_ns_min = 200 * ns_per_ms;

  std::array<std::uint64_t, 3> spans_{};
  std::int64_t begin_ns_ = 0;
  std::uint64_t begin_bytes_ = 0;
};

// One listener's.
class Gate {
 public:
  [[nodiscard]] GateDecision decide(const GateLimits& limits, const StreamPace& pace,
                                    const GateView& view) const noexcept;
  // How many bytes may be sent now, after `send`; the next frame may be longer.
  [[nodiscard]] std::uint64_t room(const GateLimits& limits, const StreamPace& pace,
                                   std::uint64_t batch_bytes) const noexcept;

  // Whether looked() needs the path, too.
  [[nodiscard]] bool needs_path(const StreamPace& pace, const KernelLook& look) const noexcept;
  // Allocates when trouble begins.
  void looked(const GateLimits& limits, const StreamPace& pace, const KernelLook& look);
  void sent(std::uint64_t bytes) noexcept {
    queued_bound_ +=
        static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, queue_unknown - queued_bound_));
    if (trouble_) {
      trouble_->in_flight_bytes += bytes;
    }
  }

  [[nodiscard]] bool congested() const noexcept { return congested_; }
  // It keeps in mind something that healthy listeners do not need, in memory of its own.
  [[nodiscard]] bool has_trouble() const noexcept { return trouble_ != nullptr; }

 private:
  // Of the round trip, on an empty way.
  struct Measurement {
    enum class Phase {
      none,
      draining,  // nothing is sent until all has been acknowledged
      running,   // what has been sent since `begin_ns` was sent on an empty way
    } phase = Phase::none;
    std::int64_t begin_ns = 0;
    std::uint64_t begin_bytes = 0;  // acknowledged by then
    std::int64_t due_ns = 0;        // when the way is emptied for the next
    std::int64_t interval_ns = 0;
  };

  static constexpr std::int64_t ns_per_us = 1000;

  [[nodiscard]] std::int64_t age_ns_max(const StreamPace& pace) const noexcept;
  [[nodiscard]] std::uint64_t queue_bytes_max(const GateLimits& limits,
                                              const StreamPace& pace) const noexcept;
  [[nodiscard]] std::uint64_t window_bytes(std::uint64_t batch_bytes) const noexcept;
  void take_path(const NetworkPath& path, std::int64_t now_ns);
  void begin_congestion(const StreamPace& pace, const KernelLook& look);
  void plan_next_look(const KernelLook& look, std::uint64_t in_flight_before) noexcept;
  void measure_round_trip(const StreamPace& pace, const KernelLook& look) noexcept;
  void take_measured(std::int64_t time_ns, const StreamPace& pace, const KernelLook& look) noexcept;

  // What most listeners never need: those who have been congested, or have lost a packet.
  struct Trouble {
    std::int64_t held_back_ns = 0;  // when there was last too much on its way
    std::int64_t lossy_until_ns = 0;
    std::int64_t slack_ns = window_slack_ns;
    // Of what may be queued; what is lost or has arrived does not count. True while congested.
    std::uint64_t in_flight_bytes = 0;
    // When a look last showed something else than the one before, and when the next is worth it.
    std::int64_t changed_ns = 0;
    std::int64_t next_look_ns = 0;
    std::uint64_t acked_bytes = 0;  // by the last look
    DeliveryRate delivery;
    Measurement measurement;
  };
  Trouble& trouble();
  // What it says is too old to matter.
  [[nodiscard]] bool trouble_is_over(std::int64_t now_ns) const noexcept {
    const Measurement& m = trouble_->measurement;
    return !congested_ && now_ns >= trouble_->lossy_until_ns && now_ns >= m.due_ns + m.interval_ns;
  }

  // Small, since every listener has it: limits are far below 4 GiB, and the kernel says times in
  // microseconds.
  static constexpr std::uint32_t queue_unknown = UINT32_MAX;
  static constexpr std::uint32_t rtt_unknown = UINT32_MAX;
  [[nodiscard]] std::int64_t round_trip_ns() const noexcept { return round_trip_us_ * ns_per_us; }
  void set_round_trip(std::int64_t ns) noexcept;

  std::int64_t open_until_ns_ = 0;              // while free: no look is needed until then
  std::uint32_t queued_bound_ = queue_unknown;  // the last look, and what was sent since
  std::uint32_t min_rtt_us_ = rtt_unknown;
  std::uint32_t round_trip_us_ = 0;  // min_rtt_us_, or longer if measured so
  bool recovering_ = false;
  bool congested_ = false;            // then there is trouble_
  std::unique_ptr<Trouble> trouble_;  // until it is over
};

}  // namespace eradio
