// The API's plain requests, GET /v1/metadata and PUT /v1/veto (the contract, section 3).
#pragma once

#include <functional>

#include "common/http/http_server.h"
#include "shm/stream_metadata.h"
#include "worker/master_line.h"

namespace eradio {

// `metadata`: what holds now. `master` is borrowed and must outlive the server's last answer.
void add_api_routes(HttpServer& server, std::function<const StreamMetadata&()> metadata,
                    MasterLine& master);

}  // namespace eradio
