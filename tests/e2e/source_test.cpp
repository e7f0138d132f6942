// What a source program may do to the server, and what its listeners notice of it.

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"
#include "tests/support/server.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::vector<std::string> quick_restart{"--source_restart_delay", "100 ms"};

// A few listeners that stay connected whatever happens to the source.
class Audience {
 public:
  explicit Audience(const Server& server) { crowd_.add({.endpoint = server.ipv4()}, 5); }

  // Until everybody hears the `runs`th source, and some frames of it.
  [[nodiscard]] bool hears_run(std::uint64_t runs) {
    return crowd_.run_until(
        [&] {
          const auto hears = [&](const auto& listener) {
            return listener->check().runs() >= runs && listener->check().last().sequence >= 5;
          };
          return std::all_of(crowd_.listeners().begin(), crowd_.listeners().end(), hears);
        },
        patience);
  }
  void expect_nobody_left() const {
    EXPECT_EQ(crowd_.fault(), "");
    EXPECT_EQ(crowd_.ended(), 0U) << "listeners lost their connections";
  }
  ListenerCrowd& crowd() { return crowd_; }

 private:
  ListenerCrowd crowd_;
};

TEST(Source, ThatIsKilledIsStartedAgainAndToldToPlayWhileListenersStay) {
  Server server({.arguments = quick_restart});
  Audience audience(server);
  ASSERT_TRUE(audience.hears_run(1));
  EXPECT_EQ(server.log().count("got command"), 0U);
  const auto source = server.source();
  ASSERT_TRUE(source);
  ::kill(*source, SIGKILL);
  ASSERT_TRUE(audience.hears_run(2));
  EXPECT_TRUE(server.log().wait_for("got command 1", patience));
  EXPECT_EQ(server.log().count("got command"), 1U);
  EXPECT_EQ(audience.crowd().missed(), 0U);
  audience.expect_nobody_left();
}

TEST(Source, ThatHadStoppedIsNotToldToPlayWhenItIsStartedAgain) {
  const TemporaryDirectory directory;
  Server server(
      {.source = test_source("--misbehave_once " + directory.file("once") + " --stop_after 20"),
       .arguments = quick_restart});
  Audience audience(server);
  ASSERT_TRUE(audience.hears_run(1));
  ASSERT_TRUE(server.log().wait_for("source: stopped", patience));
  const auto source = server.source();
  ASSERT_TRUE(source);
  ::kill(*source, SIGKILL);
  ASSERT_TRUE(audience.hears_run(2));  // this one plays without being told
  EXPECT_EQ(server.log().count("got command"), 0U);
  audience.expect_nobody_left();
}

TEST(Source, ThatKeepsExitingIsStartedLessAndLessOften) {
  Server server({.source = test_source("--rate 100 --frames 10 --exit_status 3"),
                 .arguments = {"--source_restart_delay", "200 ms"}});
  Audience audience(server);
  std::vector<std::int64_t> starts;
  for (std::uint64_t run = 1; run <= 4; ++run) {
    ASSERT_TRUE(audience.hears_run(run)) << "run " << run;
    starts.push_back(
        static_cast<std::int64_t>(audience.crowd().listeners().front()->check().last().run));
  }
  // 200, 400, 800 ms and the 100 ms that it plays, at least; and not for ever.
  for (const auto& [run, pause_ms] : {std::pair(1, 200), std::pair(2, 400), std::pair(3, 800)}) {
    const auto at = static_cast<std::size_t>(run);
    const std::int64_t waited_ms = (starts[at] - starts[at - 1]) / ns_per_ms;
    EXPECT_GE(waited_ms, pause_ms) << "before start " << run + 1;
    EXPECT_LT(waited_ms, pause_ms + 3000) << "before start " << run + 1;
  }
  EXPECT_TRUE(server.log().wait_for("exited with status 3", patience));
  audience.expect_nobody_left();
}

TEST(Source, ThatCrashesIsStartedAgainWhileListenersStay) {
  const TemporaryDirectory directory;
  Server server(
      {.source = test_source("--misbehave_once " + directory.file("once") + " --crash_after 20"),
       .arguments = quick_restart});
  Audience audience(server);
  ASSERT_TRUE(audience.hears_run(2));
  EXPECT_TRUE(server.log().wait_for("killed by signal 6", patience));
  audience.expect_nobody_left();
}

