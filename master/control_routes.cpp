#include "master/control_routes.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/log.h"
#include "master/status_routes.h"

namespace eradio {
namespace {

using Json = nlohmann::ordered_json;

// The one member of the body's object, when there is one and it has one of these names.
struct Member {
  std::string name;
  nlohmann::json value;
};

std::optional<Member> only_member(const std::string& body,
                                  std::initializer_list<std::string_view> names) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object() || json.size() != 1) {
    return std::nullopt;
  }
  for (const std::string_view name : names) {
    if (json.begin().key() == name) {
      return Member{.name = json.begin().key(), .value = json.begin().value()};
    }
  }
  return std::nullopt;
}

HttpResponse tell_source(Operations& operations, SourceCommand command, const char* name) {
  if (!operations.command(command)) {
    return HttpResponse::error(503, "the source does not run, or does not read its commands");
  }
  log::info("the operator told the source: {}", name);
  return HttpResponse::json(Json{{"command", name}}.dump());
}

// {"id": N} or {"address": "…"}
std::optional<KickOrder> kick_order_of(const std::string& body) {
  const auto member = only_member(body, {"id", "address"});
  KickOrder order;
  if (member && member->name == "id" && member->value.is_number_unsigned() &&
      member->value.get<std::uint64_t>() <= listener_id_max) {
    order.target = KickTarget::listener_id;
    order.listener_id = member->value.get<std::uint64_t>();
    return order;
  }
  if (member && member->name == "address" && member->value.is_string()) {
    if (const auto address = PeerAddress::from_text(member->value.get<std::string>())) {
      order.target = KickTarget::address;
      order.address = address->bytes();
      return order;
    }
  }
  return std::nullopt;
}

// "worker 0 has", "workers 0, 2 have".
std::string have(const std::vector<std::size_t>& slots) {
  std::string numbers;
  for (const std::size_t slot : slots) {
    numbers += (numbers.empty() ? "" : ", ") + std::to_string(slot);
  }
  return (slots.size() == 1 ? "worker " : "workers ") + numbers +
         (slots.size() == 1 ? " has" : " have");
}

HttpResponse kick_response(const KickResult& result, const std::string& whom) {
  const std::string kicked = std::to_string(result.connections);
  if (!result.silent.empty()) {
    return HttpResponse::error(
        503, have(result.silent) + " not answered; the others kicked " + kicked + " connections");
  }
  if (!result.complete) {
    return HttpResponse::error(
        503, "not every worker has answered; the others kicked " + kicked + " connections");
  }
  if (result.connections == 0) {
    return HttpResponse::error(404, "there is no " + whom);
  }
  return HttpResponse::json(Json{{"kicked", result.connections}}.dump());
}

HttpResponse kick(Operations& operations, const HttpRequest& request) {
  const auto order = kick_order_of(request.body);
  if (!order) {
    return HttpResponse::error(400,
                               "expected an id, an integer from 0 to 2^63-1, or an address: IPv4, "
                               "IPv6 or unix");
  }
  const std::string whom = order->target == KickTarget::listener_id
                               ? "listener with the id " + std::to_string(order->listener_id)
                               : "client at the address " + PeerAddress(order->address).text();
  HttpResponse response;
  response.later = [&operations, order = *order, whom](const HttpReply& reply) {
    operations.kick(
        order, [reply, whom](const KickResult& result) { reply(kick_response(result, whom)); });
  };
  return response;
}

HttpResponse restart_workers(Operations& operations) {
  HttpResponse response;
  response.later = [&operations](const HttpReply& reply) {
    operations.restart_workers([reply](const ReplaceResult& result) {
      reply(result.error.empty() ? HttpResponse::json(Json{{"restarted", result.replaced}}.dump())
                                 : HttpResponse::error(503, result.error));
    });
  };
  return response;
}

HttpResponse reload(Operations& operations) {
  HttpResponse response;
  response.later = [&operations](const HttpReply& reply) {
    operations.reload([reply](const ReloadResult& result) {
      reply(result.error.empty()
                ? HttpResponse::json(Json{{"changed", result.settings.changed},
                                          {"not_changed", result.settings.unchangeable}}
                                         .dump())
                : HttpResponse::error(503, result.error));
    });
  };
  return response;
}

HttpResponse upgrade(Operations& operations) {
  HttpResponse response;
  response.later = [&operations](const HttpReply& reply) {
    operations.upgrade([reply](const UpgradeResult& result) {
      reply(result.error.empty()
                ? HttpResponse::json(
                      Json{{"upgrades", result.number}, {"program", result.program}}.dump(
                          -1, ' ', false, Json::error_handler_t::replace))
                : HttpResponse::error(503, result.error));
    });
  };
  return response;
}

HttpResponse set_log_level_to(Operations& operations, const HttpRequest& request) {
  const auto member = only_member(request.body, {"level"});
  const auto level = member && member->value.is_string()
                         ? log_level_of(member->value.get<std::string>())
                         : std::nullopt;
  if (!level) {
    return HttpResponse::error(400, "expected a level: error, warning, info, debug, trace or off");
  }
  if (!operations.set_log_level(*level)) {
    return HttpResponse::error(503, "a worker does not read its messages and was not told");
  }
  return HttpResponse::json(Json{{"log_level", name_of(*level)}}.dump());
}

}  // namespace

void add_control_routes(HttpServer& server, Operations& operations) {
  server.route("GET", "/status", [&operations](const HttpRequest&) {
    return HttpResponse::json(status_json(operations.status()));
  });
  server.route("GET", "/listeners", [&operations](const HttpRequest& request) {
    return list_listeners(operations, request);
  });
  for (const auto& [name, command] : {std::pair{"play", SourceCommand::play},
                                      {"pause", SourceCommand::pause},
                                      {"next", SourceCommand::next},
                                      {"prev", SourceCommand::previous}}) {
    server.route("POST", std::string("/") + name,
                 [&operations, command = command, name = name](const HttpRequest&) {
                   return tell_source(operations, command, name);
                 });
  }
  server.route("POST", "/kick",
               [&operations](const HttpRequest& request) { return kick(operations, request); });
  server.route("POST", "/restart-workers",
               [&operations](const HttpRequest&) { return restart_workers(operations); });
  server.route("POST", "/reload", [&operations](const HttpRequest&) { return reload(operations); });
  server.route("POST", "/upgrade",
               [&operations](const HttpRequest&) { return upgrade(operations); });
  server.route("PUT", "/log-level", [&operations](const HttpRequest& request) {
    return set_log_level_to(operations, request);
  });
}

}  // namespace eradio
