// The configuration is read again while listeners listen: what can change does, what cannot is
// said, and nobody is disconnected.

#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/e2e/eradioctl.h"
#include "tests/e2e/replacing_workers.h"
#include "tests/support/api_client.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;

class Reload : public ::testing::Test {
 protected:
  void begin(const std::string& configuration, std::optional<unsigned> descriptors_max = {}) {
    write(configuration);
    operated_.emplace(ServerOptions{.source = "",
                                    .arguments = {"--config", directory_.file("eradio.conf")},
                                    .descriptors_max = descriptors_max});
  }
  void write(const std::string& configuration, const std::string& source = steady_source()) const {
    directory_.write("eradio.conf", "source = " + source + "\nmax_lag = 2 s\n" + configuration);
  }
  // A server of an installed tree of its own, which is made here.
  void begin_with_workers_of(const TemporaryDirectory& prefix, int workers) {
    copy_installed_tree(prefix.file(""));
    write("workers = " + std::to_string(workers) + "\n");
    operated_.emplace(ServerOptions{.source = "",
                                    .arguments = {"--config", directory_.file("eradio.conf")},
                                    .prefix = prefix.file("")});
  }
  // From now on no worker of this slot can be started.
  static void break_worker_of_slot(const TemporaryDirectory& prefix, const std::string& slot) {
    const std::string program = prefix.file(worker_program_);
    std::filesystem::rename(program, prefix.file("kept"));
    std::ofstream(program) << "#!/bin/sh\ncase $1 in *'\"slot\":" << slot
                           << ",'*) exit 3;; esac\nexec '" << prefix.file("kept") << "' \"$@\"\n";
    std::filesystem::permissions(program, std::filesystem::perms(0755));
  }
  static void mend_worker(const TemporaryDirectory& prefix) {
    std::filesystem::rename(prefix.file("kept"), prefix.file(worker_program_));
  }
  Server& server() { return operated_->server(); }
  void listen(int listeners) {
    crowd_.add({.endpoint = server().ipv4()}, listeners);
    ASSERT_TRUE(crowd_.run_until_all_listen(patience));
  }
  // While the crowd listens.
  RunReport operate(const char* command) {
    RunReport report;
    std::atomic<bool> done = false;
    std::jthread operator_([&] {
      report = operated_->ctl({command});
      done = true;
    });
    EXPECT_TRUE(crowd_.run_until([&] { return done.load(); }, patience));
    return report;
  }
  RunReport reload() { return operate("reload"); }
  void expect_workers(std::size_t count) {
    EXPECT_TRUE(crowd_.run_until([&] { return server().workers().size() == count; }, patience));
    EXPECT_EQ(operated_->ctl_json({"status"}).at("workers").size(), count);
  }
  void expect_unbroken() {
    crowd_.run_for(milliseconds(500));
    EXPECT_EQ(crowd_.fault(), "");
    EXPECT_EQ(crowd_.ended(), 0U) << server().log().text();
    EXPECT_EQ(crowd_.missed(), 0U);
    for (const auto& listener : crowd_.listeners()) {
      EXPECT_LT(monotonic_ns() - listener->check().last().time_ns, ns_per_second);
    }
    EXPECT_EQ(operated_->ctl_json({"status"}).at("totals").at("listeners"),
              crowd_.listeners().size());
  }

  static constexpr const char* worker_program_ = "libexec/eradio/eradio-worker";

  TemporaryDirectory directory_;
  std::optional<OperatedServer> operated_;
  ListenerCrowd crowd_;
};

TEST_F(Reload, ChangesTheNumberOfWorkersAndNobodyNotices) {
  begin("workers = 2\n");
  listen(100);
  for (const std::size_t workers : {4U, 3U, 1U, 2U, 5U, 1U}) {
    write("workers = " + std::to_string(workers) + "\n");
    const RunReport report = reload();
    EXPECT_EQ(report.exit_status(), 0) << report.errors;
    EXPECT_EQ(report.output, "changed: workers\n");
    expect_workers(workers);
    listen(40);  // on all sockets that there have ever been
    expect_unbroken();
  }
  const OpenDescriptors with_all = descriptors_of(server());
  for (const auto& listener : crowd_.listeners()) {
    crowd_.close(*listener);
  }
  const std::size_t gone = crowd_.listeners().size();
  const OpenDescriptors at_rest{.master = with_all.master - gone,
                                .workers = {with_all.of_workers() - gone}};
  EXPECT_TRUE(crowd_.run_until([&] { return descriptors_of(server()) == at_rest; }, patience))
      << descriptors_of(server()) << " of " << at_rest;
  expect_clean_stop(server().stop());
}