TEST(Source, MaySendBrokenFramesWhichAreSkippedAndLoggedWithTheirOffset) {
  const std::vector<std::string> kinds{
      "unknown-type",         "type-zero",         "log-without-level",
      "log-level-zero",       "data-without-data", "started-cut-in-length",
      "started-without-name", "started-with-more", "started-with-long-uri"};
  std::string options = "--rate 100 --size 418";
  std::uint64_t after = 10;
  for (const std::string& kind : kinds) {
    options += " --broken " + std::to_string(after++) + ":" + kind;
  }
  Server server({.source = test_source(options)});
  Audience audience(server);
  ASSERT_TRUE(server.log().wait_for("broken frame at byte", patience, kinds.size()));
  audience.crowd().run_for(milliseconds(500));
  EXPECT_EQ(audience.crowd().missed(), 0U);
  audience.expect_nobody_left();
  EXPECT_EQ(server.log().count("broken frame at byte"), kinds.size());
  // "started" with its URI and name, then ten data frames.
  const std::size_t offset = (4 + 1 + 2 + 9 + 2 + 9) + 10 * std::size_t{4 + 1 + 418};
  EXPECT_EQ(server.log().count("broken frame at byte " + std::to_string(offset) + " "), 1U);
  EXPECT_EQ(server.log().count("runs "), 1U) << "the source was restarted";
}

class LostFraming : public ::testing::TestWithParam<const char*> {};

TEST_P(LostFraming, EndsTheSourceAndStartsItAgainWhileListenersStay) {
  const TemporaryDirectory directory;
  Server server({.source = test_source("--misbehave_once " + directory.file("once") +
                                       " --broken 20:" + GetParam()),
                 .arguments = quick_restart});
  Audience audience(server);
  ASSERT_TRUE(audience.hears_run(2));
  EXPECT_TRUE(server.log().wait_for("broken frame at byte", patience));
  EXPECT_TRUE(server.log().wait_for("got command 1", patience));
  audience.expect_nobody_left();
}

INSTANTIATE_TEST_SUITE_P(Source, LostFraming,
                         ::testing::Values("garbage", "length-zero", "length-over-max"),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Source, ThatExitsInTheMiddleOfAFrameLosesThatFrameOnly) {
  const TemporaryDirectory directory;
  Server server({.source = test_source("--misbehave_once " + directory.file("once") +
                                       " --frames 20 --broken 20:cut-off"),
                 .arguments = quick_restart});
  Audience audience(server);
  ASSERT_TRUE(audience.hears_run(2));
  EXPECT_EQ(server.log().count("broken frame at byte"), 1U);
  EXPECT_EQ(audience.crowd().missed(), 0U);
  audience.expect_nobody_left();
}

TEST(Source, ThatSpewsGarbageAndIgnoresSigtermIsKilledAfterFiveSeconds) {
  const TemporaryDirectory directory;
  Server server({.source = test_source("--misbehave_once " + directory.file("once") +
                                       " --broken 20:length-zero --ignore_sigterm yes"),
                 .arguments = quick_restart});
  Audience audience(server);
  ASSERT_TRUE(server.log().wait_for("broken frame at byte", patience));
  const std::int64_t begin_ns = monotonic_ns();
  ASSERT_TRUE(audience.hears_run(2));
  EXPECT_GT((monotonic_ns() - begin_ns) / ns_per_ms, 4500);
  EXPECT_TRUE(server.log().wait_for("killed by signal 9", patience));
  audience.expect_nobody_left();
}

TEST(Source, ThatIgnoresSigtermDoesNotHoldUpTheServersStop) {
  Server server({.source = test_source("--ignore_sigterm yes")});
  Audience audience(server);
  ASSERT_TRUE(audience.hears_run(1));
  expect_clean_stop(server.stop());
}

TEST(Source, ThatIsSuspendedDoesNotHoldUpTheServersStop) {
  Server server;
  const auto source = server.source();
  ASSERT_TRUE(source);
  ::kill(*source, SIGSTOP);
  expect_clean_stop(server.stop());
}

TEST(Source, ThatClosesItsOutputAndLivesOnIsStartedAgain) {
  const TemporaryDirectory directory;
  Server server({.source = test_source("--misbehave_once " + directory.file("once") +
                                       " --close_output_after 20"),
                 .arguments = quick_restart});
  Audience audience(server);
  ASSERT_TRUE(audience.hears_run(2));
  audience.expect_nobody_left();
  expect_clean_stop(server.stop());
}

TEST(Source, ThatExitsLeavesNoChildOfItsBehind) {
  const TemporaryDirectory directory;
  Server server({.source = test_source("--misbehave_once " + directory.file("once") +
                                       " --fork_child yes --frames 20"),
                 .arguments = quick_restart});
  Audience audience(server);
  ASSERT_TRUE(audience.hears_run(2));
  // Master, its workers and the new source; the first one's child held its pipes.
  EXPECT_EQ(server.processes().size(), 2 + server.workers().size());
  audience.expect_nobody_left();
  expect_clean_stop(server.stop());
}

