// What a listener is sent next, and what becomes of it: asks its gate, skips, sends in one piece
// whatever lies between its cursor and the newest frame, and keeps its place. When that is done,
// and for whom, is the fan-out's (fan_out.h, which has the invariants).
//
// Sends can be collected, and handed to the kernel some at a time (send_ring.h). In between nothing
// must be freed, and nothing come into the store; what listeners are in the middle of is known only
// then. Without a ring each send is a send(2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "shm/listener_table.h"
#include "shm/scoreboard.h"
#include "worker/frame_store.h"
#include "worker/gate.h"
#include "worker/listener.h"
#include "worker/send_ring.h"

namespace eradio {

enum class SendProgress {
  done,    // it has got all that it may get now, or its socket is full, or its send is collected
  waits,   // at the gate
  broken,  // its connection: Listener::error_number
};

class FrameSender {
 public:
  // A send that went to the kernel with others.
  struct CollectedSend {
    Listener* listener = nullptr;
    std::size_t bytes = 0;
  };

  // Store, counters and table are borrowed.
  FrameSender(FrameStore& store, WorkerCounters& counters, WorkerListenerTable& table,
              const GateLimits& limits);

  // From now on sends can be collected, for this ring. Before the first listener is taken in.
  void send_through(std::unique_ptr<SendRing> ring);
  // What the stream is like now.
  void set_pace(const StreamPace& pace);
  // For how long frames wait to share a send.
  void set_gathering(std::int64_t ns) noexcept;
  // How much may be in a listener's kernel queue.
  [[nodiscard]] std::uint64_t queue_bytes_max() const noexcept { return limits_.queue_bytes_max; }

  // The most that a listener's `max_lag` can be.
  [[nodiscard]] std::int64_t lag_ns_ceiling() const noexcept { return limits_.lag_ns_ceiling; }

  // Before a listener is served, and before its socket is closed.
  void take_in(Listener& listener) const;
  void forget(const Listener& listener) const noexcept;

  // Until send_head() the listener is known not to have got the response's head, so that whoever
  // goes on after this worker does not begin with the stream.
  void expect_head(const Listener& listener);
  // All of it, or what is wrong with the socket: an errno value.
  [[nodiscard]] int send_head(const Listener& listener, std::string_view head);

  // Sends it what it may get now.
  [[nodiscard]] SendProgress serve(Listener& listener, std::int64_t now_ns);
  // Of all whom serve() is called for until send_collected(), SendRing::batch_max at most, the
  // frames are sent together then; who was among them is to be served once more.
  void begin_collecting() noexcept;
  [[nodiscard]] std::span<const CollectedSend> send_collected(std::int64_t now_ns);

  // Where to begin, or to go on after a gap: the number of the newest sync point that is not too
  // old, or of the frame that will come next. Never before the listener's next frame.
  [[nodiscard]] std::uint64_t resumption(const Listener& listener, std::int64_t now_ns) const;
  // Age of the oldest byte that it has not acknowledged, or of the frame that is next for it; 0: it
  // has everything.
  [[nodiscard]] std::int64_t lag_ns(const Listener& listener, std::uint64_t queued_bytes,
                                    std::int64_t now_ns) const;
  // Writes down how much it has been sent, for whoever goes on after this worker.
  void note_tally(const Listener& listener);

 private:
  SendProgress send_what_may_be_sent(Listener& listener, std::int64_t now_ns);
  void look(Listener& listener, std::int64_t now_ns);
  [[nodiscard]] std::uint64_t batch_bytes(const FrameStore::Frame& next) const noexcept {
    return std::max<std::uint64_t>(next.bytes,
                                   gathering_ ? store_.last_turn_bytes() : store_.turn_bytes());
  }
  // Whether it has come since a listener was last passed over.
  [[nodiscard]] bool is_new(std::uint64_t number) const noexcept {
    return gathering_ ? store_.is_of_last_turn(number) : store_.is_of_turn(number);
  }
  // KernelLook::oldest_age_ns; long_ago_ns when there are more than two runs in the queue.
  [[nodiscard]] std::int64_t oldest_queued_age_ns(const Listener& listener,
                                                  std::uint64_t queued_bytes,
                                                  std::int64_t now_ns) const;
  // What to do with the listener, after as many looks and skips as it takes.
  GateDecision ask_gate(Listener& listener, std::int64_t now_ns);
  void skip(Listener& listener, std::int64_t now_ns);
  void skip_to(Listener& listener, std::uint64_t target);
  [[nodiscard]] bool may_resume_at(std::uint64_t number) const;
  // How old a frame may be to be sent to the listener now.
  [[nodiscard]] std::int64_t lag_ns_max(const Listener& listener) const;
  void send_frames(Listener& listener, std::int64_t now_ns);
  // What became of bytes of frames that were to be sent.
  void take_sent_frames(Listener& listener, std::size_t bytes, std::int64_t now_ns);
  // A listener goes on elsewhere in the stream: whoever goes on after this worker has to know where
  // before it does.
  void begin_run(Listener& listener, std::uint64_t stream_position, std::uint32_t header_bytes,
                 std::int64_t now_ns);
  // Sends the header out of turn, as much as the socket takes; false when none is needed.
  bool send_header(Listener& listener, std::int64_t now_ns);
  // The number behind the last frame that may be sent now.
  [[nodiscard]] std::uint64_t last_admitted(const Listener& listener) const;
  void send_kept_rest(Listener& listener, std::int64_t now_ns);
  void keep_rest(Listener& listener);
  // send(2), behind the `bytes_sent` of the listener; nothing sent when the socket is full (then
  // `writable` is false) or broken (then it has an `error_number`).
  std::size_t send_bytes(Listener& listener, const std::byte* bytes, std::size_t count);
  // The same for a send that was made: what it has returned, or a negated errno.
  std::size_t take_send_result(Listener& listener, std::size_t count, std::int64_t result);

  FrameStore& store_;
  WorkerCounters& counters_;
  WorkerListenerTable& table_;
  GateLimits limits_;
  StreamPace pace_;
  std::unique_ptr<SendRing> ring_;        // may be nullptr
  std::vector<CollectedSend> collected_;  // in the order in which the ring was given them
  bool collecting_ = false;
  bool gathering_ = false;  // a turn has several passes, each over a part of the listeners
};

}  // namespace eradio
