// The protocol of one WebSocket from the server's side (RFC 6455), between the handshake and the
// end: bytes in, messages and control frames out. wslay reads and writes the frames; what a
// sequence of frames means, and what breaks the rules, is decided here. Pure: no socket, no clock.
//
// Text and binary messages are checked and counted, but not kept: nothing is in them that this
// server wants to know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/utf8_check.h"

struct wslay_frame_context;
struct wslay_frame_iocb;

namespace eradio {

// RFC 6455, 7.4.1.
enum class CloseCode : std::uint16_t {
  none = 0,  // a Close frame without a body
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  invalid_data = 1007,
  policy_violation = 1008,
  too_big = 1009,
};

enum class WebSocketOpcode : std::uint8_t { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// A whole frame, unmasked as a server's are. A control frame's payload has at most 125 bytes.
std::string encode_websocket_frame(WebSocketOpcode opcode, std::string_view payload);
// A Close frame; `reason` is cut to the 123 bytes it may have.
std::string encode_close_frame(std::uint16_t code, std::string_view reason);

// What a client does. Called from within receive().
class WebSocketEvents {
 public:
  virtual ~WebSocketEvents() = default;
  // A text or binary message is complete, maybe of several frames.
  virtual void on_message(std::uint64_t bytes) = 0;
  // To be answered with a Pong of the same payload. The view is valid during the call.
  virtual void on_ping(std::string_view payload) = 0;
  virtual void on_pong() = 0;
  // The client has closed, and wants the same code back (0: it gave none). Nothing more is read.
  virtual void on_close(std::uint16_t code) = 0;
  // The client has broken the rules. Nothing more is read.
  virtual void on_violation(CloseCode code, const char* reason) = 0;
};

class WebSocketSession {
 public:
  // `events` is borrowed. `message_bytes_max`: of a message; a longer one is a violation.
  WebSocketSession(WebSocketEvents& events, std::uint64_t message_bytes_max);
  ~WebSocketSession();
  WebSocketSession(const WebSocketSession&) = delete;
  WebSocketSession& operator=(const WebSocketSession&) = delete;

  // Bytes from the client, cut anywhere. A frame is judged with the first byte of its payload,
  // which wslay waits for. Throws std::bad_alloc only.
  void receive(std::span<const std::byte> bytes);
  // That have begun.
  [[nodiscard]] std::uint64_t frames() const noexcept { return frames_begun_; }
  // Whether all that has come makes whole messages: then another session could go on here.
  [[nodiscard]] bool at_boundary() const noexcept {
    return !in_frame_ && !in_message_ && unframed_bytes_ == 0;
  }
  // False after a Close or a violation: what still comes does not matter.
  [[nodiscard]] bool reading() const noexcept { return reading_; }

 private:
  struct FreeContext {
    void operator()(wslay_frame_context* context) const noexcept;
  };

  void take(const wslay_frame_iocb& piece);
  // False when the frame is against the rules, by its header.
  [[nodiscard]] bool begin_frame(const wslay_frame_iocb& piece);
  void take_data(const wslay_frame_iocb& piece, std::span<const std::byte> bytes);
  void take_control(const wslay_frame_iocb& piece, std::span<const std::byte> bytes);
  void take_close();
  void violate(CloseCode code, const char* reason);

  WebSocketEvents& events_;
  std::uint64_t message_bytes_max_;
  std::unique_ptr<wslay_frame_context, FreeContext> frames_;
  std::span<const std::byte> input_;  // what wslay has not taken yet, during receive()
  bool reading_ = true;
  std::uint64_t unframed_bytes_ = 0;  // that have come and belong to no frame yet: half a header

  std::uint64_t frames_begun_ = 0;
  bool in_frame_ = false;
  std::uint64_t frame_bytes_ = 0;  // of its payload that have come
  bool in_message_ = false;        // its last frame has not come yet
  bool is_text_ = false;           // the message
  std::uint64_t message_bytes_ = 0;
  Utf8Check text_;
  std::string control_;  // the payload of a control frame
};

}  // namespace eradio
