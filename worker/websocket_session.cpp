#include "worker/websocket_session.h"

#include <algorithm>
#include <array>
#include <new>

#include <wslay/wslay.h>

#include "common/byte_order.h"
#include "common/check.h"

namespace eradio {
namespace {

constexpr std::size_t close_reason_bytes_max = 123;  // RFC 6455, 5.5: 125 with the code

ssize_t read_from_span(std::uint8_t* to, std::size_t room, int /*flags*/, void* user) {
  auto& input = *static_cast<std::span<const std::byte>*>(user);
  const std::size_t bytes = std::min(room, input.size());
  if (bytes == 0) {
    return -1;  // for wslay: not now
  }
  std::copy_n(reinterpret_cast<const std::uint8_t*>(input.data()), bytes, to);
  input = input.subspan(bytes);
  return static_cast<ssize_t>(bytes);
}

ssize_t append_to_string(const std::uint8_t* from, std::size_t bytes, int /*flags*/, void* user) {
  static_cast<std::string*>(user)->append(reinterpret_cast<const char*>(from), bytes);
  return static_cast<ssize_t>(bytes);
}

wslay_frame_context* make_context(const wslay_frame_callbacks& callbacks, void* user) {
  wslay_frame_context* context = nullptr;
  if (::wslay_frame_context_init(&context, &callbacks, user) != 0) {
    throw std::bad_alloc();
  }
  return context;
}

// RFC 6455, 5.2: of a frame of a client's, which is masked; wslay takes the shortest form only.
std::uint64_t header_bytes(std::uint64_t payload_bytes) {
  constexpr std::uint64_t two_bytes_from = 126;
  constexpr std::uint64_t eight_bytes_from = 65536;
  constexpr std::uint64_t with_mask = 2 + 4;
  return with_mask + (payload_bytes < two_bytes_from     ? 0
                      : payload_bytes < eight_bytes_from ? 2
                                                         : 8);
}

// RFC 6455, 7.4: what an endpoint may send; registered since: 1012 to 1014.
bool may_be_sent(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace

void WebSocketSession::FreeContext::operator()(wslay_frame_context* context) const noexcept {
  ::wslay_frame_context_free(context);
}

std::string encode_websocket_frame(WebSocketOpcode opcode, std::string_view payload) {
  static std::string frame;
  static wslay_frame_context* const context =
      make_context({append_to_string, nullptr, nullptr}, &frame);
  frame.clear();
  wslay_frame_iocb whole{};
  whole.fin = 1;
  whole.opcode = static_cast<std::uint8_t>(opcode);
  whole.payload_length = payload.size();
  whole.data = reinterpret_cast<const std::uint8_t*>(payload.data());
  whole.data_length = payload.size();
  const ssize_t sent = ::wslay_frame_send(context, &whole);
  ERADIO_CHECK(sent == static_cast<ssize_t>(payload.size()));
  return frame;
}

std::string encode_close_frame(std::uint16_t code, std::string_view reason) {
  if (code == 0) {
    return encode_websocket_frame(WebSocketOpcode::close, "");
  }
  std::array<std::byte, sizeof code> prefix{};
  write_big_endian(code, prefix);
  std::string payload(reinterpret_cast<const char*>(prefix.data()), prefix.size());
  payload += reason.substr(0, close_reason_bytes_max);
  return encode_websocket_frame(WebSocketOpcode::close, payload);
}

WebSocketSession::WebSocketSession(WebSocketEvents& events, std::uint64_t message_bytes_max)
    : events_(events),
      message_bytes_max_(message_bytes_max),
      frames_(make_context({nullptr, read_from_span, nullptr}, &input_)) {}

WebSocketSession::~WebSocketSession() = default;

void WebSocketSession::receive(std::span<const std::byte> bytes) {
  input_ = bytes;
  unframed_bytes_ += bytes.size();
  while (reading_) {
    wslay_frame_iocb piece{};
    const ssize_t result = ::wslay_frame_recv(frames_.get(), &piece);
    if (result == WSLAY_ERR_WANT_READ) {
      break;
    }
    if (result < 0) {
      violate(CloseCode::protocol_error, "bad frame header");
      break;
    }
    take(piece);
  }
  input_ = {};
}

void WebSocketSession::take(const wslay_frame_iocb& piece) {
  if (!in_frame_) {
    in_frame_ = true;
    ++frames_begun_;
    frame_bytes_ = 0;
    if (!begin_frame(piece)) {
      return;
    }
    unframed_bytes_ -= header_bytes(piece.payload_length);
  }
  unframed_bytes_ -= piece.data_length;
  frame_bytes_ += piece.data_length;
  const bool frame_ends = frame_bytes_ == piece.payload_length;
  in_frame_ = !frame_ends;
  const auto bytes = std::as_bytes(std::span(piece.data, piece.data_length));
  if (wslay_is_ctrl_frame(piece.opcode) != 0) {
    take_control(piece, bytes);
  } else {
    take_data(piece, bytes);
  }
}

bool WebSocketSession::begin_frame(const wslay_frame_iocb& piece) {
  if (piece.mask == 0) {  // RFC 6455, 5.1
    violate(CloseCode::protocol_error, "frames from a client must be masked");
    return false;
  }
  if (piece.rsv != WSLAY_RSV_NONE) {  // 5.2: no extension was agreed on
    violate(CloseCode::protocol_error, "reserved bits are set");
    return false;
  }
  switch (piece.opcode) {
    case WSLAY_CONTINUATION_FRAME:
      if (!in_message_) {
        violate(CloseCode::protocol_error, "nothing to continue");
        return false;
      }
      break;
    case WSLAY_TEXT_FRAME:
    case WSLAY_BINARY_FRAME:
      if (in_message_) {
        violate(CloseCode::protocol_error, "a message within a message");
        return false;
      }
      in_message_ = true;
      is_text_ = piece.opcode == WSLAY_TEXT_FRAME;
      message_bytes_ = 0;
      text_ = {};
      break;
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
      control_.clear();
      return true;
    default:
      violate(CloseCode::protocol_error, "unknown opcode");
      return false;
  }
  if (piece.payload_length > message_bytes_max_ - message_bytes_) {
    violate(CloseCode::too_big, "the message is too long");
    return false;
  }
  message_bytes_ += piece.payload_length;
  return true;
}

void WebSocketSession::take_data(const wslay_frame_iocb& piece, std::span<const std::byte> bytes) {
  const bool message_ends = !in_frame_ && piece.fin != 0;
  if (is_text_ && (!text_.feed(bytes) || (message_ends && !text_.complete()))) {
    violate(CloseCode::invalid_data, "the text is not UTF-8");
    return;
  }
  if (message_ends) {
    in_message_ = false;
    events_.on_message(message_bytes_);
  }
}

void WebSocketSession::take_control(const wslay_frame_iocb& piece,
                                    std::span<const std::byte> bytes) {
  control_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (in_frame_) {
    return;
  }
  if (piece.opcode == WSLAY_PING) {
    events_.on_ping(control_);
  } else if (piece.opcode == WSLAY_PONG) {
    events_.on_pong();
  } else {
    take_close();
  }
}

void WebSocketSession::take_close() {
  if (control_.empty()) {
    reading_ = false;
    events_.on_close(0);
    return;
  }
  const auto body = std::as_bytes(std::span(control_));
  if (body.size() < sizeof(std::uint16_t)) {
    violate(CloseCode::protocol_error, "half a close code");
    return;
  }
  const auto code = read_big_endian<std::uint16_t>(body);
  Utf8Check reason;
  if (!may_be_sent(code)) {
    violate(CloseCode::protocol_error, "a close code that is never sent");
  } else if (!reason.feed(body.subspan(sizeof code)) || !reason.complete()) {
    violate(CloseCode::invalid_data, "the close reason is not UTF-8");
  } else {
    reading_ = false;
    events_.on_close(code);
  }
}

void WebSocketSession::violate(CloseCode code, const char* reason) {
  reading_ = false;
  events_.on_violation(code, reason);
}

}  // namespace eradio
