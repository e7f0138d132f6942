#include "master/status_routes.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "master/kept_answer.h"
#include "master/metrics.h"
#include "master/readiness.h"
#include "master/slowest_listeners.h"

namespace eradio {
namespace {

// So many take less than a millisecond, which the source can wait for.
constexpr std::uint64_t page_listeners_max = 500;
constexpr std::uint64_t page_listeners_default = 100;

// The value of a query parameter, or what holds without it; nothing when it is no number.
std::optional<std::uint64_t> number_of(const HttpRequest& request, std::string_view name,
                                       std::uint64_t otherwise) {
  const auto text = request.parameter(name);
  if (!text) {
    return otherwise;
  }
  std::uint64_t number = 0;
  const char* end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc{} || rest != end || request.is_repeated(name)) {
    return std::nullopt;
  }
  return number;
}

HttpResponse list_slowest(StatusView& view, const HttpRequest& request) {
  const auto limit = number_of(request, "limit", SlowestListeners::kept_max);
  if (!limit || *limit < 1 || *limit > SlowestListeners::kept_max) {
    return HttpResponse::error(400, "limit must be one decimal integer from 1 to " +
                                        std::to_string(SlowestListeners::kept_max) +
                                        " with sort=lag");
  }
  if (request.parameter("offset")) {
    return HttpResponse::error(400, "offset does not go with sort=lag, which has one page");
  }
  HttpResponse response;
  response.later = [&view, limit = *limit](const HttpReply& reply) {
    view.slowest_listeners([reply, limit](const std::vector<ListenersPage::Entry>& slowest) {
      ListenersPage page;
      const auto shown = static_cast<std::ptrdiff_t>(std::min<std::size_t>(limit, slowest.size()));
      page.entries.assign(slowest.begin(), slowest.begin() + shown);
      reply(HttpResponse::json(listeners_json(page, monotonic_ns())));
    });
  };
  return response;
}

HttpResponse say_whether_ready(const std::vector<std::string>& reasons) {
  return HttpResponse::json(
      nlohmann::ordered_json{{"ready", reasons.empty()}, {"reasons", reasons}}.dump(),
      reasons.empty() ? 200 : 503);
}

HttpResponse show_metrics(const std::string& text) {
  HttpResponse response;
  response.body = text;
  response.fields.set("Content-Type", metrics_content_type);
  add_api_fields(response.fields);
  return response;
}

}  // namespace

HttpResponse list_listeners(StatusView& view, const HttpRequest& request) {
  if (const auto sort = request.parameter("sort")) {
    if (*sort != "lag" || request.is_repeated("sort")) {
      return HttpResponse::error(400, "sort must be lag, or not there");
    }
    return list_slowest(view, request);
  }
  const auto offset = number_of(request, "offset", 0);
  const auto limit = number_of(request, "limit", page_listeners_default);
  if (!offset) {
    return HttpResponse::error(400, "offset must be one decimal integer");
  }
  if (!limit || *limit < 1 || *limit > page_listeners_max) {
    return HttpResponse::error(
        400, "limit must be one decimal integer from 1 to " + std::to_string(page_listeners_max));
  }
  return HttpResponse::json(listeners_json(view.listeners(*offset, *limit), monotonic_ns()));
}

void add_status_routes(HttpServer& server, StatusView& view,
                       const std::function<std::int64_t()>& now_ns) {
  server.route(
      "GET", "/status",
      [&view, now_ns, kept = KeptAnswer<std::string>()](const HttpRequest&) mutable {
        return HttpResponse::json(kept.get(now_ns(), [&] { return status_json(view.status()); }));
      });
  server.route("GET", "/status/listeners",
               [&view](const HttpRequest& request) { return list_listeners(view, request); });
  server.route(
      "GET", "/metrics",
      [&view, now_ns, kept = KeptAnswer<std::string>()](const HttpRequest&) mutable {
        return show_metrics(kept.get(now_ns(), [&] { return metrics_text(view.status()); }));
      });
  // That it is answered says it all: the loop runs.
  server.route("GET", "/healthz",
               [](const HttpRequest&) { return HttpResponse::json(R"({"healthy":true})"); });
  server.route(
      "GET", "/readyz",
      [&view, now_ns, kept = KeptAnswer<std::vector<std::string>>()](const HttpRequest&) mutable {
        return say_whether_ready(
            kept.get(now_ns(), [&] { return reasons_not_ready(view.status()); }));
      });
}

}  // namespace eradio
