#include "worker/stream_route.h"

#include <sys/random.h>

#include <charconv>
#include <limits>
#include <utility>

#include "common/system_error.h"

namespace eradio {
namespace {

constexpr std::uint64_t listener_id_max = std::numeric_limits<std::int64_t>::max();

std::uint64_t random_listener_id() {
  std::uint64_t id = 0;
  check_syscall(::getrandom(&id, sizeof id, 0), "getrandom");
  return id & listener_id_max;
}

}  // namespace

std::optional<std::uint64_t> parse_listener_id(std::string_view text) {
  std::uint64_t id = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, id);
  if (text.empty() || error != std::errc{} || rest != end || id > listener_id_max) {
    return std::nullopt;
  }
  return id;
}

void add_stream_route(HttpServer& server, FanOut& fan_out, WorkerScoreboard& scoreboard,
                      const StreamRouteSettings& settings) {
  server.route("GET", settings.path, [&fan_out, &scoreboard, settings](const HttpRequest& request) {
    const auto parameter = request.parameter("listener_id");
    const auto id = parameter ? parse_listener_id(*parameter) : random_listener_id();
    if (!id || request.is_repeated("listener_id")) {
      return HttpResponse::error(400, "listener_id must be one decimal integer from 0 to " +
                                          std::to_string(listener_id_max));
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
    response.take_over = [&fan_out, id = *id](TakenOver connection) {
      fan_out.join(std::move(connection.socket), connection.peer, id);
    };
    return response;
  });
}

}  // namespace eradio
