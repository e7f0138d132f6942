#include "common/http/acceptor.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "common/clock.h"
#include "common/log.h"
#include "common/system_error.h"

namespace eradio {
namespace {

enum class AcceptFailure { nothing_waits, this_one_only, exhausted, not_listening };

AcceptFailure classify(int error_number) noexcept {
  switch (error_number) {
    case EAGAIN:
      return AcceptFailure::nothing_waits;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return AcceptFailure::exhausted;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EOPNOTSUPP:
      return AcceptFailure::not_listening;
    default:
      // accept(2): Linux passes pending network errors of the new connection on: ECONNABORTED,
      // EPROTO, ENETDOWN and others. The next in the queue may be fine.
      return AcceptFailure::this_one_only;
  }
}

}  // namespace

class Acceptor::Listening final : public EventHandler {
 public:
  Listening(Acceptor& owner, int socket, bool shared)
      : owner_(owner), socket_(socket), events_(shared ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN) {}

  void watch() {
    owner_.loop_.add(socket_, events_, *this);
    watched_ = true;
  }
  void unwatch() {
    if (std::exchange(watched_, false)) {
      owner_.loop_.remove(socket_, *this);
    }
  }

  void on_events(std::uint32_t /*events*/) override {
    // The callback may stop the acceptor, and with it this.
    for (int i = 0; i < accepts_per_turn_max && watched_; ++i) {
      sockaddr_storage address{};
      socklen_t length = sizeof address;
      auto* const generic = reinterpret_cast<sockaddr*>(&address);
      Descriptor socket(::accept4(socket_, generic, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket) {
        owner_.note_success();
        owner_.accepted_(std::move(socket), PeerAddress::from_sockaddr(generic, length));
        continue;
      }
      const int error_number = errno;
      const AcceptFailure failure = classify(error_number);
      if (failure == AcceptFailure::exhausted) {
        if (owner_.make_room_ && owner_.make_room_()) {
          continue;
        }
        owner_.pause(error_number);
      }
      if (failure == AcceptFailure::not_listening) {
        unwatch();  // it would be reported for ever
        log::error("a listening socket does not listen any more: {}",
                   std::generic_category().message(error_number));
      }
      if (failure != AcceptFailure::this_one_only) {
        return;
      }
    }
  }

 private:
  Acceptor& owner_;
  int socket_;  // borrowed
  std::uint32_t events_;
  bool watched_ = false;
};

Acceptor::Acceptor(EventLoop& loop, Accepted accepted, MakeRoom make_room)
    : loop_(loop), accepted_(std::move(accepted)), make_room_(std::move(make_room)) {}

Acceptor::~Acceptor() { stop(); }

void Acceptor::add(int listening_socket, bool shared) {
  auto listening = std::make_unique<Listening>(*this, listening_socket, shared);
  if (!paused()) {
    listening->watch();
  }
  sockets_.push_back(std::move(listening));
}

void Acceptor::stop() {
  loop_.cancel(resume_timer_);
  for (auto& listening : std::exchange(sockets_, {})) {
    listening->unwatch();
    loop_.retire(std::move(listening));  // it may be running just now
  }
}

// Level-triggered epoll would report the waiting connections again and again.
void Acceptor::pause(int error_number) {
  if (!episode_said_ && episodes_.admit(monotonic_ns())) {
    episode_said_ = true;
    log::warning("cannot accept connections for the moment: {}",
                 std::generic_category().message(error_number));
  }
  for (const auto& listening : sockets_) {
    listening->unwatch();
  }
  resume_timer_ = loop_.call_after(exhausted_pause, [this] { resume(); });
}

void Acceptor::resume() {
  resume_timer_ = EventLoop::no_timer;
  try {
    for (const auto& listening : sockets_) {
      listening->watch();
    }
  } catch (const std::system_error& error) {  // epoll_ctl(2) can run out of memory too
    pause(error.code().value());
  }
}

void Acceptor::note_success() {
  if (std::exchange(episode_said_, false)) {
    log::info("connections are accepted again");
  }
}

}  // namespace eradio
