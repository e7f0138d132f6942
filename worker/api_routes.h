// The API's plain requests, GET /v1/metadata and PUT /v1/veto (the contract, section 3).
#pragma once

#include <functional>
#include <string>

#include "common/http/http_server.h"
#include "shm/stream_metadata.h"
#include "worker/master_line.h"

namespace eradio {

// {"current_track":{"uri":…,"name":…},"listener_count":…,"veto_count":…}; no current_track when
// nothing plays, or nobody knows what. Bytes that are not UTF-8 are replaced.
std::string metadata_json(const StreamMetadata& metadata);

// `metadata`: what holds now. `master` is borrowed and must outlive the server's last answer.
void add_api_routes(HttpServer& server, std::function<const StreamMetadata&()> metadata,
                    MasterLine& master);

}  // namespace eradio
