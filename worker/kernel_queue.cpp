#include "worker/kernel_queue.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

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

void prepare_message_socket(int socket) noexcept {
  const int lowat_bytes = 1;
  if (::setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat_bytes, sizeof lowat_bytes) != 0) {
    const int buffer_bytes = 4096;
    ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
  }
}

void prepare_stream_socket(int socket, std::uint64_t queue_bytes_max) noexcept {
  constexpr std::uint64_t overhead_factor = 4;  // 418-byte frames: about 1300 bytes of buffer each
  constexpr std::uint64_t send_buffer_bytes_max = 4U << 20U;
  const int on = 1;
  // None is vital, and TCP's do not exist on Unix sockets: errors are of no consequence.
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // A peer that has vanished while the stream pauses is found after two minutes (tcp(7)).
  constexpr int idle_s = 60;
  constexpr int interval_s = 15;
  constexpr int probes = 4;
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  const auto bytes =
      static_cast<int>(std::min(queue_bytes_max * overhead_factor, send_buffer_bytes_max));
  ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

}  // namespace eradio
