#include "shm/metadata_json.h"

#include <nlohmann/json.hpp>

namespace eradio {

std::string metadata_json(const StreamMetadata& metadata) {
  nlohmann::ordered_json json;
  if (const auto& track = metadata.now_playing.track) {
    json["current_track"] = {{"uri", track->uri}, {"name", track->name}};
  }
  json["listener_count"] = metadata.listeners;
  json["veto_count"] = metadata.vetoes;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace eradio
