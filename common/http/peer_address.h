// Who is at the other end of a connection: a small value for logs, for counting connections per
// address and for listener tables. Used by whoever accepts sockets; never resolves names.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace eradio {

class PeerAddress {
 public:
  // The 16 bytes of an IPv6 address; IPv4 stands as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). A Unix
  // peer is all zero: the unspecified address, which no TCP peer can have.
  using Bytes = std::array<std::uint8_t, 16>;

  // A Unix peer.
  PeerAddress() = default;
  explicit PeerAddress(const Bytes& bytes, std::uint16_t port = 0) : bytes_(bytes), port_(port) {}
  // From accept(2) or getpeername(2); families other than IPv4 and IPv6 become a Unix peer.
  static PeerAddress from_sockaddr(const sockaddr* address, socklen_t length);

  // What text() says, or another form of the same address; nothing for anything else.
  static std::optional<PeerAddress> from_text(const std::string& text);

  // "192.0.2.1" (also when it came mapped), "2001:db8::1", "unix"; no port.
  [[nodiscard]] std::string text() const;
  // Equal for every connection from the same address.
  [[nodiscard]] const Bytes& bytes() const noexcept { return bytes_; }
  // The network of one subscriber, which limits count by: an IPv4 address is its own, mapped or
  // not; of IPv6 it is the /64, since whoever has one of its addresses has all of them (RFC 4291,
  // 2.5.1; RFC 6177). Without a port.
  [[nodiscard]] PeerAddress network() const;
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }  // 0: unknown
  [[nodiscard]] bool is_unix() const noexcept { return bytes_ == Bytes{}; }

  auto operator<=>(const PeerAddress&) const = default;

 private:
  Bytes bytes_{};
  std::uint16_t port_ = 0;
};

}  // namespace eradio
