// Listeners whose worker dies: they notice nothing, since the next one goes on with them.

#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "common/version.h"
#include "common/worker_protocol.h"
#include "tests/e2e/eradioctl.h"
#include "tests/e2e/replacing_workers.h"
#include "tests/support/api_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"
#include "tests/support/server.h"
#include "tests/support/source_remote.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Each of them, whatever has become of others.
void expect_to_listen(ListenerCrowd& crowd, const std::vector<CrowdListener*>& listeners) {
  EXPECT_TRUE(crowd.run_until(
      [&] {
        return std::all_of(listeners.begin(), listeners.end(),
                           [](const CrowdListener* l) { return l->check().frames() > 0; });
      },
      patience));
}

TEST(Continuity, OfListenersWhoseWorkerIsKilledIsUnbroken) {
  // So that a machine that is slow to start a process makes nobody skip.
  Server server({.arguments = {"--workers", "2", "--max_lag", "2 s"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 150);
  crowd.add({.endpoint = server.ipv6()}, 150);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  for (const int signal : {SIGKILL, SIGSEGV, SIGABRT, SIGKILL}) {
    for (int i = 0; i < 2; ++i) {
      crowd.run_for(milliseconds(400));
      replace_worker(crowd, server, signal);
    }
  }
  crowd.run_for(seconds(1));
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U);
  EXPECT_EQ(crowd.missed(), 0U);
  for (const auto& listener : crowd.listeners()) {
    EXPECT_LT(monotonic_ns() - listener->check().last().time_ns, ns_per_second);
  }
  expect_clean_stop(server.stop());
}

TEST(Continuity, IsUnbrokenInTheMiddleOfAFrameToo) {
  // Frames larger than any buffer, for listeners that take them as fast as they come, and slowly:
  // whenever a worker is killed, most are in the middle of one.
  Server server({.source = test_source("--rate 20 --size 300000"),
                 .arguments = {"--workers", "2", "--max_lag", "1500"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4(), .socket = {.receive_buffer_bytes = 20'000}}, 10);
  crowd.add({.endpoint = server.ipv4(),
             .socket = {.receive_buffer_bytes = 20'000},
             .bytes_per_second = 2'000'000},
            20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  for (int round = 0; round < 6; ++round) {
    crowd.run_for(milliseconds(300 + 37 * round));
    replace_worker(crowd, server);
  }
  crowd.run_for(seconds(3));
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U) << server.log().text();
  for (const auto& listener : crowd.listeners()) {
    EXPECT_GT(listener->check().frames(), 5U);
  }
  expect_clean_stop(server.stop());
}

TEST(Continuity, OfTheCountsIsUnbrokenWheneverAWorkerIsKilled) {
  SourceRemote remote;
  OperatedServer operated(
      {.source = remote.source("--rate 500 --size 2000"), .arguments = {"--workers", "2"}});
  Server& server = operated.server();
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 100);
  // They miss most of it.
  crowd.add({.endpoint = server.ipv4(),
             .socket = {.receive_buffer_bytes = 10'000},
             .bytes_per_second = 200'000},
            20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  for (int round = 0; round < 6; ++round) {
    crowd.run_for(milliseconds(200 + 31 * round));
    replace_worker(crowd, server);
  }
  for (int i = 0; i < 30; ++i) {  // these leave, and count none the less
    crowd.close(*crowd.listeners()[static_cast<std::size_t>(i)]);
  }
  crowd.run_for(milliseconds(500));
  remote.send({remote.hold()});
  crowd.run_for(seconds(2));  // until all have what was sent to them
  remote.send({remote.frame()});
  crowd.run_for(seconds(2));  // by the last frame they know what they have missed
  EXPECT_EQ(crowd.fault(), "");
  const auto totals = operated.ctl_json({"status"}).at("totals");
  EXPECT_EQ(totals.at("listeners"), 90);
  std::uint64_t missed = 0;
  std::uint64_t frames_of_those_who_left = 0;
  std::uint64_t frames = 0;
  for (const auto& listener : crowd.listeners()) {
    missed += listener->check().missed();
    (listener->listening() ? frames : frames_of_those_who_left) += listener->check().frames();
  }
  // What was on its way to those who left, nobody has read.
  const auto sent = totals.at("frames_sent").get<std::uint64_t>();
  EXPECT_GE(sent, frames + frames_of_those_who_left);
  EXPECT_LE(sent, frames + frames_of_those_who_left + std::uint64_t{30} * 100);
  EXPECT_GT(missed, 1000U);
  EXPECT_EQ(totals.at("frames_skipped"), missed);
  for (const auto& listener : crowd.listeners()) {
    crowd.close(*listener);
  }
  expect_clean_stop(server.stop());
}

TEST(Continuity, OfListenersWhoseWorkersAreRestartedIsUnbroken) {
  OperatedServer operated({.arguments = {"--workers", "2", "--max_lag", "2 s"}});
  Server& server = operated.server();
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 150);
  crowd.add({.endpoint = server.ipv6()}, 150);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  for (int round = 0; round < 4; ++round) {
    crowd.run_for(milliseconds(300));
    const auto before = server.workers();
    const RunReport report = restart_workers(crowd, operated);
    EXPECT_EQ(report.exit_status(), 0) << report.errors;
    EXPECT_EQ(report.output, "2 workers replaced\n");
    const auto are_others = [&] {  // the old ones may still be on their way out
      const auto now = server.workers();
      return now.size() == 2 && std::none_of(now.begin(), now.end(), [&](pid_t worker) {
               return std::count(before.begin(), before.end(), worker) > 0;
             });
    };
    EXPECT_TRUE(comes_true(are_others));
  }
  crowd.run_for(seconds(1));
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U);
  EXPECT_EQ(crowd.missed(), 0U);
  for (const auto& listener : crowd.listeners()) {
    EXPECT_LT(monotonic_ns() - listener->check().last().time_ns, ns_per_second);
  }
  const auto totals = operated.ctl_json({"status"}).at("totals");
  EXPECT_EQ(totals.at("listeners"), 300);
  EXPECT_EQ(totals.at("listeners_adopted"), 4 * 300);
  EXPECT_EQ(totals.at("listeners_not_adopted"), 0);
  expect_clean_stop(server.stop());
}

TEST(Continuity, OfConnectionsIsUnbrokenTooWhileWorkersAreRestarted) {
  OperatedServer operated({.arguments = {"--workers", "2"}});
  ListenerCrowd crowd;
  constexpr int rounds = 5;
  int turns = 0;
  std::jthread operator_([&] {
    for (int round = 0; round < rounds; ++round) {
      EXPECT_EQ(operated.ctl({"restart-workers"}).exit_status(), 0);
    }
  });
  // Whoever comes meanwhile waits, at the longest, for the next worker.
  const auto all_done = [&] {
    return operated.server().log().count("have been replaced") == rounds;
  };
  while (!all_done() && ++turns < 500) {
    crowd.add({.endpoint = operated.server().ipv4()}, 2);
    crowd.run_for(milliseconds(10));
  }
  operator_.join();
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  EXPECT_EQ(crowd.ended(), 0U) << operated.server().log().text();
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(operated.ctl_json({"status"}).at("totals").at("requests_dropped"), 0);
}

TEST(Continuity, IsKeptWhenTheNewWorkerCannotServe) {
  const TemporaryDirectory prefix;
  copy_installed_tree(prefix.file(""));
  OperatedServer operated({.arguments = {"--workers", "2"}, .prefix = prefix.file("")});
  const Server& server = operated.server();
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  const auto before = server.workers();
  const std::string program = prefix.file("libexec/eradio/eradio-worker");
  const std::string kept = prefix.file("kept");
  std::filesystem::rename(program, kept);

  RunReport report = restart_workers(crowd, operated);
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_NE(report.errors.find("could not be started"), std::string::npos) << report.errors;
  std::ofstream(program) << "#!/bin/sh\nexit 3\n";
  std::filesystem::permissions(program, std::filesystem::perms(0755));
  report = restart_workers(crowd, operated);
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_NE(report.errors.find("exited with status 3; the old one goes on"), std::string::npos)
      << report.errors;
  EXPECT_EQ(server.workers(), before);

  std::filesystem::rename(kept, program);
  report = restart_workers(crowd, operated);
  EXPECT_EQ(report.exit_status(), 0) << report.errors;
  crowd.run_for(milliseconds(300));
  EXPECT_EQ(crowd.ended(), 0U);
  EXPECT_EQ(crowd.missed(), 0U);
}

TEST(Continuity, IsKeptWhenAWorkerDiesWhileOneIsInstalledThatCannotServe) {
  const TemporaryDirectory prefix;
  copy_installed_tree(prefix.file(""));
  OperatedServer operated({.arguments = {"--workers", "1"}, .prefix = prefix.file("")});
  const Server& server = operated.server();
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  const std::string program = prefix.file("libexec/eradio/eradio-worker");
  std::filesystem::remove(program);  // as a package does it
  std::ofstream(program) << "#!/bin/sh\nexit 3\n";
  std::filesystem::permissions(program, std::filesystem::perms(0755));

  for (int death = 0; death < 3; ++death) {
    crowd.run_for(milliseconds(600));
    replace_worker(crowd, server);
  }
  crowd.run_for(milliseconds(300));
  EXPECT_EQ(server.log().count("exited with status 3"), 0U);
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U);
  EXPECT_EQ(crowd.missed(), 0U);
  std::ifstream name("/proc/" + std::to_string(server.workers().front()) + "/comm");
  std::string line;
  std::getline(name, line);
  EXPECT_EQ(line, "eradio-worker");
}

TEST(Continuity, WhenAWorkerDiesWhileAllAreReplacedEndsWithWhatIsInstalled) {
  const TemporaryDirectory prefix;
  copy_installed_tree(prefix.file(""));
  OperatedServer operated({.arguments = {"--workers", "2"}, .prefix = prefix.file("")});
  const Server& server = operated.server();
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  const std::string program = prefix.file("libexec/eradio/eradio-worker");
  std::filesystem::copy_file(program, prefix.file("newer"));
  std::filesystem::rename(prefix.file("newer"), program);

  const pid_t last = server.workers().back();  // whose turn comes last
  std::thread killer([&] {
    EXPECT_TRUE(server.log().wait_for("all workers are replaced", patience));
    ::kill(last, SIGKILL);
  });
  const RunReport report = restart_workers(crowd, operated);
  killer.join();
  EXPECT_EQ(report.exit_status(), 0) << report.errors;
  const auto is_new = [&](pid_t worker) {
    std::error_code gone;  // of one that was replaced just now
    return std::filesystem::equivalent("/proc/" + std::to_string(worker) + "/exe", program, gone);
  };
  EXPECT_TRUE(crowd.run_until(
      [&] {
        const auto workers = server.workers();
        return workers.size() == 2 && std::all_of(workers.begin(), workers.end(), is_new);
      },
      patience));
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U);
}

TEST(Continuity, IsKeptWhileNoWorkerComesToServe) {
  const TemporaryDirectory prefix;
  copy_installed_tree(prefix.file(""));
  OperatedServer operated(
      {.arguments = {"--workers", "1", "--max_lag", "20 s"}, .prefix = prefix.file("")});
  const Server& server = operated.server();
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  const std::string program = prefix.file("libexec/eradio/eradio-worker");
  const std::string kept = prefix.file("kept");
  std::filesystem::rename(program, kept);
  std::filesystem::permissions(kept, std::filesystem::perms(0644));
  std::ofstream(program) << "#!/bin/sh\nexit 3\n";
  std::filesystem::permissions(program, std::filesystem::perms(0755));

  ::kill(server.workers().front(), SIGKILL);
  EXPECT_TRUE(crowd.run_until(
      [&] {
        return server.log().count("exited with status 3") >= 3 &&
               server.log().count("cannot execute") >= 3;
      },
      patience));
  EXPECT_EQ(crowd.ended(), 0U) << "they had nothing to do with it";
  std::filesystem::permissions(kept, std::filesystem::perms(0755));
  std::filesystem::rename(kept, program);
  EXPECT_TRUE(crowd.run_until([&] { return server.log().count(" serves") == 2; }, patience));
  crowd.run_for(milliseconds(300));
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U);
  EXPECT_EQ(crowd.missed(), 0U);
  EXPECT_EQ(operated.ctl_json({"status"}).at("totals").at("listeners_not_adopted"), 0);
}

TEST(Continuity, IsKeptWhenAWorkerDoesNotHandOver) {
  OperatedServer operated({.arguments = {"--workers", "2", "--max_lag", "10 s"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = operated.server().ipv4()}, 50);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  ::kill(operated.server().workers().front(), SIGSTOP);
  const RunReport report = restart_workers(crowd, operated);
  EXPECT_EQ(report.exit_status(), 0) << report.errors;
  EXPECT_TRUE(operated.server().log().wait_for("did not hand over in time; killed", patience));
  crowd.run_for(seconds(1));
  EXPECT_EQ(crowd.ended(), 0U);
  EXPECT_EQ(crowd.missed(), 0U);
  EXPECT_EQ(crowd.fault(), "");
}

TEST(Continuity, IsNotMissedByWhoLeavesWhileNobodyServesHim) {
  OperatedServer operated({.arguments = {"--workers", "1", "--max_lag", "10 s"}});
  const Server& server = operated.server();
  ListenerCrowd crowd;
  const auto stay = crowd.add({.endpoint = server.ipv4()}, 10);
  const auto leave = crowd.add({.endpoint = server.ipv4()}, 10);
  const auto break_off = crowd.add({.endpoint = server.ipv4()}, 10);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(milliseconds(200));
  ::kill(server.workers().front(), SIGSTOP);
  for (std::size_t i = 0; i < leave.size(); ++i) {
    crowd.close(*leave[i]);
    const linger reset{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(break_off[i]->descriptor(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    crowd.close(*break_off[i]);
  }
  replace_worker(crowd, server);
  const auto totals = [&] { return operated.ctl_json({"status"}).at("totals"); };
  EXPECT_TRUE(crowd.run_until([&] { return totals().at("listeners") == 10; }, patience));
  EXPECT_EQ(totals().at("listeners_not_adopted"), 0) << "they have left by themselves";
  EXPECT_EQ(totals().at("connections"), 10);
  EXPECT_TRUE(
      crowd.run_until([&] { return get_metadata(server.ipv4())->listeners == 10; }, patience));
  crowd.run_for(milliseconds(300));
  for (const CrowdListener* listener : stay) {
    EXPECT_TRUE(listener->listening());
  }
}

// A worker gathers what it tells the master, for 5 ms: so it is killed before that, and after.
TEST(Continuity, IsNotMissedByWhoHasJustLeftWhenTheWorkerIsKilled) {
  OperatedServer operated({.arguments = {"--workers", "1", "--max_lag", "10 s"}});
  const Server& server = operated.server();
  ListenerCrowd crowd;
  const auto stay = crowd.add({.endpoint = server.ipv4()}, 10);
  for (int round = 0; round < 10; ++round) {
    const auto leave = crowd.add({.endpoint = server.ipv4()}, 30);
    const auto listens = [](const CrowdListener* listener) { return listener->listening(); };
    ASSERT_TRUE(crowd.run_until([&] { return std::all_of(leave.begin(), leave.end(), listens); },
                                patience));
    for (CrowdListener* const listener : leave) {
      crowd.close(*listener);
    }
    std::this_thread::sleep_for(round * std::chrono::microseconds(700));
    replace_worker(crowd, server);
    crowd.run_for(milliseconds(600));  // one that dies sooner is replaced later
  }
  const auto totals = [&] { return operated.ctl_json({"status"}).at("totals"); };
  EXPECT_TRUE(crowd.run_until([&] { return totals().at("listeners") == 10; }, patience));
  EXPECT_EQ(totals().at("listeners_not_adopted"), 0) << "they have left by themselves";
  EXPECT_EQ(server.log().count("level=error"), 10U) << server.log().text();  // each death
  EXPECT_EQ(server.log().count("who was not there"), 0U) << server.log().text();
  EXPECT_TRUE(
      crowd.run_until([&] { return get_metadata(server.ipv4())->listeners == 10; }, patience));
  for (const CrowdListener* listener : stay) {
    EXPECT_TRUE(listener->listening());
  }
}

TEST(Continuity, OfListenersWhoseServerIsUpgradedIsUnbroken) {
  OperatedServer operated({.arguments = {"--workers", "2", "--max_lag", "2 s"}});
  const Server& server = operated.server();
  const OpenDescriptors at_rest = descriptors_of(server);
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 147);
  for (int id = 1; id <= 3; ++id) {
    crowd.add(
        {.endpoint = server.ipv6(), .target = "/stream.mp3?listener_id=" + std::to_string(id)});
  }
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  ASSERT_EQ(put_veto(server.ipv4(), 1), 200);
  const auto source = server.source();
  const auto frames = operated.ctl_json({"status"}).at("totals").at("frames_sent");
  for (int round = 1; round <= 3; ++round) {
    crowd.run_for(milliseconds(300));
    const auto before = server.workers();
    const RunReport report = operate(crowd, operated, "upgrade");
    EXPECT_EQ(report.exit_status(), 0) << report.errors;
    EXPECT_EQ(report.output, "eradio " ERADIO_VERSION " runs (" +
                                 installed_program("sbin/eradiod") + "), with 2 new workers\n");
    const auto status = operated.ctl_json({"status"});
    EXPECT_EQ(status.at("pid"), server.master());
    EXPECT_EQ(status.at("upgrades"), round);
    EXPECT_EQ(server.source(), source);
    for (const auto& worker : status.at("workers")) {
      EXPECT_EQ(std::count(before.begin(), before.end(), worker.at("pid").get<pid_t>()), 0);
    }
  }
  replace_worker(crowd, server);
  crowd.run_for(seconds(1));
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U);
  EXPECT_EQ(crowd.missed(), 0U);
  for (const auto& listener : crowd.listeners()) {
    EXPECT_LT(monotonic_ns() - listener->check().last().time_ns, ns_per_second);
  }
  const auto status = operated.ctl_json({"status"});
  EXPECT_EQ(status.at("metadata").at("listener_count"), 150);
  EXPECT_EQ(status.at("metadata").at("veto_count"), 1) << "votes stay";
  EXPECT_GT(status.at("totals").at("frames_sent"), frames);
  EXPECT_EQ(status.at("totals").at("listeners_adopted"),
            3 * 150 + status.at("workers")[0].at("listeners_adopted").get<int>());
  for (const auto& listener : crowd.listeners()) {
    crowd.close(*listener);
  }
  EXPECT_TRUE(crowd.run_until([&] { return descriptors_of(server) == at_rest; }, patience))
      << descriptors_of(server) << " of " << at_rest;
  expect_clean_stop(operated.server().stop());
  EXPECT_TRUE(
      comes_true([&] { return server.log().count("process=master message=stopped") == 1; }));
}

TEST(Continuity, IsKeptWhenWhatIsInstalledCannotGoOn) {
  const TemporaryDirectory prefix;
  copy_installed_tree(prefix.file(""));
  const std::string configuration = prefix.write("eradio.conf", "veto_ratio = 0.5\n");
  OperatedServer operated(
      {.arguments = {"--workers", "2", "--config", configuration}, .prefix = prefix.file("")});
  const Server& server = operated.server();
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  const auto workers = server.workers();
  const auto expect_refused = [&](const std::string& because) {
    const RunReport report = operate(crowd, operated, "upgrade");
    EXPECT_EQ(report.exit_status(), 1);
    EXPECT_NE(report.errors.find(because), std::string::npos) << report.errors;
    EXPECT_EQ(server.workers(), workers);
  };
  prefix.write("eradio.conf", "veto_ratio = 7\n");
  expect_refused("eradio.conf:1");
  prefix.write("eradio.conf", "veto_ratio = 0.5\n");

  const std::string program = prefix.file("sbin/eradiod");
  const std::string kept = prefix.file("kept");
  std::filesystem::rename(program, kept);
  expect_refused("could not be started");
  std::ofstream(program) << "#!/bin/sh\nexit 0\n";
  std::filesystem::permissions(program, std::filesystem::perms(0755));
  expect_refused("is no executable in the format ELF");
  std::filesystem::remove(program);
  // These end with 0, too, or say why not; but neither says that it can go on.
  for (const auto& [other, because] :
       {std::pair{"/bin/true", "exited with status 0 and did not say that it can"},
        {"/bin/ls", "exited with status 2: "}}) {
    std::filesystem::copy_file(other, program);
    expect_refused(because);
    std::filesystem::remove(program);
  }
  std::filesystem::rename(kept, program);
  // The new one goes on, its workers do not: the old ones serve.
  std::filesystem::rename(prefix.file("libexec/eradio/eradio-worker"), kept);
  expect_refused("could not be started");
  const RunReport again = operated.ctl({"upgrade", "--json"});
  EXPECT_EQ(again.exit_status(), 1);
  const auto error = nlohmann::json::parse(again.output).at("error").get<std::string>();
  EXPECT_NE(error.find("could not be started"), std::string::npos) << error;
  EXPECT_EQ(operated.ctl_json({"status"}).at("upgrade_error"), error);
  EXPECT_NE(operated.ctl({"status"}).output.find("did not come to its end: " + error),
            std::string::npos);
  std::filesystem::rename(kept, prefix.file("libexec/eradio/eradio-worker"));
  EXPECT_EQ(restart_workers(crowd, operated).exit_status(), 0);
  EXPECT_TRUE(operated.ctl_json({"status"}).at("upgrade_error").is_null()) << "they are new";
  const RunReport report = operate(crowd, operated, "upgrade");
  EXPECT_EQ(report.exit_status(), 0) << report.errors;
  crowd.run_for(milliseconds(300));
  EXPECT_EQ(crowd.ended(), 0U);
  EXPECT_EQ(crowd.missed(), 0U);
}

TEST(Continuity, FollowsALinkThatIsSwitchedToAnotherTree) {
  const TemporaryDirectory directory;
  namespace fs = std::filesystem;
  for (const char* tree : {"one", "two"}) {
    copy_installed_tree(directory.file(tree));
  }
  const std::string current = directory.file("current");
  fs::create_directory_symlink("one", current);
  OperatedServer operated({.arguments = {"--workers", "1"}, .prefix = current});
  const Server& server = operated.server();
  const auto program_of = [](pid_t process) {
    return fs::read_symlink("/proc/" + std::to_string(process) + "/exe").string();
  };
  ASSERT_EQ(program_of(server.master()), directory.file("one/sbin/eradiod"));
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 10);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  for (const char* tree : {"two", "one"}) {
    fs::remove(current);
    fs::create_directory_symlink(tree, current);
    const RunReport report = operate(crowd, operated, "upgrade");
    EXPECT_EQ(report.exit_status(), 0) << report.errors;
    EXPECT_TRUE(has(report.output, current + "/sbin/eradiod")) << report.output;
    EXPECT_EQ(program_of(server.master()), directory.file(tree) + "/sbin/eradiod");
    EXPECT_EQ(program_of(server.workers().back()),
              directory.file(tree) + "/libexec/eradio/eradio-worker");
  }
  EXPECT_EQ(crowd.ended(), 0U);
}

TEST(Continuity, OfListenersThatTheMasterCannotHoldIsBrokenAndTheRestIsNot) {
  // So few descriptors that the master can hold 200 for listeners.
  OperatedServer operated(
      {.arguments = {"--workers", "1", "--max_lag", "2 s", "--max_listeners", "250"},
       .descriptors_max = 400});
  const Server& server = operated.server();
  EXPECT_TRUE(server.log().wait_for("of max_listeners, 250, only 200 can outlive", patience));
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 230);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  const auto escrow = operated.ctl_json({"status"}).at("escrow");
  EXPECT_EQ(escrow.at("held"), 200);
  EXPECT_EQ(escrow.at("max"), 200);
  EXPECT_EQ(escrow.at("clients_not_held"), 30);
  EXPECT_EQ(restart_workers(crowd, operated).exit_status(), 0);
  replace_worker(crowd, server);
  crowd.run_for(milliseconds(500));
  EXPECT_EQ(crowd.ended(), 30U);
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.missed(), 0U);
}

TEST(Continuity, OfListenersThatTheMasterCouldNotHoldIsUnbrokenOnceItCan) {
  OperatedServer operated(
      {.arguments = {"--workers", "1", "--max_lag", "2 s"}, .descriptors_max = 400});
  const Server& server = operated.server();
  ListenerCrowd crowd;
  const auto first = crowd.add({.endpoint = server.ipv4()}, 200);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  const auto then = crowd.add({.endpoint = server.ipv4()}, 30);
  expect_to_listen(crowd, then);
  const auto escrow = [&] { return operated.ctl_json({"status"}).at("escrow"); };
  EXPECT_EQ(escrow().at("clients_not_held"), 30);
  for (CrowdListener* listener : first) {
    crowd.close(*listener);
  }
  EXPECT_TRUE(crowd.run_until(
      [&] { return escrow().at("held") == 30 && escrow().at("clients_not_held") == 0; }, patience))
      << escrow();
  EXPECT_EQ(restart_workers(crowd, operated).exit_status(), 0);
  replace_worker(crowd, server);
  crowd.run_for(milliseconds(500));
  EXPECT_TRUE(std::all_of(then.begin(), then.end(), [](auto* one) { return one->listening(); }));
  EXPECT_EQ(crowd.fault(), "");
}

TEST(Continuity, IsNotWantedByEverybody) {
  OperatedServer operated({.arguments = {"--workers", "1", "--no-escrow"}});
  const Server& server = operated.server();
  EXPECT_TRUE(server.log().wait_for("escrow is off", patience));
  ListenerCrowd crowd;
  const std::size_t at_rest = open_descriptors(server.master());
  crowd.add({.endpoint = server.ipv4()}, 20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  EXPECT_LE(open_descriptors(server.master()), at_rest);
  EXPECT_EQ(operated.ctl_json({"status"}).at("escrow"),
            nlohmann::json::parse(R"({"on":false,"held":0,"max":0,"clients_not_held":20})"));
  EXPECT_EQ(restart_workers(crowd, operated).exit_status(), 0);
  EXPECT_TRUE(crowd.run_until([&] { return crowd.ended() == 20; }, patience));
  expect_to_listen(crowd, crowd.add({.endpoint = server.ipv4()}, 5));
}

TEST(Continuity, IsUnbrokenByAFrameThatComesWithTheOrderToHandOver) {
  OperatedServer operated({.arguments = {"--workers", "1", "--max_lag", "5 s"}});
  const Server& server = operated.server();
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 300);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  for (int round = 0; round < 3; ++round) {
    const pid_t worker = server.workers().front();
    ::kill(worker, SIGSTOP);  // so that the order and the next frames wait for it together
    std::jthread operator_([&] { EXPECT_EQ(operated.ctl({"restart-workers"}).exit_status(), 0); });
    crowd.run_for(milliseconds(300));
    ::kill(worker, SIGCONT);
    crowd.run_for(milliseconds(500));
  }
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U) << server.log().text();
  EXPECT_EQ(crowd.missed(), 0U);
}

TEST(Continuity, IsUnbrokenWhenAWorkerIsToLeaveBeforeItHasEverybody) {
  // More listeners than the line to a worker holds messages for.
  OperatedServer operated({.arguments = {"--workers", "1", "--max_lag", "10 s"}});
  const Server& server = operated.server();
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 1500);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  for (int round = 0; round < 3; ++round) {
    crowd.run_for(milliseconds(300));
    ::kill(server.workers().front(), SIGKILL);
    EXPECT_EQ(restart_workers(crowd, operated).exit_status(), 0);
  }
  crowd.run_for(seconds(1));
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U) << server.log().text();
}

