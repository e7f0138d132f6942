// The opening handshake of a WebSocket, from a request to the 101 that opens it or the error that
// refuses it (RFC 6455, 4.2). Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/http/http_message.h"

namespace eradio {

// With status 101 the caller adds what takes the connection over; any other status is final.
HttpResponse answer_websocket_handshake(const HttpRequest& request);

// Sec-WebSocket-Accept for a client's Sec-WebSocket-Key (RFC 6455, 4.2.2, 5.4).
std::string websocket_accept(std::string_view key);

}  // namespace eradio