TEST(Source, ThatNeverReadsItsCommandsIsServedLikeAnyOther) {
  Server server({.source = test_source("--read_commands no"), .arguments = quick_restart});
  Audience audience(server);
  ASSERT_TRUE(audience.hears_run(1));
  const auto source = server.source();
  ASSERT_TRUE(source);
  ::kill(*source, SIGKILL);
  ASSERT_TRUE(audience.hears_run(2));
  audience.expect_nobody_left();
  expect_clean_stop(server.stop());
}

TEST(Source, HasItsErrorOutputAndItsMessagesInTheServersLog) {
  Server server({.source = test_source("--stderr 'a line of its own' --log '1:out of tapes' "
                                       "--log '2:tape is worn' --log '3:tape\x01in' "
                                       "--log '4:too small to show'")});
  EXPECT_TRUE(server.log().wait_for("source: stderr: a line of its own", patience));
  const auto error = server.log().wait_for("source: out of tapes", patience);
  const auto warning = server.log().wait_for("source: tape is worn", patience);
  const auto info = server.log().wait_for("source: tape\\\\x01in", patience);
  ASSERT_TRUE(error && warning && info);
  EXPECT_NE(error->find("error"), std::string::npos) << *error;
  EXPECT_NE(warning->find("warning"), std::string::npos) << *warning;
  EXPECT_NE(info->find("info"), std::string::npos) << *info;
  EXPECT_EQ(server.log().count("too small to show"), 0U);
}

TEST(Source, ThatTalksWithoutEndStillHasItsErrorsInTheLog) {
  std::string options;
  for (int i = 0; i < 40; ++i) {
    for (int chatter = 0; chatter < 20; ++chatter) {
      options += " --log 3:chatter";
    }
    options += " --log '1:tape " + std::to_string(i) + " is torn'";
  }
  Server server({.source = test_source(options)});
  EXPECT_TRUE(server.log().wait_for("tape 39 is torn", patience));
  EXPECT_EQ(server.log().count(" is torn"), 40U) << "lost among what is of no importance";
  const auto left_out = server.log().wait_for("like=\"source: {}\" events=", patience);
  ASSERT_TRUE(left_out);
  EXPECT_NE(left_out->find("level=info"), std::string::npos) << *left_out;
}

TEST(Source, ThatCannotBeExecutedDoesNotKeepTheServerFromServing) {
  const TemporaryDirectory directory;
  const std::string program = directory.write("source", "#!/no/such/interpreter\n");
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  Server server({.source = program, .arguments = quick_restart});
  EXPECT_TRUE(server.log().wait_for("cannot execute " + program, patience, 3));
  EXPECT_LT(server.log().count("cannot execute " + program), 10U) << "it is tried too often";
  HttpClient client(server.ipv4());
  client.request("/stream.mp3");
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  expect_clean_stop(server.stop());
}

TEST(Source, MayPauseAndWhoeverJoinsMeanwhileGetsNoStaleFrame) {
  Server server({.source = test_source("--pause_after 40 --pause_ms 3000")});
  ListenerCrowd crowd;
  CrowdListener& early = crowd.add({.endpoint = server.ipv4()});
  ASSERT_TRUE(crowd.run_until([&] { return early.check().last().sequence == 40; }, patience));
  crowd.run_for(milliseconds(1000));
  CrowdListener& late = crowd.add({.endpoint = server.ipv4()});
  ASSERT_TRUE(crowd.run_until([&] { return late.listening(); }, patience));
  crowd.run_for(milliseconds(500));
  EXPECT_EQ(late.check().frames(), 0U) << "of a stream that has paused";
  ASSERT_TRUE(crowd.run_until([&] { return late.check().frames() >= 20; }, patience));
  EXPECT_EQ(late.check().first().sequence, 41U);
  EXPECT_LT(late.check().first_age_ns(), ns_per_second);
  EXPECT_EQ(crowd.missed(), 0U);
  EXPECT_EQ(crowd.fault(), "");
}

TEST(Source, WithoutAnyPacingIsTakenAsFastAsItComesAndOthersAreServedMeanwhile) {
  Server server({.source = test_source("--rate 0 --size 1000")});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 5);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(seconds(1));
  const std::int64_t begin_ns = monotonic_ns();
  const auto reply = fetch(server.ipv4(), "/");
  EXPECT_LT((monotonic_ns() - begin_ns) / ns_per_ms, sanitized_build ? 10'000 : 2000);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U);
  expect_clean_stop(server.stop());
}

}  // namespace
}  // namespace eradio::testing
