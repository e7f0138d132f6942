#include "tests/bench/send_loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <utility>

#include "common/system_error.h"
#include "tests/bench/frame_clock.h"

namespace eradio::testing {
namespace {

constexpr std::string_view head =
    "HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nCache-Control: no-cache\r\n"
    "Connection: close\r\n\r\n";

Descriptor listen_on(bool any_address, std::uint16_t& port) {
  Descriptor socket(
      check_syscall(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
  const int on = 1;
  check_syscall(::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on),
                "SO_REUSEPORT");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(any_address ? INADDR_ANY : INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  check_syscall(::bind(socket.number(), generic, length), "bind");
  check_syscall(::listen(socket.number(), 4096), "listen");
  check_syscall(::getsockname(socket.number(), generic, &length), "getsockname");
  port = ntohs(address.sin_port);
  return socket;
}

class SendLoop {
 public:
  SendLoop(Descriptor listening, const SendLoopSettings& settings, const SendRule& rule)
      : listening_(std::move(listening)),
        epoll_(check_syscall(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        frames_(settings.frames_per_second, settings.frame_bytes),
        rule_(rule) {
    watch(listening_.number());
    watch(frames_.descriptor());
  }

  [[noreturn]] void run() {
    for (;;) {
      std::array<epoll_event, 256> events{};
      const int count =
          ::epoll_wait(epoll_.number(), events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int ready = events[static_cast<std::size_t>(i)].data.fd;
        if (ready == frames_.descriptor()) {
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

  void accept_all() {
    for (;;) {
      const int client =
          ::accept4(listening_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) {
        return;
      }
      const int on = 1;  // each frame is to leave at once, as eradio's do
      ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      rule_.prepare(client);
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
    listeners_.push_back({.socket = Descriptor(client), .unsent = {}});
  }

  void send_frame() {
    const auto frame = frames_.next_frame();
    for (std::size_t i = 0; i < listeners_.size();) {
      if (rule_.send(listeners_[i], frame)) {
        ++i;
      } else {
        std::swap(listeners_[i], listeners_.back());
        listeners_.pop_back();
      }
    }
  }

  Descriptor listening_;
  Descriptor epoll_;
  FrameClock frames_;
  SendRule rule_;
  std::vector<SendLoopListener> listeners_;
};

}  // namespace

void run_send_loops(const SendLoopSettings& settings, const SendRule& rule) {
  raise_descriptor_limit();
  std::uint16_t port = 0;
  std::vector<Descriptor> sockets;
  for (int i = 0; i < settings.processes; ++i) {
    sockets.push_back(listen_on(settings.any_address, port));
  }
  std::vector<pid_t> processes;
  for (Descriptor& socket : sockets) {
    const pid_t process = check_syscall(::fork(), "fork");
    if (process == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      SendLoop(std::move(socket), settings, rule).run();
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
}

}  // namespace eradio::testing
