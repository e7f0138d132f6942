// Workers that go while a crowd listens, in a moment of their own choosing or of the operator's.
#pragma once

#include <signal.h>

#include <cstddef>

#include "tests/e2e/eradioctl.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/server.h"

namespace eradio::testing {

// Open in the master and all workers.
std::size_t descriptors_of(const Server& server);

// Kills the oldest worker, and returns when another has taken its place.
void replace_worker(ListenerCrowd& crowd, const Server& server, int signal = SIGKILL);

// Lets eradioctl do it while the crowd listens, and returns what it says when it is done.
RunReport operate(ListenerCrowd& crowd, const OperatedServer& operated, const char* command);
RunReport restart_workers(ListenerCrowd& crowd, const OperatedServer& operated);

}  // namespace eradio::testing
