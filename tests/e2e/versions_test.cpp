// What becomes of listeners when programs are installed that speak another worker protocol: either
// an upgrade goes on with the workers that run, or it is refused before anything is given up.

#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/e2e/eradioctl.h"
#include "tests/e2e/replacing_workers.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;

class Versions : public ::testing::Test {
 protected:
  Versions() {
    copy_installed_tree(prefix.file(""));
    operated.emplace(ServerOptions{.arguments = {"--workers", "2", "--max_lag", "5 s"},
                                   .prefix = prefix.file("")});
    crowd.add({.endpoint = operated->server().ipv4()}, 50);
    EXPECT_TRUE(crowd.run_until_all_listen(patience));
  }

  // Somebody joins every few milliseconds, from before until after.
  void upgrade_while_many_join() {
    std::atomic<bool> done = false;
    std::jthread operator_([&] {
      const RunReport report = operated->ctl({"upgrade"});
      EXPECT_EQ(report.exit_status(), 0) << report.errors;
      done = true;
    });
    while (!done) {
      crowd.add({.endpoint = operated->server().ipv4()}, 2);
      crowd.run_for(milliseconds(20));
    }
    EXPECT_TRUE(crowd.run_until_all_listen(patience));
  }
  void expect_that_nobody_noticed() {
    crowd.run_for(milliseconds(500));
    EXPECT_EQ(crowd.ended(), 0U);
    EXPECT_EQ(crowd.missed(), 0U);
    EXPECT_EQ(crowd.fault(), "");
    const auto totals = operated->ctl_json({"status"}).at("totals");
    EXPECT_EQ(totals.at("listeners"), crowd.listeners().size());
    EXPECT_EQ(totals.at("listeners_not_adopted"), 0);
  }

  const TemporaryDirectory prefix;
  std::optional<OperatedServer> operated;
  ListenerCrowd crowd;
};

TEST_F(Versions, ThatUnderstandEachOtherGoOverWithEverybody) {
  install_another_version("later", prefix.file(""));
  upgrade_while_many_join();
  expect_that_nobody_noticed();
  // And back.
  std::filesystem::remove_all(prefix.file("sbin"));
  std::filesystem::remove_all(prefix.file("libexec"));
  copy_installed_tree(prefix.file(""));
  upgrade_while_many_join();
  expect_that_nobody_noticed();
  EXPECT_EQ(operated->server().log().count("cannot be understood"), 0U);
  EXPECT_EQ(operated->server().log().count("did not hand over"), 0U);
}

TEST_F(Versions, ThatDoNotGoTogetherAreRefusedBeforeAnythingIsGivenUp) {
  const auto workers = operated->server().workers();
  install_another_version("foreign", prefix.file(""));
  const RunReport report = operate(crowd, *operated, "upgrade");
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_TRUE(has(report.errors, "which runs, speaks worker protocol ")) << report.errors;
  EXPECT_TRUE(has(report.errors, "this program speaks worker protocol 2000")) << report.errors;
  EXPECT_EQ(operated->server().workers(), workers);
  expect_that_nobody_noticed();
}

TEST_F(Versions, ThatDoNotGoTogetherAreRefusedByTheirWorkersToo) {
  const auto workers = operated->server().workers();
  install_worker_of("foreign", prefix.file(""));
  const RunReport report = restart_workers(crowd, *operated);
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_TRUE(has(report.errors, "the old one goes on")) << report.errors;
  EXPECT_EQ(operated->server().log().count("this worker speaks worker protocol 2000"), 1U);
  EXPECT_EQ(operated->server().workers(), workers);
  expect_that_nobody_noticed();
}

}  // namespace
}  // namespace eradio::testing
