#include "worker/stream_route.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "common/clock.h"
#include "worker/listener_id.h"

namespace eradio {
namespace {

// `?max_lag=MS`, or the server's own. Throws std::invalid_argument when it is no number.
std::int64_t wanted_lag_ns(const HttpRequest& request, const StreamRouteSettings& settings) {
  const auto text = request.parameter("max_lag");
  if (!text) {
    return std::chrono::nanoseconds(settings.max_lag).count();
  }
  std::uint32_t ms = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), ms);
  if (error != std::errc{} || end != text->data() + text->size()) {
    throw std::invalid_argument("max_lag must be one decimal integer, in milliseconds");
  }
  return std::chrono::nanoseconds(std::min(std::chrono::milliseconds(ms), settings.max_lag_ceiling))
      .count();
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
    ListenerRequest listener{.id = *id};
    try {
      listener.lag_ns_max = wanted_lag_ns(request, settings);
    } catch (const std::invalid_argument& error) {
      return HttpResponse::error(400, error.what());
    }
    if (settings.max_listeners > 0 && scoreboard.listeners_of_all() >= settings.max_listeners) {
      scoreboard.counters().refused_total.add(1);
      HttpResponse response = HttpResponse::error(
          503, "the limit of " + std::to_string(settings.max_listeners) + " listeners is reached");
      response.fields.set("Retry-After", std::to_string(retry_after.count()));
      return response;
    }
    HttpResponse response;
    add_api_fields(response.fields);
    response.fields.set("Content-Type", settings.content_type);
    response.fields.set("X-Accel-Buffering", "no");  // nginx would gather what must leave at once
    response.fields.set("X-Listener-Id", std::to_string(*id));
    response.fields.set("X-Max-Lag", std::to_string(listener.lag_ns_max / ns_per_ms));
    response.fields.set("Access-Control-Expose-Headers", "X-Listener-Id, X-Max-Lag");
    response.take_over = [&fan_out, listener](TakenOver connection) {
      fan_out.join(std::move(connection.socket), connection.peer, listener);
    };
    return response;
  });
}

}  // namespace eradio