// Whether the server knows beforehand that they are too few, or finds out in the middle.
TEST_F(Reload, ThatDescriptorsAreTooFewForLeavesEverythingAsItWas) {
  if (sanitized_build) {
    GTEST_SKIP() << "UBSan's look at a virtual table takes a pipe, and reports an error without";
  }
  begin("workers = 1\n", 200);
  const pid_t master = server().master();
  const std::size_t before = open_descriptors(master) + 40;
  listen(40);
  EXPECT_TRUE(crowd_.run_until([&] { return open_descriptors(master) == before; }, patience))
      << "all are held";
  const auto expect_refused = [&](const std::string& because) {
    const RunReport report = reload();
    EXPECT_EQ(report.exit_status(), 1);
    EXPECT_TRUE(has(report.errors, because)) << report.errors;
    EXPECT_TRUE(crowd_.run_until([&] { return open_descriptors(master) == before; }, patience))
        << open_descriptors(master) << " of " << before;
  };
  write("workers = 150\n");
  expect_refused("150 workers need 982 descriptors");
  write("workers = 6\n");
  const rlimit fewer{.rlim_cur = before + 10, .rlim_max = 200};
  rlimit known{};
  ASSERT_EQ(::prlimit(master, RLIMIT_NOFILE, &fewer, &known), 0);
  expect_refused("Too many open files");
  ASSERT_EQ(::prlimit(master, RLIMIT_NOFILE, &known, nullptr), 0);
  replace_worker(crowd_, server());
  expect_unbroken();
  EXPECT_EQ(reload().exit_status(), 0);
  expect_workers(6);
  expect_unbroken();
}

TEST_F(Reload, ChangesWhatWorkersDo) {
  begin("workers = 2\nstream_path = /a.mp3\nlog_level = info\n");
  EXPECT_EQ(fetch(server().ipv4(), "/b.mp3", "HEAD")->status, 404);
  write("workers = 2\nstream_path = /b.mp3\nlog_level = debug\nveto_ratio = 0.25\n");
  EXPECT_EQ(reload().output, "changed: stream_path, veto_ratio, log_level\n");
  EXPECT_EQ(fetch(server().ipv4(), "/b.mp3", "HEAD")->status, 200);
  EXPECT_EQ(fetch(server().ipv4(), "/a.mp3", "HEAD")->status, 404);
  EXPECT_EQ(operated_->ctl_json({"status"}).at("log_level"), "debug");
  EXPECT_EQ(reload().output, "nothing has changed\n");
}

// Without the escrow every worker that is replaced costs its listeners their connection.
TEST_F(Reload, OfWhatWorkersDoNotReadReplacesNone) {
  begin("workers = 2\nescrow = off\n");
  listen(10);
  const auto workers = server().workers();
  write("workers = 2\nescrow = off\nlog_level = debug\nveto_ratio = 0.25\nworker_timeout = 9 s\n");
  EXPECT_EQ(reload().output, "changed: worker_timeout, veto_ratio, log_level\n");
  EXPECT_EQ(server().workers(), workers);
  EXPECT_EQ(operated_->ctl_json({"status"}).at("log_level"), "debug");
  expect_unbroken();
  write("workers = 2\nescrow = off\nlog_level = debug\nveto_ratio = 0.25\nmax_listeners = 50\n");
  EXPECT_EQ(reload().exit_status(), 0);
  EXPECT_TRUE(crowd_.run_until([&] { return crowd_.ended() == 10; }, patience))
      << "this the workers have to be told";
}

TEST_F(Reload, ChangesTheSource) {
  begin("workers = 1\n");
  listen(10);
  const auto before = server().source();
  write("workers = 1\nsource_restart_delay = 3 s\n");
  EXPECT_EQ(reload().output, "changed: source_restart_delay\n");
  EXPECT_EQ(server().source(), before) << "the same command line";
  expect_unbroken();
  write("workers = 1\n", test_source("--rate 20 --size 1000 --track Another"));
  EXPECT_EQ(reload().output, "changed: source, source_restart_delay\n");
  EXPECT_TRUE(crowd_.run_until(
      [&] {
        const auto source = server().source();
        return source && source != before && get_metadata(server().ipv4())->track == "Another";
      },
      patience));
  EXPECT_EQ(crowd_.ended(), 0U);
}

TEST_F(Reload, SaysWhatCannotChange) {
  begin("workers = 1\n");
  listen(5);
  write("workers = 1\nlisten_ip = 127.0.0.1\nring_size = 16 MiB\nmax_lag_ceiling = 3 s\n");
  EXPECT_EQ(reload().output,
            "changed: max_lag_ceiling\n"
            "not changed before the server is started again: listen_ip, ring_size\n");
  EXPECT_EQ(fetch(server().ipv6(), "/v1/metadata")->status, 200) << "as before";
  expect_unbroken();
}

