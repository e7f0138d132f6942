// The look into a client's kernel send queue, and the socket options that keep this queue short.
// The only place that knows the ioctls; used by the fan-out and by whoever is notified.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "worker/gate.h"

namespace eradio {

// Bytes that are sent and not acknowledged, or not sent yet: SIOCOUTQ (tcp(7), unix(7)). For Unix
// sockets it counts the kernel's overhead too. Nothing when the socket is broken.
std::optional<std::uint64_t> queued_bytes(int socket) noexcept;

// Bytes that have not been sent yet, not even once: SIOCOUTQNSD. Nothing for a socket that is
// broken, or no TCP.
std::optional<std::uint64_t> unsent_bytes(int socket) noexcept;

// Bytes that have come and were not read yet: SIOCINQ. Nothing when the socket is broken.
std::optional<std::uint64_t> unread_bytes(int socket) noexcept;

// What the kernel knows of the way to a TCP peer (TCP_INFO, tcp(7); the fields are linux/tcp.h's).
// Nothing for other sockets, and broken ones.
std::optional<NetworkPath> network_path(int socket) noexcept;

// Bytes that the kernel has taken from whoever sent on this connection, in all: those that are
// acknowledged (tcpi_bytes_acked, which does not count SYN) and those that are queued. Exact while
// nobody sends, also after the sender was killed in the middle of a send (checked by experiment on
// Linux 6.18). Nothing for sockets that are no TCP, and broken ones.
std::optional<std::uint64_t> bytes_taken(int socket) noexcept;

// Makes EPOLLOUT wait until every byte has been sent once (TCP_NOTSENT_LOWAT, tcp(7)). send() alone
// does not wait for that: the kernel adds to a buffer that has not left yet as long as there is
// room in it (measured: a second message at once). A Unix socket, which has no such option, gets a
// small buffer.
void prepare_message_socket(int socket) noexcept;

// Makes TCP give up a peer that acknowledges nothing for so long (TCP_USER_TIMEOUT, tcp(7)). While
// there is nothing to acknowledge it asks several times within that time (keepalive, whose own
// limit the other one overrides), so that a lost packet or two end nothing.
void set_peer_timeout(int socket, std::chrono::milliseconds timeout) noexcept;

// Prepares a socket for a stream: no Nagle (every frame is to leave at once), and room in the
// kernel for what the gate admits. SO_SNDBUF counts buffers with their overhead and not bytes
// (socket(7)): frames of 418 bytes take three times their size, those of 40 bytes thirty times, so
// of these the room bounds the queue before the gate does. May be called again when the limit has
// grown.
void prepare_stream_socket(int socket, std::uint64_t queue_bytes_max) noexcept;

}  // namespace eradio
