#include "tests/e2e/replacing_workers.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/patience.h"
#include "tests/support/processes.h"

namespace eradio::testing {

std::size_t descriptors_of(const Server& server) {
  std::size_t all = open_descriptors(server.master());
  for (const pid_t worker : server.workers()) {
    all += open_descriptors(worker);
  }
  return all;
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
