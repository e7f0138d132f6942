// Both ends of a connection within the test's own process, neither of which blocks.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <utility>

#include "common/descriptor.h"
#include "common/system_error.h"

namespace eradio::test {

struct Pair {
  Descriptor server;
  Descriptor client;
};

inline Pair unix_pair() {
  std::array<int, 2> ends{};
  check_syscall(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()),
                "socketpair");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

inline Pair tcp_pair(int client_buffer_bytes = 0) {
  const Descriptor listening(check_syscall(::socket(AF_INET, SOCK_STREAM, 0), "socket"));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  check_syscall(::bind(listening.number(), generic, length), "bind");
  check_syscall(::listen(listening.number(), 1), "listen");
  check_syscall(::getsockname(listening.number(), generic, &length), "getsockname");
  Descriptor client(check_syscall(::socket(AF_INET, SOCK_STREAM, 0), "socket"));
  if (client_buffer_bytes > 0) {
    ::setsockopt(client.number(), SOL_SOCKET, SO_RCVBUF, &client_buffer_bytes,
                 sizeof client_buffer_bytes);
  }
  check_syscall(::connect(client.number(), generic, length), "connect");
  Descriptor server(check_syscall(::accept(listening.number(), nullptr, nullptr), "accept"));
  set_nonblocking(server.number());
  set_nonblocking(client.number());
  return {std::move(server), std::move(client)};
}

}  // namespace eradio::test
