#include "tests/support/api_client.h"

#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "tests/support/http_client.h"
#include "tests/support/worker_of.h"

namespace eradio::testing {
namespace {

using nlohmann::json;

std::optional<Metadata> from_json(const json& object) {
  if (!object.is_object() || !object.value("listener_count", json()).is_number_unsigned() ||
      !object.value("veto_count", json()).is_number_unsigned()) {
    return std::nullopt;
  }
  Metadata metadata{.track = {},
                    .uri = "",
                    .listeners = object["listener_count"].get<std::uint64_t>(),
                    .vetoes = object["veto_count"].get<std::uint64_t>()};
  if (object.contains("current_track")) {
    const json& track = object["current_track"];
    if (!track.is_object() || !track.value("name", json()).is_string() ||
        !track.value("uri", json()).is_string()) {
      return std::nullopt;
    }
    metadata.track = track["name"].get<std::string>();
    metadata.uri = track["uri"].get<std::string>();
  }
  return metadata;
}

bool says(const std::optional<Metadata>& metadata, const Metadata& expected) {
  return metadata && metadata->track == expected.track &&
         metadata->listeners == expected.listeners && metadata->vetoes == expected.vetoes;
}

}  // namespace

std::optional<Metadata> parse_metadata(const std::string& text) {
  return from_json(json::parse(text, nullptr, false));
}

std::optional<Metadata> parse_notification(const std::string& text) {
  const json message = json::parse(text, nullptr, false);
  if (!message.is_object() || message.value("action", "") != "notify") {
    return std::nullopt;
  }
  return from_json(message.value("metadata", json()));
}

std::optional<Metadata> get_metadata(const Endpoint& endpoint) {
  const auto reply = fetch(endpoint, "/v1/metadata");
  return reply && reply->status == 200 ? parse_metadata(reply->body) : std::nullopt;
}

int put_veto(const Endpoint& endpoint, std::uint64_t listener_id) {
  const auto reply = fetch(endpoint, "/v1/veto?listener_id=" + std::to_string(listener_id), "PUT");
  return reply ? reply->status : 0;
}

std::optional<Metadata> next_notification(WebSocketClient& client,
                                          std::chrono::milliseconds limit) {
  const auto frame = client.read_frame(limit);
  if (!frame) {
    return std::nullopt;
  }
  EXPECT_TRUE(frame->is_text() && frame->fin) << frame->opcode;
  auto metadata = parse_notification(frame->payload);
  EXPECT_TRUE(metadata) << frame->payload;
  return metadata;
}

bool is_told(WebSocketClient& client, const std::function<bool(const Metadata&)>& wanted,
             std::chrono::milliseconds limit) {
  const std::int64_t deadline_ns = monotonic_ns() + limit.count() * ns_per_ms;
  while (monotonic_ns() < deadline_ns) {
    const std::chrono::milliseconds left((deadline_ns - monotonic_ns()) / ns_per_ms);
    const auto metadata = next_notification(client, left);
    if (!metadata || wanted(*metadata)) {
      return metadata.has_value();
    }
  }
  return false;
}

bool is_told_of_track(WebSocketClient& client, const std::string& name) {
  return is_told(client, [&](const Metadata& metadata) { return metadata.track == name; });
}

bool tells_everywhere(const Server& server, const Metadata& expected,
                      std::chrono::milliseconds limit) {
  std::set<pid_t> asked;
  return comes_true(
      [&] {
        HttpClient client(server.ipv4());
        client.request("/v1/metadata");
        const auto reply = client.read_reply();
        if (!reply || !says(parse_metadata(reply->body), expected)) {
          asked.clear();
          return false;
        }
        if (const auto worker = worker_of(server, client.descriptor())) {
          asked.insert(*worker);
        }
        return asked.size() == server.workers().size();
      },
      limit);
}

}  // namespace eradio::testing
