// GET and HEAD of the stream: reads the listener's id, holds the limit of listeners, makes the
// response head, and lets the connection join the fan-out. The rules are in the contract,
// section 3.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "common/http/http_server.h"
#include "shm/scoreboard.h"
#include "worker/fan_out.h"

namespace eradio {

struct StreamRouteSettings {
  std::string path;                      // "/stream.mp3"
  std::string content_type;              // "audio/mpeg"
  std::uint64_t max_listeners = 0;       // over all workers; 0: no limit
  std::chrono::milliseconds max_lag{0};  // of who does not ask for another
  // What `?max_lag=` gives at most, and at least: less than frames are gathered for would lose
  // some.
  std::chrono::milliseconds max_lag_ceiling{0};
  std::chrono::milliseconds max_lag_floor{0};
};

// What a 503 for want of room tells the client to wait (RFC 9110, 10.2.3).
constexpr std::chrono::seconds retry_after{10};

// All borrowed; they must outlive `server`'s last answer.
void add_stream_route(HttpServer& server, FanOut& fan_out, WorkerScoreboard& scoreboard,
                      const StreamRouteSettings& settings);

}  // namespace eradio
