#include "worker/notify_routes.h"

#include <utility>

#include "worker/websocket_handshake.h"

namespace eradio {

void add_notify_routes(HttpServer& server, Notifier& notifier) {
  server.route("GET", "/v1/ws/notify", [&notifier](const HttpRequest& request) {
    HttpResponse response = answer_websocket_handshake(request);
    if (response.status == 101) {
      response.take_over = [&notifier](TakenOver connection) {
        notifier.add_websocket(std::move(connection));
      };
    }
    return response;
  });
  server.route("GET", "/v1/events", [&notifier](const HttpRequest&) {
    HttpResponse response;
    add_api_fields(response.fields);
    response.fields.set("Content-Type", "text/event-stream");
    response.fields.set("X-Accel-Buffering", "no");  // nginx would gather what must leave at once
    response.take_over = [&notifier](TakenOver connection) {
      notifier.add_event_stream(std::move(connection));
    };
    return response;
  });
}

}  // namespace eradio
