#include "master/tcp_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <charconv>

#include "common/system_error.h"

namespace eradio {
namespace {

void set_option(int socket, int level, int option, const char* name) {
  const int on = 1;
  if (::setsockopt(socket, level, option, &on, sizeof on) < 0) {
    throw_system_error(std::string("setsockopt ") + name);
  }
}

const sockaddr_in& as_ipv4(const TcpAddress& address) {
  return reinterpret_cast<const sockaddr_in&>(address.storage);
}

const sockaddr_in6& as_ipv6(const TcpAddress& address) {
  return reinterpret_cast<const sockaddr_in6&>(address.storage);
}

}  // namespace

std::optional<TcpAddress> TcpAddress::parse(const std::string& text) {
  TcpAddress address;
  address.text = text;
  auto* ipv4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* ipv6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, text.c_str(), &ipv4->sin_addr) == 1) {
    ipv4->sin_family = AF_INET;
    address.length = sizeof *ipv4;
    return address;
  }
  if (::inet_pton(AF_INET6, text.c_str(), &ipv6->sin6_addr) == 1) {
    ipv6->sin6_family = AF_INET6;
    address.length = sizeof *ipv6;
    return address;
  }
  return std::nullopt;
}

std::optional<TcpAddress> TcpAddress::parse_with_port(const std::string& text) {
  const auto colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  auto address = parse(host);
  if (colon == std::string::npos || !address) {
    return std::nullopt;
  }
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, port);
  if (error != std::errc{} || rest != end) {
    return std::nullopt;
  }
  address->set_port(port);
  return address;
}

bool TcpAddress::is_loopback() const {
  if (is_ipv6()) {
    return IN6_IS_ADDR_LOOPBACK(&as_ipv6(*this).sin6_addr) != 0;
  }
  return ntohl(as_ipv4(*this).sin_addr.s_addr) >> 24U == IN_LOOPBACKNET;
}

std::uint16_t TcpAddress::port() const {
  return ntohs(is_ipv6() ? as_ipv6(*this).sin6_port : as_ipv4(*this).sin_port);
}

void TcpAddress::set_port(std::uint16_t port) {
  if (is_ipv6()) {
    reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
  }
}

std::string TcpAddress::name() const {
  return (is_ipv6() ? "[" + text + "]" : text) + ":" + std::to_string(port());
}

Descriptor bind_socket(const TcpAddress& address, bool shared) {
  const std::string what = "cannot listen on " + address.name();
  Descriptor socket(
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) {
    throw_system_error(what);
  }
  set_option(socket.number(), SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR");
  if (shared) {
    set_option(socket.number(), SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT");
  }
  if (address.is_ipv6()) {
    set_option(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY");
  }
  if (::bind(socket.number(), address.get(), address.length) < 0) {
    throw_system_error(what);
  }
  return socket;
}

void start_listening(int socket, const TcpAddress& address, int queue_length) {
  if (::listen(socket, queue_length) < 0) {
    throw_system_error("cannot listen on " + address.name());
  }
}

TcpAddress address_of(int socket) {
  TcpAddress address;
  address.length = sizeof address.storage;
  check_syscall(
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&address.storage), &address.length),
      "getsockname");
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* const number = address.is_ipv6()
                                 ? static_cast<const void*>(&as_ipv6(address).sin6_addr)
                                 : static_cast<const void*>(&as_ipv4(address).sin_addr);
  if (::inet_ntop(address.storage.ss_family, number, text.data(), text.size()) == nullptr) {
    throw_system_error("inet_ntop");
  }
  address.text = text.data();
  return address;
}

}  // namespace eradio