TEST_F(Reload, OfABrokenFileChangesNothing) {
  begin("workers = 2\n");
  listen(10);
  const auto workers = server().workers();
  write("workers = 1\nmax_lagg = 1 s\nveto_ratio = 2\n");
  const RunReport report = reload();
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_NE(report.errors.find("eradio.conf:4: unknown key max_lagg"), std::string::npos)
      << report.errors;
  EXPECT_NE(report.errors.find("eradio.conf:5: veto_ratio: expected"), std::string::npos)
      << report.errors;
  EXPECT_EQ(server().workers(), workers);
  expect_unbroken();
}

TEST_F(Reload, ComesWithASignal) {
  begin("workers = 1\n");
  listen(5);
  write("workers = 2\n");
  ::kill(server().master(), SIGHUP);
  EXPECT_TRUE(crowd_.run_until(
      [&] { return server().log().count("the configuration has been read again") == 1; },
      patience));
  expect_workers(2);
  write("workers = 0\n");
  ::kill(server().master(), SIGHUP);
  EXPECT_TRUE(server().log().wait_for("the configuration stays as it is", patience));
  expect_workers(2);
  expect_unbroken();
  expect_clean_stop(server().stop());
}

TEST_F(Reload, BySignalWaitsForARoundThatGoesOn) {
  begin("workers = 2\n");
  listen(5);
  ::kill(server().workers().front(), SIGSTOP);  // so that it takes long
  std::jthread operator_([&] { EXPECT_EQ(operated_->ctl({"restart-workers"}).exit_status(), 0); });
  EXPECT_TRUE(crowd_.run_until(
      [&] { return server().log().count("all workers are replaced, one after another") == 1; },
      patience));
  write("workers = 3\n");
  ::kill(server().master(), SIGHUP);
  EXPECT_TRUE(crowd_.run_until(
      [&] { return server().log().count("the configuration has been read again") == 1; },
      patience));
  expect_workers(3);
}

TEST_F(Reload, ThatCannotReplaceWorkersLeavesNobodyWaitingAndIsDoneByTheNext) {
  const TemporaryDirectory prefix;
  begin_with_workers_of(prefix, 2);
  listen(20);
  break_worker_of_slot(prefix, "0");
  write("workers = 4\n");
  RunReport report = reload();
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_NE(report.errors.find("worker 0: the new process exited with status 3"), std::string::npos)
      << report.errors;
  listen(60);  // on the sockets of the new workers, too
  mend_worker(prefix);
  report = reload();
  EXPECT_EQ(report.exit_status(), 0) << report.errors;
  expect_workers(4);
  expect_unbroken();
}

TEST_F(Reload, OfFewerWorkersThatHasFailedIsDoneByAnUpgrade) {
  for (const char* const broken : {"0", "1"}) {  // before anything has moved, and in the middle
    SCOPED_TRACE(broken);
    const TemporaryDirectory prefix;
    begin_with_workers_of(prefix, 4);
    listen(80);
    break_worker_of_slot(prefix, broken);
    write("workers = 2\n");
    EXPECT_EQ(reload().exit_status(), 1);
    expect_unbroken();
    // Those that are too many serve on, and are replaced when they die.
    const std::size_t served = server().log().count(" serves");
    ::kill(server().workers().back(), SIGKILL);
    EXPECT_TRUE(
        crowd_.run_until([&] { return server().log().count(" serves") > served; }, patience));
    listen(20);
    EXPECT_EQ(operate("upgrade").exit_status(), 1) << "which cannot replace it either";
    listen(20);
    expect_unbroken();
    mend_worker(prefix);
    const RunReport report = operate("upgrade");
    EXPECT_EQ(report.exit_status(), 0) << report.errors;
    expect_workers(2);
    listen(20);
    expect_unbroken();
    expect_clean_stop(server().stop());
    crowd_ = ListenerCrowd();
  }
}

TEST_F(Reload, OfFewerWorkersIsRememberedByAnUpgrade) {
  begin("workers = 3\n");
  listen(60);
  write("workers = 2\n");
  EXPECT_EQ(reload().exit_status(), 0);
  const RunReport report = operate("upgrade");
  EXPECT_EQ(report.exit_status(), 0) << report.errors;
  expect_workers(2);
  listen(40);
  expect_unbroken();
}

TEST_F(Reload, ComesWithAnUpgradeToo) {
  begin("workers = 2\n");
  listen(60);
  const auto source = server().source();
  write("workers = 3\nlisten_port = 1\n", test_source("--rate 20 --size 1000 --track Another"));
  EXPECT_EQ(operate("upgrade").exit_status(), 0);
  expect_workers(3);
  EXPECT_TRUE(crowd_.run_until([&] { return get_metadata(server().ipv4())->track == "Another"; },
                               patience));
  EXPECT_NE(server().source(), source);
  EXPECT_EQ(crowd_.ended(), 0U);
  write("workers = 2\n");
  EXPECT_EQ(reload().output, "changed: source, workers\n") << "and the port is as it was";
  expect_workers(2);
}

}  // namespace
}  // namespace eradio::testing
