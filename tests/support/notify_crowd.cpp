#include "tests/support/notify_crowd.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "common/clock.h"
#include "common/system_error.h"
#include "tests/support/websocket_client.h"
#include "tests/worker/websocket_frames.h"

namespace eradio::testing {
namespace {

constexpr std::size_t clients_at_once = 16;
constexpr long turn_ns = 20 * ns_per_ms;
constexpr std::size_t turns_between_messages = 200;  // of a client, 4 s; the server waits for 10 s

}  // namespace

NotifyCrowd::NotifyCrowd(Told told, Ended ended)
    : epoll_(check_syscall(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      timer_(check_syscall(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
                           "timerfd_create")),
      told_(std::move(told)),
      ended_told_(std::move(ended)) {
  const itimerspec every_turn{.it_interval = {.tv_sec = 0, .tv_nsec = turn_ns},
                              .it_value = {.tv_sec = 0, .tv_nsec = turn_ns}};
  check_syscall(::timerfd_settime(timer_.number(), 0, &every_turn, nullptr), "timerfd_settime");
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  check_syscall(::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, timer_.number(), &event), "epoll_ctl");
}

void NotifyCrowd::add(const Endpoint& endpoint, int count, Kind kind) {
  for (int i = 0; i < count; ++i) {
    clients_.push_back(std::make_unique<Client>());
    Client& client = *clients_.back();
    client.number = clients_.size() - 1;
    client.kind = kind;
    client.socket = begin_connect(endpoint);
    epoll_event event{.events = EPOLLOUT, .data = {.ptr = &client}};
    check_syscall(::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, client.socket.number(), &event),
                  "epoll_ctl");
  }
}

void NotifyCrowd::close(std::size_t client) {
  Client& leaving = *clients_.at(client);
  open_ -= leaving.state == State::open ? 1U : 0U;
  leaving.socket.reset();
  leaving.state = State::ended;
}

void NotifyCrowd::close_all() {
  for (std::size_t client = 0; client < clients_.size(); ++client) {
    close(client);
  }
}

void NotifyCrowd::serve() {
  std::array<epoll_event, clients_at_once> events{};
  const int count =
      ::epoll_wait(epoll_.number(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    auto* client = static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
    if (client == nullptr) {
      keep_alive();
    } else if (client->state != State::ended) {
      serve(*client);
    }
  }
}

void NotifyCrowd::serve(Client& client) {
  if (client.state == State::connecting) {
    const std::string request = client.kind == Kind::websocket
                                    ? websocket_handshake()
                                    : "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    if (::send(client.socket.number(), request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
      return end(client, "no connection");
    }
    client.state = State::shaking_hands;
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &client}};
    check_syscall(::epoll_ctl(epoll_.number(), EPOLL_CTL_MOD, client.socket.number(), &event),
                  "epoll_ctl");
    return;
  }
  std::array<char, 16384> bytes;  // NOLINT: recv(2) fills what is used
  const ssize_t got = ::recv(client.socket.number(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got > 0) {
    client.buffer.append(bytes.data(), static_cast<std::size_t>(got));
    take(client);
  } else if (got == 0) {
    end(client, "end of the stream");
  } else if (errno != EAGAIN && errno != EINTR) {
    end(client, std::strerror(errno));
  }
}

void NotifyCrowd::take(Client& client) {
  if (client.state == State::shaking_hands) {
    const auto head_end = client.buffer.find("\r\n\r\n");
    if (head_end == std::string::npos) {
      return;
    }
    if (!client.buffer.starts_with(client.kind == Kind::websocket ? "HTTP/1.1 101 "
                                                                  : "HTTP/1.1 200 ")) {
      return end(client, "answered with " + client.buffer);
    }
    client.buffer.erase(0, head_end + 4);
    client.state = State::open;
    ++open_;
  }
  try {
    take_messages(client);
  } catch (const std::runtime_error& error) {
    end(client, error.what());
  }
}

void NotifyCrowd::take_messages(Client& client) {
  if (client.kind == Kind::websocket) {
    while (const auto frame = take_server_frame(client.buffer)) {
      if (frame->close_code() != 0) {
        throw std::runtime_error("closed with " + std::to_string(frame->close_code()));
      }
      if (!frame->is_text() || !frame->fin) {
        throw std::runtime_error("sent a frame of opcode " + std::to_string(frame->opcode));
      }
      if (!frame->payload.empty()) {
        told_(client.number, frame->payload, monotonic_ns());
      }
    }
    return;
  }
  const std::string_view field = "data: ";
  for (std::size_t end = 0; (end = client.buffer.find("\n\n")) != std::string::npos;) {
    const std::string block = client.buffer.substr(0, end);
    client.buffer.erase(0, end + 2);
    if (block.starts_with(field)) {
      told_(client.number, std::string_view(block).substr(field.size()), monotonic_ns());
    } else if (block != ":" && !block.starts_with("retry: ")) {
      throw std::runtime_error("sent what is no event: " + block);
    }
  }
}

// Each of them in its turn.
void NotifyCrowd::keep_alive() {
  std::uint64_t turns = 0;
  [[maybe_unused]] const ssize_t got = ::read(timer_.number(), &turns, sizeof turns);
  static const std::string empty_message = test::text_frame("");
  std::size_t due = (clients_.size() / turns_between_messages + 1) * turns;
  for (due = std::min(due, clients_.size()); due > 0; --due) {
    next_to_keep_alive_ = (next_to_keep_alive_ + 1) % clients_.size();
    const Client& client = *clients_[next_to_keep_alive_];
    if (client.state == State::open && client.kind == Kind::websocket && !silent_) {
      ::send(client.socket.number(), empty_message.data(), empty_message.size(),
             MSG_DONTWAIT | MSG_NOSIGNAL);
    }
  }
}

void NotifyCrowd::end(Client& client, const std::string& why) {
  close(client.number);
  ++ended_;
  if (ended_told_) {
    ended_told_(client.number, why);
  }
}

}  // namespace eradio::testing
