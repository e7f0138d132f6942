// The look into a listener's kernel send queue, and the socket options that keep this queue short.
// The only place that knows the ioctls; used by the fan-out.
#pragma once

#include <cstdint>
#include <optional>

namespace eradio {

// Bytes that are sent and not acknowledged, or not sent yet: SIOCOUTQ (tcp(7), unix(7)). For Unix
// sockets it counts the kernel's overhead too. Nothing when the socket is broken.
std::optional<std::uint64_t> queued_bytes(int socket) noexcept;

// Prepares a socket for a stream: no Nagle (every frame is to leave at once), and room in the
// kernel well above the gate's limit. SO_SNDBUF counts buffers with their overhead and not bytes
// (socket(7)): small frames take several times their size, and a frame that the gate lets pass
// should fit whole.
void prepare_stream_socket(int socket, std::uint64_t queue_bytes_max) noexcept;

}  // namespace eradio
