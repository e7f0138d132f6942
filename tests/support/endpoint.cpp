#include "tests/support/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "common/system_error.h"
#include "tests/support/network_namespace.h"

namespace eradio::testing {

Endpoint Endpoint::ipv4(std::uint16_t port, const std::string& host) {
  Endpoint endpoint;
  auto* address = reinterpret_cast<sockaddr_in*>(&endpoint.address);
  address->sin_family = AF_INET;
  address->sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &address->sin_addr) != 1) {
    throw std::invalid_argument(host + " is no IPv4 address");
  }
  endpoint.length = sizeof *address;
  return endpoint;
}

Endpoint Endpoint::ipv6(std::uint16_t port) {
  Endpoint endpoint;
  auto* address = reinterpret_cast<sockaddr_in6*>(&endpoint.address);
  address->sin6_family = AF_INET6;
  address->sin6_port = htons(port);
  address->sin6_addr = IN6ADDR_LOOPBACK_INIT;
  endpoint.length = sizeof *address;
  return endpoint;
}

Endpoint Endpoint::unix_socket(const std::string& path) {
  Endpoint endpoint;
  auto* address = reinterpret_cast<sockaddr_un*>(&endpoint.address);
  address->sun_family = AF_UNIX;
  if (path.size() >= sizeof address->sun_path) {
    throw std::invalid_argument(path + " is too long for a Unix socket");
  }
  std::memcpy(address->sun_path, path.c_str(), path.size() + 1);
  endpoint.length = sizeof *address;
  return endpoint;
}

bool has_ipv6_loopback() {
  const Descriptor socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Endpoint loopback = Endpoint::ipv6(0);
  return socket && ::bind(socket.number(), loopback.get(), loopback.length) == 0;
}

std::uint16_t free_port() {
  const Descriptor socket(
      check_syscall(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  Endpoint endpoint = Endpoint::ipv4(0);
  auto* const address = reinterpret_cast<sockaddr*>(&endpoint.address);
  check_syscall(::bind(socket.number(), address, endpoint.length), "bind");
  check_syscall(::getsockname(socket.number(), address, &endpoint.length), "getsockname");
  return ntohs(reinterpret_cast<const sockaddr_in&>(endpoint.address).sin_port);
}

Descriptor begin_connect(const Endpoint& endpoint, const SocketOptions& options) {
  std::optional<InNetworkNamespace> inside;
  if (!options.network_namespace.empty()) {
    inside.emplace(options.network_namespace);
  }
  Descriptor socket(check_syscall(
      ::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
      "socket of a test client"));
  if (options.receive_buffer_bytes > 0) {
    check_syscall(::setsockopt(socket.number(), SOL_SOCKET, SO_RCVBUF,
                               &options.receive_buffer_bytes, sizeof options.receive_buffer_bytes),
                  "setsockopt SO_RCVBUF");
  }
  if (!options.local_address.empty()) {
    const Endpoint local = Endpoint::ipv4(0, options.local_address);
    check_syscall(::bind(socket.number(), local.get(), local.length), "bind of a test client");
  }
  if (::connect(socket.number(), endpoint.get(), endpoint.length) < 0 && errno != EINPROGRESS) {
    throw_system_error("connect of a test client");
  }
  return socket;
}

}  // namespace eradio::testing
