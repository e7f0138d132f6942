// The one loop of a process: epoll(7) for descriptors, a sorted list for timers. Single-threaded;
// master and workers each own one and hand it down. Handlers must not block.
//
// Invariants: (1) after remove() a handler gets no more events, not even those already fetched in
// the current batch; (2) what was given to retire() lives until the batch ends, so a handler may
// retire itself from within its own call; (3) timers run in order of their deadlines; (4) after
// stop() nothing is called, not even for events already fetched, until the next run().
#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "common/descriptor.h"

namespace eradio {

class EventHandler {
 public:
  EventHandler() = default;
  EventHandler(const EventHandler&) = delete;
  EventHandler& operator=(const EventHandler&) = delete;
  virtual ~EventHandler() = default;
  // `events`: EPOLLIN, EPOLLOUT… as epoll_wait(2) reported them.
  virtual void on_events(std::uint32_t events) = 0;
};

class EventLoop {
 public:
  // Deadline and serial number; the serial number keeps equal deadlines apart and in order.
  using TimerId = std::pair<std::int64_t, std::uint64_t>;
  static constexpr TimerId no_timer{0, 0};

  EventLoop();

  // The handler is borrowed and must outlive its registration. All throw std::system_error.
  void add(int descriptor, std::uint32_t events, EventHandler& handler);
  void modify(int descriptor, std::uint32_t events, EventHandler& handler);
  void remove(int descriptor, EventHandler& handler);

  // Runs `action` once, `delay` from now at the earliest.
  TimerId call_after(std::chrono::nanoseconds delay, std::function<void()> action);
  // A timer that has run or was cancelled before is fine; resets `timer` to no_timer.
  void cancel(TimerId& timer) noexcept;

  // Keeps `handler` alive until the current batch of events has been handled, then destroys it.
  void retire(std::unique_ptr<EventHandler> handler);

  // Handles events and timers until stop() is called, and not one more.
  void run();
  void stop() noexcept { running_ = false; }

 private:
  static constexpr int batch_events_max = 256;

  [[nodiscard]] int wait_ms() const;
  void run_timers();

  Descriptor epoll_;
  bool running_ = false;
  std::array<epoll_event, batch_events_max> batch_{};
  int batch_size_ = 0;
  int batch_next_ = 0;  // first event of the batch that is not handled yet
  std::map<TimerId, std::function<void()>> timers_;
  std::uint64_t timers_made_ = 0;
  std::vector<std::unique_ptr<EventHandler>> retired_;
};

// Calls a function on events: for a process's few long-lived descriptors.
class CallbackHandler final : public EventHandler {
 public:
  explicit CallbackHandler(std::function<void(std::uint32_t)> callback)
      : callback_(std::move(callback)) {}
  void on_events(std::uint32_t events) override { callback_(events); }

 private:
  std::function<void(std::uint32_t)> callback_;
};

// A descriptor watched by a loop for as long as this object lives; the descriptor is borrowed.
class Watch {
 public:
  Watch(EventLoop& loop, int descriptor, std::uint32_t events,
        std::function<void(std::uint32_t)> callback);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  EventLoop& loop_;
  int descriptor_;
  std::unique_ptr<CallbackHandler> handler_;
};

}  // namespace eradio
