// An IPv4 or IPv6 address with a port, and sockets that listen there: for listeners and for the
// status server.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

#include "common/descriptor.h"

namespace eradio {

struct TcpAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  std::string text;  // without the port

  // An address in numbers; port 0.
  static std::optional<TcpAddress> parse(const std::string& text);
  // "127.0.0.1:8081", "[::1]:8081".
  static std::optional<TcpAddress> parse_with_port(const std::string& text);

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] bool is_ipv6() const { return storage.ss_family == AF_INET6; }
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] std::uint16_t port() const;
  void set_port(std::uint16_t port);
  // "127.0.0.1:8081", "[::1]:8081".
  [[nodiscard]] std::string name() const;
};

// How many listeners may wait to be accepted at one socket; the kernel cuts it to
// net.core.somaxconn.
constexpr int accept_queue_length = 4096;

// A non-blocking socket that is bound there. `shared`: with SO_REUSEPORT. All throw
// std::system_error, which names the address.
Descriptor bind_socket(const TcpAddress& address, bool shared);
void start_listening(int socket, const TcpAddress& address, int queue_length);
// What a socket is bound to.
TcpAddress address_of(int socket);

}  // namespace eradio
