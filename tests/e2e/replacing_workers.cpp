#include "tests/e2e/replacing_workers.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/patience.h"
#include "tests/support/processes.h"

namespace eradio::testing {

OpenDescriptors descriptors_of(const Server& server) {
  OpenDescriptors all{.master = open_descriptors(server.master())};
  for (const pid_t worker : server.workers()) {
    all.workers.push_back(open_descriptors(worker));
  }
  std::sort(all.workers.begin(), all.workers.end());
  return all;
}

std::ostream& operator<<(std::ostream& out, const OpenDescriptors& descriptors) {
  out << "master " << descriptors.master << ", workers";
  for (const std::size_t worker : descriptors.workers) {
    out << " " << worker;
  }
  return out;
}

bool has_clients(const OpenDescriptors& now, const OpenDescriptors& at_rest, std::size_t clients) {
  return clients == 0 ? now == at_rest
                      : now.master == at_rest.master + clients &&
                            now.workers.size() == at_rest.workers.size() &&
                            now.of_workers() == at_rest.of_workers() + clients;
}

void replace_worker(ListenerCrowd& crowd, const Server& server, int signal) {
  const auto before = server.workers();
  ASSERT_FALSE(before.empty());
  const std::size_t served = server.log().count(" serves");
  ::kill(before.front(), signal);
  ASSERT_TRUE(crowd.run_until([&] { return server.log().count(" serves") > served; }, patience));
}

RunReport operate(ListenerCrowd& crowd, const OperatedServer& operated, const char* command) {
  RunReport report;
  std::atomic<bool> done = false;
  std::jthread operator_([&] {
    report = operated.ctl({command});
    done = true;
  });
  EXPECT_TRUE(crowd.run_until([&] { return done.load(); }, patience));
  return report;
}

RunReport restart_workers(ListenerCrowd& crowd, const OperatedServer& operated) {
  return operate(crowd, operated, "restart-workers");
}

}  // namespace eradio::testing
