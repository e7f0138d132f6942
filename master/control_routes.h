// The requests that the control socket answers (docs/control.md): from JSON to operations and back.
#pragma once

#include "common/http/http_server.h"
#include "master/operations.h"

namespace eradio {

// `operations` is borrowed and must outlive the server's last answer.
void add_control_routes(HttpServer& server, Operations& operations);

}  // namespace eradio
