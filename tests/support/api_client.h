// The API as tests use it: the stream's metadata, votes, and what notifications say. Every answer
// is checked to be what a client can read.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tests/support/endpoint.h"
#include "tests/support/patience.h"
#include "tests/support/server.h"
#include "tests/support/websocket_client.h"

namespace eradio::testing {

struct Metadata {
  std::optional<std::string> track{};  // its name
  std::string uri{};
  std::uint64_t listeners = 0;
  std::uint64_t vetoes = 0;
};

// Of a JSON object such as GET /v1/metadata gives; nothing if it is none.
std::optional<Metadata> parse_metadata(const std::string& text);
// Of a notification, {"action":"notify","metadata":{…}}.
std::optional<Metadata> parse_notification(const std::string& text);

// GET /v1/metadata on a connection of its own; nothing if it is not answered as it should be.
std::optional<Metadata> get_metadata(const Endpoint& endpoint);
// The status that PUT /v1/veto is answered with; 0 if it is not.
int put_veto(const Endpoint& endpoint, std::uint64_t listener_id);

// The next notification; nothing when none comes in time. Expects that it is one.
std::optional<Metadata> next_notification(WebSocketClient& client,
                                          std::chrono::milliseconds limit = patience);
// Reads notifications until one is as `wanted`; false when none is in time.
bool is_told(WebSocketClient& client, const std::function<bool(const Metadata&)>& wanted,
             std::chrono::milliseconds limit = patience);
bool is_told_of_track(WebSocketClient& client, const std::string& name);

// Waits until every worker says so: a connection may come to any of them.
bool tells_everywhere(const Server& server, const Metadata& expected,
                      std::chrono::milliseconds limit = patience);

}  // namespace eradio::testing
