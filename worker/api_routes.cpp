#include "worker/api_routes.h"

#include <optional>
#include <utility>

#include "shm/metadata_json.h"
#include "worker/listener_id.h"

namespace eradio {
namespace {

HttpResponse veto_response(VoteOutcome outcome, std::uint64_t listener_id) {
  switch (outcome) {
    case VoteOutcome::counted:
      return HttpResponse::json("{}");
    case VoteOutcome::nothing_plays:
      return HttpResponse::error(409, "nothing is playing that could be skipped");
    case VoteOutcome::no_such_listener:
      break;
  }
  return HttpResponse::error(
      404, "no listener with the id " + std::to_string(listener_id) + " has the stream");
}

HttpResponse veto(MasterLine& master, std::uint64_t track_number, const HttpRequest& request) {
  const auto id = listener_id_of(request);
  if (!id) {
    return HttpResponse::error(400, bad_listener_id_text);
  }
  HttpResponse response;
  response.later = [&master, track_number, id = *id](const HttpReply& reply) {
    const bool asked = master.vote(
        id, track_number, [reply, id](VoteOutcome outcome) { reply(veto_response(outcome, id)); });
    if (!asked) {
      HttpResponse busy = HttpResponse::error(503, "too many votes are being counted");
      busy.fields.set("Retry-After", "1");
      reply(std::move(busy));
    }
  };
  return response;
}

}  // namespace

void add_api_routes(HttpServer& server, std::function<const StreamMetadata&()> metadata,
                    MasterLine& master) {
  server.route("GET", "/v1/metadata", [metadata](const HttpRequest&) {
    return HttpResponse::json(metadata_json(metadata()));
  });
  server.route("PUT", "/v1/veto",
               [&master, metadata = std::move(metadata)](const HttpRequest& request) {
                 return veto(master, metadata().track_number, request);
               });
}

}  // namespace eradio
