// A blocking WebSocket client that sends exactly the bytes a test wants (tests/worker/
// websocket_frames.h makes them) and reads the server's frames, by hand from RFC 6455, 5.2. Every
// call is bounded in time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/endpoint.h"
#include "tests/support/http_client.h"
#include "tests/support/patience.h"

namespace eradio::testing {

// A frame of the server's.
struct ServerFrame {
  unsigned opcode = 0;
  bool fin = false;
  std::string payload;

  [[nodiscard]] bool is_text() const noexcept { return opcode == 1; }
  [[nodiscard]] bool is_pong() const noexcept { return opcode == 10; }
  // Of a Close frame: its code, 1005 if it has none (RFC 6455, 7.4.1). 0: it is no Close frame.
  [[nodiscard]] std::uint16_t close_code() const noexcept;
};

// Takes a whole frame off the front of `bytes`. Nothing: it has not come yet. Throws
// std::runtime_error for one that no server may send: masked, or with reserved bits.
std::optional<ServerFrame> take_server_frame(std::string& bytes);

// A request for the upgrade, with the key of RFC 6455, 1.3.
std::string websocket_handshake(const std::string& target = "/v1/ws/notify");

class WebSocketClient {
 public:
  // Connects and shakes hands; `early_bytes` go out in one write with the handshake. Throws
  // std::runtime_error if the server does not agree.
  explicit WebSocketClient(const Endpoint& endpoint, const SocketOptions& options = {},
                           std::string_view early_bytes = "");
  // Goes on with a connection whose upgrade has been agreed on.
  explicit WebSocketClient(HttpClient upgraded) : http_(std::move(upgraded)) {}

  // False when the server has closed the connection.
  bool send(std::string_view bytes) { return http_.send(bytes); }
  // The next frame. Nothing when there is none in time, or the connection has ended.
  std::optional<ServerFrame> read_frame(std::chrono::milliseconds limit = patience);
  // The next frame that is no notification, or nothing.
  std::optional<ServerFrame> read_answer(std::chrono::milliseconds limit = patience);
  // True when the server ends the connection within the time, whatever comes before.
  bool read_to_end(std::chrono::milliseconds limit = patience) { return http_.read_to_end(limit); }

  [[nodiscard]] bool ended() const noexcept { return http_.ended(); }
  [[nodiscard]] int descriptor() const noexcept { return http_.descriptor(); }

 private:
  HttpClient http_;
  std::string buffer_;
};

}  // namespace eradio::testing
