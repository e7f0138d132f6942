// Workers that go while a crowd listens, in a moment of their own choosing or of the operator's.
#pragma once

#include <signal.h>

#include <cstddef>
#include <numeric>
#include <ostream>
#include <vector>

#include "tests/e2e/eradioctl.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/server.h"

namespace eradio::testing {

// How many each process has open.
struct OpenDescriptors {
  std::size_t master = 0;
  std::vector<std::size_t> workers{};  // in order of their numbers

  [[nodiscard]] std::size_t of_workers() const {
    return std::accumulate(workers.begin(), workers.end(), std::size_t{0});
  }
  bool operator==(const OpenDescriptors&) const = default;
};
OpenDescriptors descriptors_of(const Server& server);
std::ostream& operator<<(std::ostream& out, const OpenDescriptors& descriptors);
// Of clients that are held, one in a worker, and one in the master.
bool has_clients(const OpenDescriptors& now, const OpenDescriptors& at_rest, std::size_t clients);

// Kills the oldest worker, and returns when another has taken its place.
void replace_worker(ListenerCrowd& crowd, const Server& server, int signal = SIGKILL);

// Lets eradioctl do it while the crowd listens, and returns what it says when it is done.
RunReport operate(ListenerCrowd& crowd, const OperatedServer& operated, const char* command);
RunReport restart_workers(ListenerCrowd& crowd, const OperatedServer& operated);

}  // namespace eradio::testing
