// Workers and master that die or hang, and what everybody else notices of it.

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"
#include "tests/support/server.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Worker, HasItsSlotAndNoSettingsInItsCommandLine) {
  Server server({.arguments = {"--workers", "2"}});
  std::set<std::string> shown;
  for (const pid_t worker : server.workers()) {
    std::ifstream file("/proc/" + std::to_string(worker) + "/cmdline");
    std::string line{std::istreambuf_iterator<char>(file), {}};
    line.erase(line.find_last_not_of('\0') + 1);
    shown.insert(line.substr(line.rfind('/') + 1));
  }
  using namespace std::string_literals;
  EXPECT_EQ(shown, (std::set{"eradio-worker\0000"s, "eradio-worker\0001"s}));
}

TEST(Worker, ThatIsKilledIsReplacedAtOnceAndListenersOfOthersNoticeNothing) {
  Server server({.arguments = {"--workers", "2"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 60);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  const auto workers = server.workers();
  ASSERT_EQ(workers.size(), 2U);

  ::kill(workers.front(), SIGKILL);
  const std::int64_t killed_ns = monotonic_ns();
  const std::vector<CrowdListener*> late = crowd.add({.endpoint = server.ipv4()}, 60);
  const auto all_late_hear = [&] {
    return std::all_of(late.begin(), late.end(),
                       [](const CrowdListener* l) { return l->check().frames() > 0; });
  };
  ASSERT_TRUE(crowd.run_until(all_late_hear, patience));
  EXPECT_LT((monotonic_ns() - killed_ns) / ns_per_ms, sanitized_build ? 10'000 : 1500);
  crowd.run_for(seconds(1));

  EXPECT_EQ(crowd.fault(), "");
  std::size_t go_on = 0;
  for (const auto& listener : crowd.listeners()) {
    if (listener->listening()) {
      ++go_on;
      EXPECT_EQ(listener->check().missed(), 0U);
      EXPECT_LT(listener->check().last_age_ns(), ns_per_second);
    }
  }
  // SO_REUSEPORT spreads 60 connections over two workers; hardly ever more than 50 to one.
  EXPECT_GE(go_on, late.size() + 10);
  const auto now = server.workers();
  ASSERT_EQ(now.size(), 2U);
  EXPECT_EQ(now.front(), workers.back());
  EXPECT_NE(now.back(), workers.front());
  expect_clean_stop(server.stop());
}

TEST(Worker, ThatIsKilledLeavesNobodyRefusedWhoConnectsMeanwhile) {
  Server server({.arguments = {"--workers", "1"}});
  for (int round = 0; round < 3; ++round) {
    const auto workers = server.workers();
    ASSERT_EQ(workers.size(), 1U);
    ::kill(workers.front(), SIGKILL);
    ListenerCrowd crowd;
    // begin_connect() throws when a connection is refused on the spot.
    crowd.add({.endpoint = server.ipv4()}, 50);
    ASSERT_TRUE(crowd.run_until_all_listen(patience)) << "round " << round;
    EXPECT_EQ(crowd.ended(), 0U);
    EXPECT_EQ(crowd.fault(), "");
  }
}

TEST(Worker, ThatDiesAgainAndAgainIsStartedLessAndLessOften) {
  Server server({.arguments = {"--workers", "1"}});
  std::size_t killed = 0;
  const std::int64_t end_ns = monotonic_ns() + 4 * ns_per_second;
  while (monotonic_ns() < end_ns) {
    const milliseconds left((end_ns - monotonic_ns()) / ns_per_ms);
    if (!server.log().wait_for(" serves", left, killed + 1)) {
      break;
    }
    const auto workers = server.workers();
    ASSERT_EQ(workers.size(), 1U);
    ::kill(workers.front(), SIGKILL);
    ++killed;
  }
  EXPECT_GE(killed, 3U);
  EXPECT_LE(killed, 12U) << "workers were started in a spin";
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 5);
  EXPECT_TRUE(crowd.run_until_all_listen(patience)) << "it never came back";
  expect_clean_stop(server.stop());
}

TEST(Worker, ThatHangsDoesNotHoldUpTheServersStop) {
  Server server({.arguments = {"--workers", "2"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  ::kill(server.workers().front(), SIGSTOP);
  expect_clean_stop(server.stop());
  EXPECT_TRUE(crowd.run_until([&] { return crowd.ended() == 20; }, patience));
}

TEST(Worker, ThatGivesNoSignOfLifeIsKilledAndReplaced) {
  Server server({.arguments = {"--workers", "2", "--worker_timeout", "3 s"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 40);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  const auto before = server.workers();
  ASSERT_EQ(before.size(), 2U);
  ::kill(before.front(), SIGSTOP);
  const std::int64_t stopped_ns = monotonic_ns();
  const auto is_replaced = [&] {
    const auto now = server.workers();
    return now.size() == 2 && std::find(now.begin(), now.end(), before.front()) == now.end();
  };
  ASSERT_TRUE(crowd.run_until(is_replaced, patience));
  EXPECT_GT(monotonic_ns() - stopped_ns, 2500 * ns_per_ms) << "it was not given the time";
  EXPECT_TRUE(server.log().wait_for("has given no sign of life for", patience));
  EXPECT_EQ(server.log().count("has given no sign of life for"), 1U);
  crowd.run_for(seconds(1));
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U) << "its listeners go on";
  const auto now = server.workers();
  EXPECT_NE(std::find(now.begin(), now.end(), before.back()), now.end());
  expect_clean_stop(server.stop());
}

TEST(Worker, IsNotTakenToHangWhenTheMasterWasHeldUpToo) {
  Server server({.arguments = {"--workers", "2", "--worker_timeout", "3 s"}});
  const auto before = server.workers();
  std::vector<pid_t> all = before;
  all.push_back(server.master());
  for (const pid_t process : all) {
    ::kill(process, SIGSTOP);
  }
  std::this_thread::sleep_for(seconds(5));
  // The master first, so that it looks before a worker has given another sign of life.
  ::kill(server.master(), SIGCONT);
  std::this_thread::sleep_for(milliseconds(50));
  for (const pid_t process : before) {
    ::kill(process, SIGCONT);
  }
  std::this_thread::sleep_for(seconds(1));
  EXPECT_EQ(server.workers(), before);
  EXPECT_EQ(server.log().count("no sign of life"), 0U);
  expect_clean_stop(server.stop());
}

TEST(Worker, ThatHangsForAWhileGoesOnWithTheNewestFrames) {
  Server server({.arguments = {"--workers", "1"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  const pid_t worker = server.workers().front();
  ::kill(worker, SIGSTOP);
  crowd.run_for(seconds(2));
  ::kill(worker, SIGCONT);
  crowd.run_for(seconds(1));
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U);
  for (const auto& listener : crowd.listeners()) {
    ASSERT_EQ(listener->check().jumps().size(), 1U);
    EXPECT_LT(listener->check().jumps().front().age_ns, ns_per_second);
    EXPECT_LT(listener->check().last_age_ns(), ns_per_second);
  }
}

std::set<std::string> shared_memory_files() {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
    files.insert(entry.path().string());
  }
  return files;
}

TEST(Master, ThatIsKilledTakesEverythingWithIt) {
  const auto shared_before = shared_memory_files();
  Server server;
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  EXPECT_GE(server.processes().size(), 3U);
  ::kill(server.master(), SIGKILL);
  // Not only those that were there before: LeakSanitizer looks at a worker that ends from a process
  // of its own, which may outlive it for a moment.
  EXPECT_TRUE(comes_true([&] { return server.processes().empty(); }));
  EXPECT_TRUE(crowd.run_until([&] { return crowd.ended() == 20; }, patience));
  const StopReport report = server.stop();
  EXPECT_TRUE(WIFSIGNALED(report.wait_status));
  EXPECT_TRUE(report.left_behind.empty());
  EXPECT_EQ(shared_memory_files(), shared_before);
}

TEST(Master, ThatHasNoDescriptorsLeftGoesOnAndStartsItsChildrenOnceItHas) {
  if (sanitized_build) {
    GTEST_SKIP() << "UBSan's look at a virtual table takes a pipe, and reports an error without";
  }
  Server server({.arguments = {"--workers", "2", "--source_restart_delay", "100"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));

  rlimit before{};
  const rlimit too_few{.rlim_cur = 4, .rlim_max = 20'000};
  ASSERT_EQ(::prlimit(server.master(), RLIMIT_NOFILE, &too_few, &before), 0);
  ASSERT_TRUE(server.source());
  ::kill(*server.source(), SIGKILL);
  EXPECT_TRUE(server.log().wait_for("source: pipe2: Too many open files", patience));
  ASSERT_EQ(::prlimit(server.master(), RLIMIT_NOFILE, &before, nullptr), 0);

  const std::uint64_t heard = crowd.frames();
  EXPECT_TRUE(crowd.run_until([&] { return crowd.frames() > heard + 100; }, patience))
      << "the stream did not come back";
  EXPECT_EQ(crowd.ended(), 0U);
  expect_clean_stop(server.stop());
}

TEST(Master, StopsCleanlyFromItsFirstMomentOn) {
  for (int round = 0; round < 5; ++round) {
    Server server;
    expect_clean_stop(server.stop());
  }
}

TEST(Master, LeavesNoSharedMemoryBehind) {
  const auto before = shared_memory_files();
  Server server;
  expect_clean_stop(server.stop());
  EXPECT_EQ(shared_memory_files(), before);
}

}  // namespace
}  // namespace eradio::testing
