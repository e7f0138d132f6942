#include "worker/websocket_handshake.h"

#include <array>
#include <cstdint>

#include <openssl/evp.h>
#include <openssl/sha.h>

namespace eradio {
namespace {

// 16 bytes in base64: 22 characters of its alphabet and "==" (RFC 6455, 4.1, 7).
bool is_key(std::string_view key) {
  constexpr std::size_t characters = 22;
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return key.find_first_not_of(alphabet) == characters && key.substr(characters) == "==";
}

HttpResponse upgrade_required(std::string_view why) {
  HttpResponse response = HttpResponse::error(426, why);
  response.fields.set("Upgrade", "websocket");
  response.fields.set("Sec-WebSocket-Version", "13");
  return response;
}

}  // namespace

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1> encoded{};
  const int length = ::EVP_EncodeBlock(encoded.data(), digest.data(), digest.size());
  return {reinterpret_cast<const char*>(encoded.data()), static_cast<std::size_t>(length)};
}

HttpResponse answer_websocket_handshake(const HttpRequest& request) {
  if (request.method != "GET" || !request.fields.has_token("Upgrade", "websocket")) {
    return upgrade_required("this address is for WebSockets: an upgrade to websocket is needed");
  }
  if (request.minor_version < 1) {
    return HttpResponse::error(400, "a WebSocket needs HTTP/1.1");
  }
  if (!request.fields.has_token("Connection", "upgrade")) {
    return HttpResponse::error(400, "Connection must say upgrade");
  }
  if (request.fields.get("Sec-WebSocket-Version") != "13" ||
      request.fields.count("Sec-WebSocket-Version") != 1) {
    return upgrade_required("Sec-WebSocket-Version must be 13");
  }
  const auto key = request.fields.get("Sec-WebSocket-Key");
  if (!key || request.fields.count("Sec-WebSocket-Key") != 1 || !is_key(*key)) {
    return HttpResponse::error(400, "Sec-WebSocket-Key must be 16 bytes in base64");
  }
  HttpResponse response;
  response.status = 101;
  response.fields.set("Upgrade", "websocket");
  response.fields.set("Connection", "Upgrade");
  response.fields.set("Sec-WebSocket-Accept", websocket_accept(*key));
  return response;
}

}  // namespace eradio
