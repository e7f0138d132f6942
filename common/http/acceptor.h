// Accepts connections from listening sockets and hands them to a callback. Workers use it for
// their TCP sockets and the shared Unix socket, the master for status and control. It never spins
// when descriptors run out: it pauses, and goes on by itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/http/peer_address.h"
#include "common/rate_limit.h"

namespace eradio {

class Acceptor {
 public:
  // The descriptor is non-blocking and close-on-exec.
  using Accepted = std::function<void(Descriptor, const PeerAddress&)>;

  static constexpr int accepts_per_turn_max = 64;
  static constexpr std::chrono::milliseconds exhausted_pause{100};

  // Called when descriptors have run out: true when it has closed one, and another can be accepted.
  using MakeRoom = std::function<bool()>;

  Acceptor(EventLoop& loop, Accepted accepted, MakeRoom make_room = {});
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // The socket is borrowed, must listen and be non-blocking, and must outlive the acceptor or
  // stop(). `shared`: other processes accept from it, too; one of them is woken for a connection,
  // and not all (EPOLLEXCLUSIVE, epoll_ctl(2)). Throws std::system_error.
  void add(int listening_socket, bool shared = false);
  // Accepts no more; what waits in the accept queues stays there. Until sockets are added again.
  void stop();

  [[nodiscard]] bool paused() const noexcept { return resume_timer_ != EventLoop::no_timer; }

 private:
  class Listening;

  void pause(int error_number);
  void resume();
  void note_success();

  EventLoop& loop_;
  Accepted accepted_;
  MakeRoom make_room_;
  std::vector<std::unique_ptr<Listening>> sockets_;
  EventLoop::TimerId resume_timer_ = EventLoop::no_timer;
  // An episode of exhaustion lasts until an accept succeeds again. It is said once, and of many
  // short ones not each.
  bool episode_said_ = false;
  RateLimit episodes_{1, 10 * ns_per_second};
};

}  // namespace eradio
