#include "common/event_loop.h"

#include <algorithm>
#include <limits>

#include "common/clock.h"
#include "common/system_error.h"

namespace eradio {

EventLoop::EventLoop() : epoll_(check_syscall(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

void EventLoop::add(int descriptor, std::uint32_t events, EventHandler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  check_syscall(::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl ADD");
}

void EventLoop::modify(int descriptor, std::uint32_t events, EventHandler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  check_syscall(::epoll_ctl(epoll_.number(), EPOLL_CTL_MOD, descriptor, &event), "epoll_ctl MOD");
}

void EventLoop::remove(int descriptor, EventHandler& handler) {
  check_syscall(::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, descriptor, nullptr), "epoll_ctl DEL");
  for (int i = batch_next_; i < batch_size_; ++i) {
    auto& pending = batch_.at(static_cast<std::size_t>(i));
    if (pending.data.ptr == &handler) {
      pending.data.ptr = nullptr;
    }
  }
}

EventLoop::TimerId EventLoop::call_after(std::chrono::nanoseconds delay,
                                         std::function<void()> action) {
  const TimerId id{monotonic_ns() + delay.count(), ++timers_made_};
  timers_.emplace(id, std::move(action));
  return id;
}

void EventLoop::cancel(TimerId& timer) noexcept {
  timers_.erase(timer);
  timer = no_timer;
}

void EventLoop::retire(std::unique_ptr<EventHandler> handler) {
  retired_.push_back(std::move(handler));
}

int EventLoop::wait_ms() const {
  if (timers_.empty()) {
    return -1;
  }
  const std::int64_t wait_ns = timers_.begin()->first.first - monotonic_ns();
  if (wait_ns <= 0) {
    return 0;
  }
  // Rounded up, so that the loop does not spin through the last fraction of a millisecond.
  const std::int64_t rounded = (wait_ns + ns_per_ms - 1) / ns_per_ms;
  return static_cast<int>(std::min<std::int64_t>(rounded, std::numeric_limits<int>::max()));
}

void EventLoop::run_timers() {
  const std::int64_t now = monotonic_ns();
  while (running_ && !timers_.empty() && timers_.begin()->first.first <= now) {
    // Taken out before it runs, so that it may cancel itself or set itself again.
    const auto due = timers_.extract(timers_.begin());
    due.mapped()();
  }
}

void EventLoop::run() {
  running_ = true;
  while (running_) {
    const int got = ::epoll_wait(epoll_.number(), batch_.data(), batch_events_max, wait_ms());
    if (got < 0 && errno != EINTR) {
      throw_system_error("epoll_wait");
    }
    batch_size_ = std::max(got, 0);
    for (batch_next_ = 0; running_ && batch_next_ < batch_size_;) {
      const epoll_event event = batch_.at(static_cast<std::size_t>(batch_next_++));
      if (event.data.ptr != nullptr) {
        static_cast<EventHandler*>(event.data.ptr)->on_events(event.events);
      }
    }
    batch_size_ = 0;
    run_timers();
    retired_.clear();
  }
}

Watch::Watch(EventLoop& loop, int descriptor, std::uint32_t events,
             std::function<void(std::uint32_t)> callback)
    : loop_(loop),
      descriptor_(descriptor),
      handler_(std::make_unique<CallbackHandler>(std::move(callback))) {
  loop_.add(descriptor_, events, *handler_);
}

Watch::~Watch() {
  loop_.remove(descriptor_, *handler_);
  loop_.retire(std::move(handler_));  // it may be running just now
}

}  // namespace eradio
