#include "tests/support/websocket_client.h"

#include <algorithm>
#include <stdexcept>

#include "common/clock.h"

namespace eradio::testing {
namespace {

constexpr unsigned opcode_close = 8;
constexpr std::uint16_t no_code = 1005;

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) {
    value = value << 8U | static_cast<unsigned char>(byte);
  }
  return value;
}

}  // namespace

std::uint16_t ServerFrame::close_code() const noexcept {
  if (opcode != opcode_close) {
    return 0;
  }
  return payload.size() < 2
             ? no_code
             : static_cast<std::uint16_t>(big_endian(std::string_view(payload).substr(0, 2)));
}

std::optional<ServerFrame> take_server_frame(std::string& bytes) {
  constexpr std::size_t short_head_bytes = 2;
  if (bytes.size() < short_head_bytes) {
    return std::nullopt;
  }
  const auto first = static_cast<unsigned char>(bytes[0]);
  const auto second = static_cast<unsigned char>(bytes[1]);
  if ((first & 0x70U) != 0 || (second & 0x80U) != 0) {
    throw std::runtime_error("the server sent a frame that is masked or has reserved bits");
  }
  const std::size_t length_bytes = second < 126 ? 0 : second == 126 ? 2 : 8;
  const std::size_t head_bytes = short_head_bytes + length_bytes;
  if (bytes.size() < head_bytes) {
    return std::nullopt;
  }
  const std::uint64_t length =
      length_bytes == 0
          ? second
          : big_endian(std::string_view(bytes).substr(short_head_bytes, length_bytes));
  if (bytes.size() - head_bytes < length) {
    return std::nullopt;
  }
  ServerFrame frame{.opcode = first & 0x0fU,
                    .fin = (first & 0x80U) != 0,
                    .payload = bytes.substr(head_bytes, length)};
  bytes.erase(0, head_bytes + length);
  return frame;
}

std::string websocket_handshake(const std::string& target) {
  return "GET " + target +
         " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
}

WebSocketClient::WebSocketClient(const Endpoint& endpoint, const SocketOptions& options,
                                 std::string_view early_bytes)
    : http_(endpoint, options) {
  http_.send(websocket_handshake() + std::string(early_bytes));
  const auto reply = http_.read_reply();
  // RFC 6455, 1.3: what belongs to the key.
  if (!reply || reply->status != 101 ||
      reply->field("sec-websocket-accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") {
    throw std::runtime_error("no WebSocket: " + (reply ? reply->head + reply->body : "no answer"));
  }
}

std::optional<ServerFrame> WebSocketClient::read_frame(std::chrono::milliseconds limit) {
  const std::int64_t deadline_ns = monotonic_ns() + limit.count() * ns_per_ms;
  for (;;) {
    if (auto frame = take_server_frame(buffer_)) {
      return frame;
    }
    const std::int64_t left_ms = (deadline_ns - monotonic_ns()) / ns_per_ms;
    const std::string more =
        http_.read_bytes(1, std::chrono::milliseconds(std::max<std::int64_t>(left_ms, 0)));
    if (more.empty()) {
      return std::nullopt;
    }
    buffer_ += more;
  }
}

std::optional<ServerFrame> WebSocketClient::read_answer(std::chrono::milliseconds limit) {
  const std::int64_t deadline_ns = monotonic_ns() + limit.count() * ns_per_ms;
  for (;;) {
    const std::int64_t left_ms = (deadline_ns - monotonic_ns()) / ns_per_ms;
    auto frame = read_frame(std::chrono::milliseconds(std::max<std::int64_t>(left_ms, 0)));
    if (!frame || !frame->is_text() || frame->payload.empty()) {
      return frame;
    }
  }
}

}  // namespace eradio::testing
