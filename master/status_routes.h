// The requests that show the server and change nothing (docs/status.md): from a StatusView to JSON
// and metrics.
#pragma once

#include "common/http/http_message.h"
#include "common/http/http_server.h"
#include "master/status_view.h"

namespace eradio {

// Those of the status server. `view` is borrowed and must outlive the server's last answer.
void add_status_routes(HttpServer& server, StatusView& view);

// Also for the control socket: ?offset=N&limit=N, or ?sort=lag&limit=N.
HttpResponse list_listeners(StatusView& view, const HttpRequest& request);

}  // namespace eradio
