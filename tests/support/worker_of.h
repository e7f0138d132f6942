// Which worker has accepted a connection: the kernel spreads them by a hash that a test cannot
// foresee, so it looks afterwards.
#pragma once

#include <sys/types.h>

#include <optional>

#include "tests/support/server.h"

namespace eradio::testing {

// The worker at the other end of this client's TCP connection over IPv4; nothing while none has
// accepted it.
std::optional<pid_t> worker_of(const Server& server, int client_descriptor);

}  // namespace eradio::testing
