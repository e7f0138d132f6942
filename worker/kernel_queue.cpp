#include "worker/kernel_queue.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace eradio {

namespace {

std::optional<std::uint64_t> ask(int socket, unsigned long request) noexcept {
  int bytes = 0;
  if (::ioctl(socket, request, &bytes) < 0 || bytes < 0) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace

std::optional<std::uint64_t> queued_bytes(int socket) noexcept { return ask(socket, SIOCOUTQ); }

std::optional<std::uint64_t> unsent_bytes(int socket) noexcept { return ask(socket, SIOCOUTQNSD); }

std::optional<std::uint64_t> unread_bytes(int socket) noexcept { return ask(socket, SIOCINQ); }

std::optional<NetworkPath> network_path(int socket) noexcept {
  constexpr std::uint8_t state_recovery = 3;  // TCP_CA_Recovery; TCP_CA_Loss is behind it
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) != 0 ||
      length < offsetof(tcp_info, tcpi_min_rtt) + sizeof info.tcpi_min_rtt) {
    return std::nullopt;
  }
  NetworkPath path;
  if (info.tcpi_min_rtt != UINT32_MAX) {  // there is a sample
    path.min_rtt_ns = std::int64_t{info.tcpi_min_rtt} * 1000;
    path.rtt_ns = std::int64_t{info.tcpi_rtt} * 1000;
  }
  path.recovering = info.tcpi_ca_state >= state_recovery;
  path.unsent_bytes = info.tcpi_notsent_bytes;
  if (info.tcpi_unacked > 0) {  // all of these are packets
    const auto arrived_or_lost = std::min(info.tcpi_sacked + info.tcpi_lost, info.tcpi_unacked);
    const auto in_flight = info.tcpi_unacked - arrived_or_lost + info.tcpi_retrans;
    path.in_flight = std::min(1.0, static_cast<double>(in_flight) / info.tcpi_unacked);
  }
  return path;
}

std::optional<std::uint64_t> bytes_taken(int socket) noexcept {
  const auto acked_bytes = [&]() -> std::optional<std::uint64_t> {
    tcp_info info{};
    socklen_t length = sizeof info;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) != 0 ||
        length < offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked) {
      return std::nullopt;
    }
    return info.tcpi_bytes_acked;
  };
  constexpr int attempts_max = 100;  // an acknowledgement may come between two calls
  auto acked = acked_bytes();
  for (int i = 0; i < attempts_max && acked; ++i) {
    const auto queued = queued_bytes(socket);
    const auto before = std::exchange(acked, acked_bytes());
    if (!queued) {
      break;
    }
    if (acked == before) {
      return *acked + *queued;
    }
  }
  return std::nullopt;
}

void prepare_message_socket(int socket) noexcept {
  const int lowat_bytes = 1;
  if (::setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat_bytes, sizeof lowat_bytes) != 0) {
    const int buffer_bytes = 4096;
    ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
  }
}

void set_peer_timeout(int socket, std::chrono::milliseconds timeout) noexcept {
  const auto ms = static_cast<unsigned>(timeout.count());
  const int idle_s = std::max(1, static_cast<int>(timeout.count() / 2000));
  const int interval_s = std::max(1, static_cast<int>(timeout.count() / 8000));
  const int on = 1;
  // TCP's do not exist on Unix sockets: errors are of no consequence.
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
}

void prepare_stream_socket(int socket, std::uint64_t queue_bytes_max) noexcept {
  // 418-byte frames take about 1300 bytes of buffer each; a long round trip holds more of them.
  constexpr std::uint64_t overhead_factor = 8;
  constexpr std::uint64_t send_buffer_bytes_max = 4U << 20U;
  const int on = 1;
  // None is vital, and TCP's do not exist on Unix sockets: errors are of no consequence.
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto bytes =
      static_cast<int>(std::min(queue_bytes_max * overhead_factor, send_buffer_bytes_max));
  ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

}  // namespace eradio
