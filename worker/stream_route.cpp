#include "worker/stream_route.h"

#include <utility>

#include "worker/listener_id.h"

namespace eradio {
void add_stream_route(HttpServer& server, FanOut& fan_out, WorkerScoreboard& scoreboard,
                      const StreamRouteSettings& settings) {
  server.route("GET", settings.path, [&fan_out, &scoreboard, settings](const HttpRequest& request) {
    const bool given = request.parameter("listener_id").has_value();
    const auto id = given ? listener_id_of(request) : random_listener_id();
    if (!id) {
      return HttpResponse::error(400, bad_listener_id_text);
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
    response.fields.set("Access-Control-Expose-Headers", "X-Listener-Id");
    response.take_over = [&fan_out, id = *id](TakenOver connection) {
      fan_out.join(std::move(connection.socket), connection.peer, id);
    };
    return response;
  });
}

}  // namespace eradio
