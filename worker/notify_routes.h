// GET /v1/ws/notify and GET /v1/events: requests that become clients of the notifier.
#pragma once

#include "common/http/http_server.h"
#include "worker/notifier.h"

namespace eradio {

// Both are borrowed; the notifier must outlive the server's last answer.
void add_notify_routes(HttpServer& server, Notifier& notifier);

}  // namespace eradio
