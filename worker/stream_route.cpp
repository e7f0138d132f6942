#include "worker/stream_route.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "worker/listener_id.h"

namespace eradio {
namespace {

constexpr const char* bad_max_lag_text = "max_lag must be one decimal integer, in milliseconds";

// `?max_lag=MS` within what the server allows, or its own. Nothing when it is no number.
std::optional<std::chrono::milliseconds> max_lag_of(const HttpRequest& request,
                                                    const StreamRouteSettings& settings) {
  const auto text = request.parameter("max_lag");
  if (!text) {
    return settings.max_lag;
  }
  std::uint64_t ms = 0;
  const char* end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, ms);
  if (text->empty() || error != std::errc{} || rest != end || request.is_repeated("max_lag")) {
    return std::nullopt;
  }
  const auto most = static_cast<std::uint64_t>(settings.max_lag_ceiling.count());
  const std::chrono::milliseconds wanted(std::min(ms, most));
  return std::max(wanted, settings.max_lag_floor);
}

HttpResponse refusal(WorkerScoreboard& scoreboard, const std::string& why) {
  scoreboard.counters().refused_total.add(1);
  HttpResponse response = HttpResponse::error(503, why);
  response.fields.set("Retry-After", std::to_string(retry_after.count()));
  return response;
}

}  // namespace

void add_stream_route(HttpServer& server, FanOut& fan_out, WorkerScoreboard& scoreboard,
                      const StreamRouteSettings& settings) {
  server.route("GET", settings.path, [&fan_out, &scoreboard, settings](const HttpRequest& request) {
    const bool given = request.parameter("listener_id").has_value();
    const auto id = given ? listener_id_of(request) : random_listener_id();
    if (!id) {
      return HttpResponse::error(400, bad_listener_id_text);
    }
    const auto max_lag = max_lag_of(request, settings);
    if (!max_lag) {
      return HttpResponse::error(400, bad_max_lag_text);
    }
    if (settings.max_listeners > 0 && scoreboard.listeners_of_all() >= settings.max_listeners) {
      return refusal(scoreboard, "the limit of " + std::to_string(settings.max_listeners) +
                                     " listeners is reached");
    }
    if (fan_out.is_full()) {
      return refusal(scoreboard, "this worker has no room for another listener");
    }
    HttpResponse response;
    add_api_fields(response.fields);
    response.fields.set("Content-Type", settings.content_type);
    response.fields.set("X-Accel-Buffering", "no");  // nginx would gather what must leave at once
    response.fields.set("X-Listener-Id", std::to_string(*id));
    response.fields.set("X-Max-Lag", std::to_string(max_lag->count()));
    response.fields.set("Access-Control-Expose-Headers", "X-Listener-Id, X-Max-Lag");
    const ListenerRequest listener{.id = *id,
                                   .lag_ns_max = std::chrono::nanoseconds(*max_lag).count()};
    response.take_over = [&fan_out, listener](TakenOver connection) {
      fan_out.join(std::move(connection.socket), connection.peer, listener, connection.head);
    };
    return response;
  });
}

}  // namespace eradio