// As a worker could that is not its own any more: it has this memory writable.
TEST(Continuity, IsKeptWhateverStandsInTheScoreboard) {
  OperatedServer operated({.arguments = {"--workers", "2", "--max_lag", "2 s"}});
  const Server& server = operated.server();
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 40);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  const auto workers = server.workers();
  const std::filesystem::path file = "/proc/" + std::to_string(workers.front()) + "/fd/" +
                                     std::to_string(worker_descriptor::scoreboard);
  for (const char byte : {'\0', '\xff'}) {
    std::fstream scoreboard(file, std::ios::in | std::ios::out | std::ios::binary);
    scoreboard << std::string(100'000, byte);
    scoreboard.close();
    ASSERT_TRUE(scoreboard);
  }
  crowd.run_for(seconds(1));
  EXPECT_EQ(server.workers(), workers) << "whoever lives is not killed";
  replace_worker(crowd, server);
  EXPECT_EQ(restart_workers(crowd, operated).exit_status(), 0);
  EXPECT_EQ(operate(crowd, operated, "upgrade").exit_status(), 0);
  crowd.run_for(milliseconds(300));
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U);
  EXPECT_EQ(crowd.missed(), 0U);
}

TEST(Continuity, EndsWithTheServerInTheMiddleOfAHandOverToo) {
  OperatedServer operated({.arguments = {"--workers", "2"}});
  Server& server = operated.server();
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  for (const pid_t worker : server.workers()) {
    ::kill(worker, SIGSTOP);
  }
  const auto before = server.workers().size();
  std::jthread operator_([&] { EXPECT_NE(operated.ctl({"restart-workers"}).exit_status(), 0); });
  EXPECT_TRUE(crowd.run_until([&] { return server.workers().size() > before; }, patience));
  crowd.run_for(milliseconds(200));  // the order to hand over is on its way
  const StopReport report = server.stop();
  EXPECT_EQ(report.wait_status, 0);
  EXPECT_LT(report.duration, milliseconds(sanitized_build ? 10'000 : 2000));
  EXPECT_EQ(report.left_behind, std::vector<pid_t>{});
}

TEST(Continuity, LeavesNoDescriptorBehind) {
  Server server({.arguments = {"--workers", "2"}});
  ListenerCrowd crowd;
  const OpenDescriptors at_rest = descriptors_of(server);
  const auto settles_with = [&](std::size_t clients) {
    return crowd.run_until([&] { return has_clients(descriptors_of(server), at_rest, clients); },
                           patience);
  };
  constexpr std::size_t more = 100;
  const auto others = crowd.add({.endpoint = server.ipv4()}, more);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  EXPECT_TRUE(settles_with(more)) << "one in the worker, one in escrow";
  replace_worker(crowd, server);
  replace_worker(crowd, server);
  EXPECT_TRUE(settles_with(more)) << descriptors_of(server) << " of " << at_rest;
  for (std::size_t i = 0; i < more / 2; ++i) {
    crowd.close(*others[i]);
  }
  EXPECT_TRUE(settles_with(more / 2)) << descriptors_of(server) << " of " << at_rest;
  replace_worker(crowd, server);
  replace_worker(crowd, server);
  EXPECT_TRUE(settles_with(more / 2)) << descriptors_of(server) << " of " << at_rest;
  for (std::size_t i = more / 2; i < more; ++i) {
    crowd.close(*others[i]);
  }
  EXPECT_TRUE(settles_with(0)) << descriptors_of(server) << " of " << at_rest;
  expect_clean_stop(server.stop());
}

TEST(Continuity, OfWhatWorkersDieOfEndsAfterTwoOfThem) {
  OperatedServer operated({.arguments = {"--workers", "1"}});
  Server& server = operated.server();
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(milliseconds(300));
  // As if going on with one of them were what kills a worker.
  replace_worker(crowd, server);
  EXPECT_EQ(crowd.ended(), 0U);
  for (int i = 0; i < 2; ++i) {
    const auto workers = server.workers();
    ASSERT_EQ(workers.size(), 1U);
    replace_worker(crowd, server);
  }
  EXPECT_TRUE(server.log().wait_for("since two workers in a row died", patience));
  EXPECT_TRUE(crowd.run_until([&] { return crowd.ended() == 20; }, patience));
  EXPECT_EQ(operated.ctl_json({"status"}).at("totals").at("listeners_not_adopted"), 20);
  expect_to_listen(crowd, crowd.add({.endpoint = server.ipv4()}, 5));
  expect_clean_stop(server.stop());
}

}  // namespace
}  // namespace eradio::testing
