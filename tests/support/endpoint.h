// Where a server can be reached, and a socket that connects there: TCP on the loopback interface,
// or a Unix socket. Used by all test clients.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "common/descriptor.h"

namespace eradio::testing {

struct Endpoint {
  sockaddr_storage address{};
  socklen_t length = 0;

  // All of 127.0.0.0/8 is loopback: another `host` is another client's address for the server.
  static Endpoint ipv4(std::uint16_t port, const std::string& host = "127.0.0.1");
  static Endpoint ipv6(std::uint16_t port);
  static Endpoint unix_socket(const std::string& path);

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// Whether this machine can use ::1 at all.
bool has_ipv6_loopback();

struct SocketOptions {
  int receive_buffer_bytes = 0;     // SO_RCVBUF; 0: the kernel's choice
  std::string local_address{};      // IPv4; where the connection comes from
  std::string network_namespace{};  // path of the one that it is made in; empty: ours
};

// A TCP port of 127.0.0.1 that nobody listens on just now. Throws std::system_error.
std::uint16_t free_port();

// Begins to connect; the socket is non-blocking. Throws std::system_error.
Descriptor begin_connect(const Endpoint& endpoint, const SocketOptions& options = {});

}  // namespace eradio::testing
