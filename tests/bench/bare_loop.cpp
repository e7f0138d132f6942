// eradio-bare-loop PROCESSES RATE BYTES: what the benchmark compares eradio with. One process per
// core, each with a listening socket of its own (SO_REUSEPORT); a fixed HTTP head; then for each
// frame one send() per listener and nothing else: no looking at queues, no skipping, no statistics.
// Whoever cannot take a whole frame at once is cut off. Prints "port N", ends with its input.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/descriptor.h"
#include "common/system_error.h"
#include "tests/support/test_frame.h"

namespace eradio::testing {
namespace {

constexpr std::string_view head =
    "HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nCache-Control: no-cache\r\n"
    "Connection: close\r\n\r\n";

Descriptor listen_on(std::uint16_t& port) {
  Descriptor socket(
      check_syscall(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
  const int on = 1;
  check_syscall(::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on),
                "SO_REUSEPORT");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  check_syscall(::bind(socket.number(), generic, length), "bind");
  check_syscall(::listen(socket.number(), 4096), "listen");
  check_syscall(::getsockname(socket.number(), generic, &length), "getsockname");
  port = ntohs(address.sin_port);
  return socket;
}

class Loop {
 public:
  Loop(Descriptor listening, double rate, std::size_t bytes)
      : listening_(std::move(listening)),
        epoll_(check_syscall(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        timer_(check_syscall(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
                             "timerfd_create")),
        interval_ns_(std::llround(1e9 / rate)),
        frame_(bytes) {
    watch(listening_.number());
    watch(timer_.number());
    next_ns_ = monotonic_ns();
  }

  [[noreturn]] void run() {
    set_timer();
    for (;;) {
      std::array<epoll_event, 256> events{};
      const int count =
          ::epoll_wait(epoll_.number(), events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int ready = events[static_cast<std::size_t>(i)].data.fd;
        if (ready == timer_.number()) {
          send_frame();
        } else if (ready == listening_.number()) {
          accept_all();
        } else {
          answer(ready);
        }
      }
    }
  }

 private:
  void watch(int descriptor) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = descriptor}};
    check_syscall(::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
  }

  void set_timer() {
    next_ns_ += interval_ns_;
    itimerspec time{};
    time.it_value.tv_sec = next_ns_ / ns_per_second;
    time.it_value.tv_nsec = next_ns_ % ns_per_second;
    check_syscall(::timerfd_settime(timer_.number(), TFD_TIMER_ABSTIME, &time, nullptr),
                  "timerfd_settime");
  }

  void accept_all() {
    for (;;) {
      const int client =
          ::accept4(listening_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) {
        return;
      }
      const int on = 1;  // each frame is to leave at once, as eradio's do
      ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(client);
    }
  }

  // The request is taken to be whole: the benchmark sends it in one piece.
  void answer(int client) {
    std::array<char, 2048> request{};
    if (::recv(client, request.data(), request.size(), 0) <= 0) {
      ::close(client);
      return;
    }
    ::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, client, nullptr);
    ::send(client, head.data(), head.size(), MSG_NOSIGNAL);
    listeners_.push_back(client);
  }

  void send_frame() {
    make_test_frame(frame_, run_, ++sequence_, monotonic_ns());
    for (std::size_t i = 0; i < listeners_.size();) {
      if (::send(listeners_[i], frame_.data(), frame_.size(), MSG_DONTWAIT | MSG_NOSIGNAL) ==
          static_cast<ssize_t>(frame_.size())) {
        ++i;
      } else {
        ::close(listeners_[i]);
        listeners_[i] = listeners_.back();
        listeners_.pop_back();
      }
    }
    set_timer();
  }

  Descriptor listening_;
  Descriptor epoll_;
  Descriptor timer_;
  std::int64_t interval_ns_;
  std::int64_t next_ns_ = 0;
  std::vector<std::byte> frame_;
  std::uint64_t run_ = static_cast<std::uint64_t>(monotonic_ns());
  std::uint64_t sequence_ = 0;
  std::vector<int> listeners_;
};

int run(int argument_count, char** arguments) {
  if (argument_count != 4) {
    std::fputs("usage: eradio-bare-loop PROCESSES RATE BYTES\n", stderr);
    return 2;
  }
  raise_descriptor_limit();
  std::uint16_t port = 0;
  std::vector<Descriptor> sockets;
  for (int i = 0; i < std::stoi(arguments[1]); ++i) {
    sockets.push_back(listen_on(port));
  }
  std::vector<pid_t> processes;
  for (Descriptor& socket : sockets) {
    const pid_t process = check_syscall(::fork(), "fork");
    if (process == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      Loop(std::move(socket), std::stod(arguments[2]), std::stoull(arguments[3])).run();
    }
    processes.push_back(process);
  }
  std::printf("port %d\n", port);
  std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  for (const pid_t process : processes) {
    ::kill(process, SIGKILL);
  }
  return 0;
}

}  // namespace
}  // namespace eradio::testing

int main(int argument_count, char** arguments) {
  try {
    return eradio::testing::run(argument_count, arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "eradio-bare-loop: %s\n", error.what());
    return 1;
  }
}
