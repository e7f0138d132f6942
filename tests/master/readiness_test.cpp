#include "master/readiness.h"

#include <gtest/gtest.h>

#include "common/clock.h"

namespace eradio {
namespace {

// A server of two workers whose source sent a frame a moment ago.
ServerStatus ready_server() {
  ServerStatus status;
  status.now_ns = 1000 * ns_per_second;
  status.source.process = 2;
  status.source.last_frame_ns = status.now_ns - 20 * ns_per_ms;
  status.workers.resize(2);
  status.workers[1].process = {.slot = 1, .process = 3, .ready = true};
  return status;
}

using Reasons = std::vector<std::string>;

TEST(Readiness, NeedsASourceThatDeliversAndOneWorker) {
  EXPECT_EQ(reasons_not_ready(ready_server()), Reasons{});
}

TEST(Readiness, NamesEveryReason) {
  ServerStatus status = ready_server();
  status.source.process = 0;
  status.workers[1].process.ready = false;
  EXPECT_EQ(reasons_not_ready(status), (Reasons{"the source does not run", "no worker serves"}));
  status = ready_server();
  status.workers.clear();
  EXPECT_EQ(reasons_not_ready(status), Reasons{"no worker serves"});
}

TEST(Readiness, EndsWhenTheSourceFallsSilent) {
  ServerStatus status = ready_server();
  status.source.last_frame_ns = status.now_ns - 10 * ns_per_second;
  EXPECT_EQ(reasons_not_ready(status), Reasons{});
  status.source.last_frame_ns = status.now_ns - 11 * ns_per_second;
  EXPECT_EQ(reasons_not_ready(status), Reasons{"the source has not sent a frame for 11 s"});
  status.source.last_frame_ns = 0;
  EXPECT_EQ(reasons_not_ready(status), Reasons{"the source has not sent a frame yet"});
}

TEST(Readiness, HoldsWhileTheSourceIsSilentOnPurpose) {
  ServerStatus status = ready_server();
  status.source.last_frame_ns = 0;
  status.source.told_to_pause = true;
  EXPECT_EQ(reasons_not_ready(status), Reasons{});
  status.source.told_to_pause = false;
  status.source.has_stopped = true;
  EXPECT_EQ(reasons_not_ready(status), Reasons{});
  status.source.ending = true;
  EXPECT_EQ(reasons_not_ready(status), Reasons{"the source is being ended"});
}

}  // namespace
}  // namespace eradio
