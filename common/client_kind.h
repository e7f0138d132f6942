// What a connection is for that has left HTTP: such a one outlives its worker (worker_protocol.h,
// shm/listener_table.h).
#pragma once

#include <cstdint>

namespace eradio {

enum class ClientKind : std::uint32_t {
  listener = 1,      // has the stream
  websocket = 2,     // is told of the stream's metadata
  event_stream = 3,  // the same
};

}  // namespace eradio
