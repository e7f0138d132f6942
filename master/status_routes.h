// The requests that show the server and change nothing (docs/status.md): from a StatusView to JSON
// and metrics.
#pragma once

#include <cstdint>
#include <functional>

#include "common/clock.h"
#include "common/http/http_message.h"
#include "common/http/http_server.h"
#include "master/status_view.h"

namespace eradio {

// Those of the status server, whose answers may be as old as KeptAnswer keeps them. `view` is
// borrowed and must outlive the server's last answer; `now_ns`: CLOCK_MONOTONIC.
void add_status_routes(HttpServer& server, StatusView& view,
                       const std::function<std::int64_t()>& now_ns = monotonic_ns);

// Also for the control socket: ?offset=N&limit=N, or ?sort=lag&limit=N.
HttpResponse list_listeners(StatusView& view, const HttpRequest& request);

}  // namespace eradio
