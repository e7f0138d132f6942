// Frames as a WebSocket client sends them, written by hand from RFC 6455, 5.2, so that the server
// is not tested against the library that it is built from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace eradio::test {

struct ClientFrame {
  unsigned opcode = 1;
  std::string payload{};
  bool fin = true;
  unsigned rsv = 0;
  bool masked = true;
  int length_bytes = 0;  // of the extended length: 0, 2 or 8; -1: as short as it can be
  std::uint64_t announced_bytes = 0;  // instead of the payload's, when length_bytes is not -1
  bool announce = false;
};

inline std::string client_frame(const ClientFrame& frame) {
  const std::uint64_t length = frame.announce ? frame.announced_bytes : frame.payload.size();
  int length_bytes = frame.length_bytes;
  if (!frame.announce) {
    length_bytes = length < 126 ? 0 : length < 65536 ? 2 : 8;
  }
  std::string bytes;
  bytes += static_cast<char>((frame.fin ? 0x80U : 0U) | frame.rsv << 4U | frame.opcode);
  const unsigned mask_bit = frame.masked ? 0x80U : 0U;
  if (length_bytes == 0) {
    bytes += static_cast<char>(mask_bit | static_cast<unsigned>(length));
  } else {
    bytes += static_cast<char>(mask_bit | (length_bytes == 2 ? 126U : 127U));
    for (int i = length_bytes - 1; i >= 0; --i) {
      bytes += static_cast<char>(length >> (8 * static_cast<unsigned>(i)) & 0xffU);
    }
  }
  constexpr std::string_view key("\x37\xfa\x21\x3d", 4);
  if (frame.masked) {
    bytes += key;
  }
  for (std::size_t i = 0; i < frame.payload.size(); ++i) {
    bytes += frame.masked ? static_cast<char>(frame.payload[i] ^ key[i % 4]) : frame.payload[i];
  }
  return bytes;
}

inline std::string text_frame(const std::string& payload) {
  return client_frame({.opcode = 1, .payload = payload});
}

inline std::string close_payload(std::uint16_t code, const std::string& reason = "") {
  return std::string{static_cast<char>(code >> 8U), static_cast<char>(code & 0xffU)} + reason;
}

}  // namespace eradio::test
