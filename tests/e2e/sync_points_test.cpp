// Streams whose frames cannot all stand alone: listeners begin and go on at sync points, and have
// the header that goes with them. Every listener's StreamCheck looks for that at every frame.

#include <signal.h>

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"
#include "tests/support/server.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;

// A header, two groups of ten frames, the next header.
const std::string groups = "--rate 100 --size 418 --sync_every 10 --header_every 20";

TEST(SyncPoints, AreWhereListenersBeginAndTheHeaderGoesBefore) {
  const Server server({.source = test_source(groups)});
  ListenerCrowd crowd;
  for (int i = 0; i < 20; ++i) {
    crowd.add({.endpoint = server.ipv4()});
    crowd.run_for(milliseconds(37));  // at all kinds of places
  }
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(milliseconds(500));
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.missed(), 0U);
  for (const auto& listener : crowd.listeners()) {
    EXPECT_GE(listener->check().headers(), 2U);
  }
}

TEST(SyncPoints, AreWhereAListenerGoesOnThatHasSkipped) {
  const Server server({.source = test_source("--rate 100 --size 4000 --sync_every 10 "
                                             "--header_every 70 --header_size 30000")});
  ListenerCrowd crowd;
  CrowdListener& listener =
      crowd.add({.endpoint = server.ipv4(), .socket = {.receive_buffer_bytes = 4096}});
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  for (std::size_t jumps = 1; jumps <= 3; ++jumps) {
    crowd.pause(listener);
    crowd.run_for(milliseconds(1500));
    crowd.resume(listener);
    EXPECT_TRUE(
        crowd.run_until([&] { return listener.check().jumps().size() >= jumps; }, patience));
  }
  crowd.run_for(milliseconds(300));
  EXPECT_EQ(crowd.fault(), "");
  for (const StreamCheck::Jump& jump : listener.check().jumps()) {
    EXPECT_EQ(jump.to % 10, 1U);
  }
}

TEST(SyncPoints, OfASourceThatWasStartedAgainComeWithItsOwnHeader) {
  const Server server({.source = test_source(groups + " --crash_after 55"),
                       .arguments = {"--source_restart_delay", "10 ms"}});
  ListenerCrowd crowd;
  const CrowdListener& early = crowd.add({.endpoint = server.ipv4()});
  ASSERT_TRUE(crowd.run_until([&] { return early.check().runs() >= 2; }, patience));
  crowd.add({.endpoint = server.ipv4()});
  ASSERT_TRUE(crowd.run_until([&] { return early.check().runs() >= 3; }, patience));
  EXPECT_EQ(crowd.fault(), "");
}

TEST(SyncPoints, AWorkerThatComesLaterKnowsTheHeader) {
  const Server server({.source = test_source("--rate 100 --size 418 --sync_every 10 "
                                             "--header_every 1000000"),
                       .arguments = {"--workers", "1"}});
  const pid_t first = server.workers().at(0);
  ListenerCrowd crowd;
  const CrowdListener& before = crowd.add({.endpoint = server.ipv4()});
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  EXPECT_EQ(before.check().headers(), 1U);
  ::kill(first, SIGKILL);
  ASSERT_TRUE(comes_true([&] {
    const auto workers = server.workers();
    return workers.size() == 1 && workers.front() != first;
  }));
  ListenerCrowd after;
  const CrowdListener& late = after.add({.endpoint = server.ipv4()});
  ASSERT_TRUE(after.run_until_all_listen(patience));
  after.run_for(milliseconds(300));
  EXPECT_EQ(after.fault(), "");
  EXPECT_EQ(late.check().headers(), 1U);
  EXPECT_GT(late.check().frames(), 10U);
}

TEST(SyncPoints, TheHeaderOfASourceThatHasGoneIsNotSentAnyMore) {
  const TemporaryDirectory directory;
  // The second time it behaves as if it had only been told rate and size.
  const Server server({.source = test_source(groups + " --crash_after 30 --misbehave_once " +
                                             directory.file("once")),
                       .arguments = {"--source_restart_delay", "10 ms"}});
  ListenerCrowd crowd;
  const CrowdListener& early = crowd.add({.endpoint = server.ipv4()});
  ASSERT_TRUE(crowd.run_until([&] { return early.check().runs() == 2; }, patience));
  const CrowdListener& late = crowd.add({.endpoint = server.ipv4()});
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(milliseconds(200));
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_GT(early.check().headers(), 0U);
  EXPECT_EQ(late.check().headers(), 0U);
}

}  // namespace
}  // namespace eradio::testing
