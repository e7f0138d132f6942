// All listeners of a worker: who comes, is taken over, stalls and leaves, and one pass over them
// for each wake-up, in which each gets what lies between its cursor and the newest frame, as far as
// its gate allows (frame_sender.h).
//
// Per listener and pass: no allocation, no lock, no log line, no system call but the sends and now
// and then the look into the kernel's queue. (The exception: a listener that stalls in the middle
// of a frame for so long that the frame leaves the store gets a copy of the frame's rest; likewise
// one that takes only a part of a header. One that becomes congested gets what its gate needs then,
// one that skips what counts that, and one whose connection is broken a line in the log.)
//
// Invariants: (1) to each listener go whole frames, in order, none twice; (2) the first, and the
// first after a gap, is a sync point, and the header that it needs goes before it, unless the
// listener has it; (3) no frame is handed to TCP that is older than the listener's lag_ns_max, or,
// while there is no newer sync point, lag_ns_ceiling, unless its beginning was handed over before;
// (4) nothing is handed to TCP that the gate does not admit, but for the rest of a frame.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/http/peer_address.h"
#include "shm/listener_table.h"
#include "shm/scoreboard.h"
#include "worker/frame_sender.h"
#include "worker/frame_store.h"
#include "worker/gate.h"
#include "worker/listener.h"
#include "worker/old_frames.h"
#include "worker/send_ring.h"

namespace eradio {

// What is asked for along with the stream.
struct ListenerRequest {
  std::uint64_t id = 0;         // of the contract, 0 to 2^63-1
  std::int64_t lag_ns_max = 0;  // `max_lag`, or what was asked for instead
};

class FanOut {
 public:
  // Called for each listener that has come, and for each that has gone.
  using Told = std::function<void(const Listener&, const ListenerIdentity&)>;
  // What time it is, on the scale of the frames' time stamps.
  using Clock = std::int64_t (*)() noexcept;

  // Loop, store, counters and table are borrowed. A listener that takes nothing for `stall_timeout`
  // is closed.
  FanOut(EventLoop& loop, FrameStore& store, WorkerCounters& counters, WorkerListenerTable& table,
         GateLimits limits, std::chrono::milliseconds stall_timeout, Told joined, Told left,
         Clock clock = monotonic_ns);
  ~FanOut();
  FanOut(const FanOut&) = delete;
  FanOut& operator=(const FanOut&) = delete;

  // From now on passes send in batches, through this ring. Before the first listener comes.
  void send_through(std::unique_ptr<SendRing> ring);

  // No listener can come before one leaves.
  [[nodiscard]] bool is_full() const noexcept { return table_.is_full(); }
  // A connection becomes a listener, and gets the newest frame that it can begin with. `head` is
  // what its response has yet to begin with: it is sent when the listener has been told of
  // (`joined`), so that whoever has had an answer outlives this process. It has to go into the
  // socket's queue at once: for one that does not take it, the listener has left. Throws
  // std::system_error when the socket cannot be watched, and std::runtime_error when it is full.
  void join(Descriptor socket, const PeerAddress& peer, const ListenerRequest& request,
            std::string_view head = {});
  // Why adopt() closes one whose response head was not sent: a request, and no listener yet.
  static constexpr std::string_view not_answered = "its request had not been answered yet";
  // Goes on with a listener of a worker that has gone, at the byte that TCP takes next. When that
  // cannot be, the listener is closed, and the answer says why; otherwise it is empty.
  // `old_frames`: what the store does not have; may be nullptr.
  [[nodiscard]] std::string_view adopt(Descriptor socket, const PeerAddress& peer,
                                       std::uint32_t record, std::uint64_t serial,
                                       const OldFrames* old_frames);
  // Sends everybody what they have not got yet, and begins a new turn of the store.
  void pass();
  // The same for a part of them, `frames` of each `of` (1 to of - 1), those who have waited
  // longest. A new turn begins when all have had theirs. Returns what part of all it was.
  double pass_over(std::int64_t frames, std::int64_t of);
  // Some have had theirs, and some have not.
  [[nodiscard]] bool is_within_turn() const noexcept { return store_.turn_bytes() > 0; }
  // Sends one listener what it has not got yet, now that its socket takes more.
  void on_socket_events(Listener& listener, std::uint32_t events);

  // Writes down all that whoever goes on with them has to know. Nothing may be called any more.
  void hand_over();

  // Closes the connections of those that `chosen` says; returns how many.
  std::size_t close_those(const std::function<bool(const ListenerIdentity&)>& chosen,
                          std::string_view why);

  // All that are there.
  void for_each(const std::function<void(const Listener&)>& look) const;

  // To the log, before the process ends with all of them.
  void say_why_all_leave(std::string_view why) const;

  // What the stream is like now; before it is said, what StreamPace says by itself.
  void set_pace(const StreamPace& pace);
  // For how long frames wait to share a send: whoever has a smaller `max_lag` gets them all the
  // same.
  void set_gathering(std::int64_t ns) { sender_.set_gathering(ns); }

  [[nodiscard]] std::size_t listeners() const noexcept { return listeners_.size(); }
  // Whether somebody waits at the gate: then he will soon be looked at again, new frame or not.
  [[nodiscard]] bool somebody_waits() const noexcept { return !waiting_.empty(); }

 private:
  // Begins to watch and to count it. Throws std::system_error when it cannot be watched; then its
  // record is free.
  Listener& take_in(std::unique_ptr<Listener> listener);
  void serve(std::span<const std::unique_ptr<Listener>> listeners);
  // So many from next_in_pass_ on.
  void serve_next(std::size_t count);
  void begin_turn();
  void serve(Listener& listener, std::int64_t now_ns);
  void let_wait(Listener& listener);
  void serve_waiting();
  void leave(Listener& listener, std::string_view why);
  void log_departure(const Listener& listener, std::string_view why) const;
  // Writes down how a part of the listeners are, and all of them once a second, and closes those
  // that have taken nothing for stall_timeout.
  void sweep();
  void examine(Listener& listener, std::int64_t now_ns);
  // Whether it has taken nothing for stall_timeout; asked once a second.
  bool has_stalled(Listener& listener, std::uint64_t queued_bytes, std::int64_t now_ns);
  void write_progress(const Listener& listener, std::uint64_t queued_bytes, std::int64_t now_ns);
  void free_departed();

  EventLoop& loop_;
  FrameStore& store_;
  WorkerCounters& counters_;
  WorkerListenerTable& table_;
  FrameSender sender_;
  Told joined_;
  Told left_;
  Clock clock_;
  std::int64_t stall_ns_max_;
  std::uint64_t send_buffer_for_bytes_;  // the queue_bytes_max that sockets were prepared for
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<Listener*> departed_;
  std::size_t next_in_pass_ = 0;    // index in the list
  std::size_t passed_in_turn_ = 0;  // so many at least before it have had theirs
  std::vector<Listener*> waiting_;  // at the gate
  std::vector<Listener*> waited_;   // empty but in serve_waiting()
  EventLoop::TimerId waiting_timer_ = EventLoop::no_timer;
  std::size_t next_in_sweep_ = 0;
  EventLoop::TimerId sweep_timer_ = EventLoop::no_timer;
};

}  // namespace eradio
