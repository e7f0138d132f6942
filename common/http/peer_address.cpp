#include "common/http/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace eradio {
namespace {

constexpr const char* unix_text = "unix";
constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

PeerAddress PeerAddress::from_sockaddr(const sockaddr* address, socklen_t length) {
  if (address == nullptr || length < sizeof(sa_family_t)) {
    return {};
  }
  Bytes bytes{};
  if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, address, sizeof ipv4);
    std::copy(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin());
    std::memcpy(bytes.data() + mapped_prefix.size(), &ipv4.sin_addr, sizeof ipv4.sin_addr);
    return PeerAddress(bytes, ntohs(ipv4.sin_port));
  }
  if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, address, sizeof ipv6);
    std::memcpy(bytes.data(), &ipv6.sin6_addr, bytes.size());
    return PeerAddress(bytes, ntohs(ipv6.sin6_port));
  }
  return {};
}

std::optional<PeerAddress> PeerAddress::from_text(const std::string& text) {
  if (text == unix_text) {
    return PeerAddress();
  }
  Bytes bytes{};
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) {
    // "::" is no peer's address, and would stand for Unix peers.
    return bytes == Bytes{} ? std::nullopt : std::optional(PeerAddress(bytes));
  }
  if (::inet_pton(AF_INET, text.c_str(), bytes.data() + mapped_prefix.size()) == 1) {
    std::copy(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin());
    return PeerAddress(bytes);
  }
  return std::nullopt;
}

PeerAddress PeerAddress::network() const {
  constexpr std::ptrdiff_t prefix_bytes = 8;
  Bytes network = bytes_;
  const auto rest = network.begin() + prefix_bytes;
  // Nobody has ::/64: mapped IPv4 addresses and the loopback address are in it, each for itself.
  const bool of_one =
      std::all_of(network.begin(), rest, [](std::uint8_t byte) { return byte == 0; });
  if (!of_one) {
    std::fill(rest, network.end(), std::uint8_t{0});
  }
  return PeerAddress(network);
}

std::string PeerAddress::text() const {
  if (is_unix()) {
    return unix_text;
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool mapped = std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes_.begin());
  if (mapped) {
    ::inet_ntop(AF_INET, bytes_.data() + mapped_prefix.size(), text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
  }
  return text.data();
}

}  // namespace eradio
