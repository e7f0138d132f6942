#include "tests/support/listener_crowd.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "common/clock.h"
#include "common/system_error.h"

namespace eradio::testing {
namespace {

constexpr std::int64_t slow_interval_ns = 20 * ns_per_ms;
constexpr std::size_t receive_bytes_max = std::size_t{256} << 10;

}  // namespace

ListenerCrowd::ListenerCrowd()
    : epoll_(check_syscall(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      buffer_(receive_bytes_max) {
  raise_descriptor_limit();
}

CrowdListener& ListenerCrowd::add(const ListenerOptions& options) {
  listeners_.push_back(std::unique_ptr<CrowdListener>(new CrowdListener(options)));
  CrowdListener& listener = *listeners_.back();
  listener.socket_ = begin_connect(options.endpoint, options.socket);
  epoll_event event{.events = EPOLLOUT, .data = {.ptr = &listener}};
  check_syscall(::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, listener.socket_.number(), &event),
                "epoll_ctl");
  if (options.bytes_per_second > 0) {
    slow_.push_back(&listener);
  }
  return listener;
}

std::vector<CrowdListener*> ListenerCrowd::add(const ListenerOptions& options, int count) {
  std::vector<CrowdListener*> added;
  added.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    added.push_back(&add(options));
  }
  return added;
}

void ListenerCrowd::watch(CrowdListener& listener, std::uint32_t events) {
  // Edge-triggered without EPOLLIN, so that an end which is not read yet does not come again and
  // again.
  epoll_event event{.events = events == 0 ? EPOLLET : events, .data = {.ptr = &listener}};
  check_syscall(::epoll_ctl(epoll_.number(), EPOLL_CTL_MOD, listener.socket_.number(), &event),
                "epoll_ctl");
}

void ListenerCrowd::pause(CrowdListener& listener) {
  listener.paused_ = true;
  watch(listener, 0);
}

void ListenerCrowd::resume(CrowdListener& listener) {
  listener.paused_ = false;
  watch(listener, listener.options_.bytes_per_second > 0 ? 0U : EPOLLIN);
}

void ListenerCrowd::close(CrowdListener& listener) { end(listener, 0); }

void ListenerCrowd::end(CrowdListener& listener, int error) {
  if (listener.state_ != CrowdListener::State::ended) {
    listener.state_ = CrowdListener::State::ended;
    listener.end_error_ = error;
    listener.socket_.reset();
    ++ended_;
  }
}

void ListenerCrowd::send_request(CrowdListener& listener) {
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(listener.socket_.number(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) {
    return end(listener, error);
  }
  const std::string request =
      "GET " + listener.options_.target + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  if (::send(listener.socket_.number(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return end(listener, errno);
  }
  listener.state_ = CrowdListener::State::awaiting_head;
  if (!listener.paused_) {
    watch(listener, EPOLLIN);
  }
}

std::size_t ListenerCrowd::receive(CrowdListener& listener, std::size_t bytes_max) {
  const std::size_t wanted = std::min(bytes_max, buffer_.size());
  const ssize_t got = ::recv(listener.socket_.number(), buffer_.data(), wanted, MSG_DONTWAIT);
  if (got > 0) {
    take(listener, std::span(buffer_).first(static_cast<std::size_t>(got)));
    return static_cast<std::size_t>(got);
  }
  if (got == 0) {
    end(listener, 0);
  } else if (errno != EAGAIN && errno != EINTR) {
    end(listener, errno);
  }
  return 0;
}

void ListenerCrowd::take(CrowdListener& listener, std::span<const std::byte> bytes) {
  if (listener.state_ == CrowdListener::State::awaiting_head) {
    const std::size_t head_bytes_before = listener.head_.size();
    listener.head_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto head_end = listener.head_.find("\r\n\r\n");
    if (head_end == std::string::npos) {
      return;
    }
    listener.reply_ = parse_reply_head(std::string_view(listener.head_).substr(0, head_end + 2),
                                       listener.options_.foreign ? "HTTP/1." : "HTTP/1.1")
                          .value_or(HttpReply{});
    bytes = bytes.subspan(head_end + 4 - head_bytes_before);
    if (listener.reply_.status != 200) {
      listener.reply_.body.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return end(listener, 0);
    }
    listener.state_ = CrowdListener::State::listening;
    if (listener.options_.bytes_per_second > 0) {
      watch(listener, 0);
    }
  }
  listener.check_.feed(bytes, monotonic_ns());
}

void ListenerCrowd::handle(CrowdListener& listener, std::uint32_t events) {
  if (listener.state_ == CrowdListener::State::connecting) {
    send_request(listener);
  } else if (listener.state_ != CrowdListener::State::ended && !listener.paused_ &&
             (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    receive(listener, buffer_.size());
  }
}

void ListenerCrowd::serve_slow() {
  const std::int64_t now_ns = monotonic_ns();
  if (slow_.empty() || now_ns - slow_served_ns_ < slow_interval_ns) {
    return;
  }
  const double seconds = std::min(
      1.0, static_cast<double>(now_ns - slow_served_ns_) / static_cast<double>(ns_per_second));
  slow_served_ns_ = now_ns;
  for (CrowdListener* listener : slow_) {
    if (!listener->listening() || listener->paused_) {
      continue;
    }
    const auto rate = static_cast<double>(listener->options_.bytes_per_second);
    listener->allowance_ = std::min(listener->allowance_ + rate * seconds, rate);
    if (listener->allowance_ >= 1) {
      const std::size_t got = receive(*listener, static_cast<std::size_t>(listener->allowance_));
      listener->allowance_ -= static_cast<double>(got);
    }
  }
}

void ListenerCrowd::also_serve(int descriptor, std::function<void()> serve) {
  serve_other_ = std::move(serve);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  check_syscall(::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
}

void ListenerCrowd::turn(std::int64_t deadline_ns) {
  std::array<epoll_event, 256> events{};
  // What is waited for may be seen elsewhere than in the listeners' sockets.
  constexpr std::int64_t wait_ns_max = 50 * ns_per_ms;
  std::int64_t wait_ns = std::clamp<std::int64_t>(deadline_ns - monotonic_ns(), 0, wait_ns_max);
  if (!slow_.empty()) {
    wait_ns = std::min(wait_ns, slow_interval_ns);
  }
  const auto wait_ms = static_cast<int>((wait_ns + ns_per_ms - 1) / ns_per_ms);
  const int count =
      ::epoll_wait(epoll_.number(), events.data(), static_cast<int>(events.size()), wait_ms);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr) {
      serve_other_();
    } else {
      handle(*static_cast<CrowdListener*>(event.data.ptr), event.events);
    }
  }
  serve_slow();
}

void ListenerCrowd::run_for(std::chrono::milliseconds time) {
  [[maybe_unused]] const bool done = run_until([] { return false; }, time);
}

bool ListenerCrowd::run_until(const std::function<bool()>& done, std::chrono::milliseconds limit) {
  const std::int64_t deadline_ns = monotonic_ns() + limit.count() * ns_per_ms;
  while (!done()) {
    if (monotonic_ns() >= deadline_ns) {
      return false;
    }
    turn(deadline_ns);
  }
  return true;
}

void ListenerCrowd::serve() { turn(0); }

bool ListenerCrowd::run_until_all_listen(std::chrono::milliseconds limit) {
  std::size_t ready = 0;  // all before this one have a frame
  const bool done = run_until(
      [&] {
        while (ready < listeners_.size() && listeners_[ready]->check().frames() > 0) {
          ++ready;
        }
        return ready == listeners_.size() || ended_ > 0;
      },
      limit);
  return done && ready == listeners_.size();
}

std::uint64_t ListenerCrowd::frames() const {
  std::uint64_t frames = 0;
  for (const auto& listener : listeners_) {
    frames += listener->check().frames();
  }
  return frames;
}

std::uint64_t ListenerCrowd::missed() const {
  std::uint64_t missed = 0;
  for (const auto& listener : listeners_) {
    missed += listener->check().missed();
  }
  return missed;
}

std::string ListenerCrowd::fault() const {
  for (const auto& listener : listeners_) {
    if (!listener->check().fault().empty()) {
      return listener->check().fault();
    }
  }
  return "";
}

void ListenerCrowd::begin_pauses() {
  const std::int64_t now_ns = monotonic_ns();
  for (const auto& listener : listeners_) {
    listener->check_.begin_pauses(now_ns);
  }
}

AgeHistogram ListenerCrowd::longest_pauses() const {
  const std::int64_t now_ns = monotonic_ns();
  AgeHistogram pauses;
  for (const auto& listener : listeners_) {
    if (listener->listening()) {
      pauses.add(listener->check().longest_pause_ns(now_ns));
    }
  }
  return pauses;
}

}  // namespace eradio::testing
