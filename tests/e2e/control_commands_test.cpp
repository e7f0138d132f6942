// What an operator sees and does with eradioctl: status, listeners, kicks, commands to the source,
// the log level.

#include <signal.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "common/version.h"
#include "tests/e2e/eradioctl.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/websocket_client.h"

namespace eradio::testing {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

std::string stream_of(std::uint64_t id) { return "/stream.mp3?listener_id=" + std::to_string(id); }

std::multiset<std::uint64_t> ids_of(const json& listeners) {
  std::multiset<std::uint64_t> ids;
  for (const json& listener : listeners) {
    ids.insert(listener.at("id").get<std::uint64_t>());
  }
  return ids;
}

// Until so many of the crowd have been closed, and then for a moment more.
void expect_ended(ListenerCrowd& crowd, std::size_t expected) {
  EXPECT_TRUE(crowd.run_until([&] { return crowd.ended() >= expected; }, patience));
  crowd.run_for(milliseconds(200));
  EXPECT_EQ(crowd.ended(), expected) << "others were closed too";
}

TEST(Eradioctl, StatusShowsTheSourceTheWorkersAndTheListeners) {
  OperatedServer operated({.arguments = {"--workers", "2"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = operated.server().ipv4(), .target = stream_of(1)});
  crowd.add({.endpoint = operated.server().ipv4(), .target = stream_of(2)}, 2);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  json status;
  ASSERT_TRUE(comes_true([&] {
    status = operated.ctl_json({"status"});
    return status.at("metadata").at("listener_count") == 2 &&
           status.at("totals").at("frames_sent") > 0;
  })) << status;

  EXPECT_EQ(status.at("version"), ERADIO_VERSION);
  EXPECT_EQ(status.at("pid"), operated.server().master());
  EXPECT_EQ(status.at("log_level"), "info");
  EXPECT_LT(status.at("uptime_s"), 600);
  EXPECT_EQ(status.at("source").at("running"), true);
  EXPECT_EQ(status.at("source").at("pid"), operated.server().source().value_or(0));
  EXPECT_EQ(status.at("source").at("restarts"), 0);
  EXPECT_EQ(status.at("source").at("playing"), true);
  EXPECT_EQ(status.at("metadata").at("current_track").at("name"), "Test tone");
  EXPECT_EQ(status.at("totals").at("listeners"), 3);
  EXPECT_EQ(status.at("totals").at("connections"), 3);

  const json& workers = status.at("workers");
  const std::vector<pid_t> processes = operated.server().workers();
  ASSERT_EQ(workers.size(), 2U);
  std::uint64_t listeners = 0;
  for (std::size_t slot = 0; slot < 2; ++slot) {
    const json& worker = workers.at(slot);
    EXPECT_EQ(worker.at("slot"), slot);
    EXPECT_EQ(worker.at("state"), "serving");
    EXPECT_EQ(worker.at("restarts"), 0);
    EXPECT_EQ(std::count(processes.begin(), processes.end(), worker.at("pid").get<pid_t>()), 1);
    listeners += worker.at("listeners").get<std::uint64_t>();
  }
  EXPECT_EQ(listeners, 3U);

  const RunReport text = operated.ctl({"status"});
  EXPECT_EQ(text.exit_status(), 0) << text.errors;
  EXPECT_TRUE(has(text.output, "playing Test tone")) << text.output;
  EXPECT_TRUE(has(text.output, "3 connections (2 different ids, 0 votes)")) << text.output;
  EXPECT_TRUE(has(text.output, "serving")) << text.output;
}

TEST(Eradioctl, StatusCountsRestarts) {
  OperatedServer operated({.arguments = {"--workers", "1", "--source_restart_delay", "100 ms"}});
  const json before = operated.ctl_json({"status"});
  ::kill(operated.server().workers().at(0), SIGKILL);
  ::kill(operated.server().source().value_or(0), SIGKILL);
  json after;
  EXPECT_TRUE(comes_true([&] {
    after = operated.ctl_json({"status"});
    return after.at("workers").at(0).at("state") == "serving" &&
           after.at("workers").at(0).at("restarts") == 1 &&
           after.at("source").at("restarts") == 1 && after.at("source").at("running") == true;
  })) << after;
  EXPECT_NE(after.at("workers").at(0).at("pid"), before.at("workers").at(0).at("pid"));
  EXPECT_GT(after.at("workers").at(0).at("generation"),
            before.at("workers").at(0).at("generation"));
  EXPECT_EQ(after.at("pid"), before.at("pid"));
}

TEST(Eradioctl, StatusTellsCrashesFromReplacements) {
  OperatedServer operated({.arguments = {"--workers", "1"}});
  const auto worker = [&] { return operated.ctl_json({"status"}).at("workers").at(0); };
  const auto serves_again = [&](int restarts) {
    return comes_true([&] {
      const json now = worker();
      return now.at("restarts") == restarts && now.at("state") == "serving";
    });
  };
  EXPECT_EQ(operated.ctl({"restart-workers"}).exit_status(), 0);
  EXPECT_EQ(worker().at("restarts"), 1);
  EXPECT_EQ(worker().at("crashes"), 0);
  ::kill(operated.server().workers().at(0), SIGSEGV);
  EXPECT_TRUE(serves_again(2));
  EXPECT_EQ(worker().at("crashes"), 1);
  ASSERT_EQ(operated.ctl({"upgrade"}).exit_status(), 0);
  EXPECT_TRUE(serves_again(3));
  EXPECT_EQ(worker().at("crashes"), 1) << "the upgrade is none, and forgets none";
}

TEST(Eradioctl, ListenersAreShownWithWhatTheyAreLike) {
  OperatedServer operated({.arguments = {"--workers", "2"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = operated.server().ipv4(), .target = stream_of(7) + "&max_lag=700"});
  crowd.add({.endpoint = operated.server().ipv4(),
             .target = stream_of(8),
             .socket = {.local_address = "127.0.0.2"}});
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(milliseconds(1500));  // a worker writes once a second how they are
  const json listeners = operated.ctl_json({"listeners"}).at("listeners");
  ASSERT_EQ(ids_of(listeners), (std::multiset<std::uint64_t>{7, 8})) << listeners;
  for (const json& listener : listeners) {
    const bool first = listener.at("id") == 7;
    EXPECT_EQ(listener.at("peer"), first ? "127.0.0.1" : "127.0.0.2");
    EXPECT_EQ(listener.at("max_lag_ms"), first ? 700 : 250);
    EXPECT_LT(listener.at("worker"), 2);
    EXPECT_GT(listener.at("peer_port"), 0);
    EXPECT_GT(listener.at("frames_sent"), 0);
    EXPECT_GE(listener.at("listening_s"), 1);
    for (const char* name : {"lag_ms", "queue_bytes", "bytes_sent", "frames_skipped", "jumps"}) {
      EXPECT_TRUE(listener.at(name).is_number()) << name;
    }
  }
  const RunReport text = operated.ctl({"listeners"});
  EXPECT_EQ(text.exit_status(), 0) << text.errors;
  EXPECT_EQ(std::count(text.output.begin(), text.output.end(), '\n'), 3) << text.output;
  EXPECT_TRUE(has(text.output, "127.0.0.2")) << text.output;
}

TEST(Eradioctl, ListenersComeInPagesOfWhichNoneMissesOrRepeatsAny) {
  constexpr std::uint64_t count = 23;
  OperatedServer operated({.arguments = {"--workers", "3"}});
  ListenerCrowd crowd;
  std::multiset<std::uint64_t> expected;
  for (std::uint64_t id = 0; id < count; ++id) {
    crowd.add({.endpoint = operated.server().ipv4(), .target = stream_of(id)});
    expected.insert(id);
  }
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  HttpClient client(Endpoint::unix_socket(operated.socket()));
  std::multiset<std::uint64_t> seen;
  json next = 0;
  while (!next.is_null()) {
    ASSERT_TRUE(client.request("/listeners?limit=5&offset=" + next.dump()));
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply && reply->status == 200);
    const json page = json::parse(reply->body);
    EXPECT_LE(page.at("listeners").size(), 5U);
    for (const std::uint64_t id : ids_of(page.at("listeners"))) {
      seen.insert(id);
    }
    next = page.at("next");
    ASSERT_LE(seen.size(), count);
  }
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(operated.ctl_json({"listeners"}).at("listeners").size(), count);
}

TEST(Eradioctl, NobodyIsNobody) {
  OperatedServer operated;
  EXPECT_EQ(operated.ctl({"listeners"}).output, "nobody listens\n");
  EXPECT_EQ(operated.ctl_json({"listeners"}).at("listeners"), json::array());
}

TEST(Eradioctl, KickByIdClosesAllConnectionsOfThatIdAndNoOther) {
  OperatedServer operated({.arguments = {"--workers", "2"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = operated.server().ipv4(), .target = stream_of(1)}, 2);
  const auto kicked = crowd.add({.endpoint = operated.server().ipv4(), .target = stream_of(2)}, 3);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  EXPECT_EQ(operated.ctl_json({"kick", "2"}).at("kicked"), 3);
  expect_ended(crowd, 3);
  for (const CrowdListener* listener : kicked) {
    EXPECT_EQ(listener->state(), CrowdListener::State::ended);
  }
  EXPECT_TRUE(operated.server().log().wait_for("kicked by the operator", patience));
  EXPECT_EQ(ids_of(operated.ctl_json({"listeners"}).at("listeners")),
            (std::multiset<std::uint64_t>{1, 1}));

  const RunReport again = operated.ctl({"kick", "2"});
  EXPECT_EQ(again.exit_status(), 1);
  EXPECT_EQ(again.errors, "eradioctl: there is no listener with the id 2\n");
}

TEST(Eradioctl, KickByAddressClosesStreamsAndNotificationsFromThereAndNoOther) {
  OperatedServer operated({.arguments = {"--workers", "2"}});
  const Endpoint endpoint = operated.server().ipv4();
  const SocketOptions there{.local_address = "127.0.0.2"};
  ListenerCrowd crowd;
  crowd.add({.endpoint = endpoint, .target = stream_of(1)}, 2);
  crowd.add({.endpoint = endpoint, .target = stream_of(2), .socket = there}, 2);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  WebSocketClient kicked(endpoint, there);
  WebSocketClient kept(endpoint);
  const RunReport report = operated.ctl({"kick", "127.0.0.2"});
  EXPECT_EQ(report.exit_status(), 0) << report.errors;
  EXPECT_EQ(report.output, "3 connections closed\n");
  expect_ended(crowd, 2);
  EXPECT_TRUE(kicked.read_to_end());
  EXPECT_FALSE(kept.read_to_end(milliseconds(200)));
}

TEST(Eradioctl, KickKnowsUnixClientsAndIpv6) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("listen.sock");
  OperatedServer operated({.arguments = {"--workers", "2", "--listen_unix", path}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = operated.server().ipv4()});
  crowd.add({.endpoint = Endpoint::unix_socket(path)});
  if (has_ipv6_loopback()) {
    crowd.add({.endpoint = operated.server().ipv6()});
  }
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  EXPECT_EQ(operated.ctl_json({"kick", "unix"}).at("kicked"), 1);
  expect_ended(crowd, 1);
  if (has_ipv6_loopback()) {
    EXPECT_EQ(operated.ctl_json({"kick", "::1"}).at("kicked"), 1);
    expect_ended(crowd, 2);
  }
}

TEST(Eradioctl, KickRefusesWhatIsNeitherIdNorAddress) {
  OperatedServer operated;
  for (const std::string whom : {"nobody", "9223372036854775808", "-1", "", "1.2.3", "::"}) {
    const RunReport report = operated.ctl({"kick", "--", whom});
    EXPECT_EQ(report.exit_status(), 2) << whom;
    EXPECT_TRUE(has(report.errors, "expected an id")) << report.errors;
  }
}

TEST(Eradioctl, KickSaysWhichWorkerDoesNotAnswer) {
  OperatedServer operated({.arguments = {"--workers", "2", "--worker_timeout", "60 s"}});
  const auto workers = operated.ctl_json({"status"}).at("workers");
  ::kill(workers.at(1).at("pid").get<pid_t>(), SIGSTOP);
  const std::int64_t begin_ns = monotonic_ns();
  const RunReport report = operated.ctl({"kick", "7"});
  EXPECT_LT(monotonic_ns() - begin_ns, 10 * ns_per_second);
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_EQ(report.errors,
            "eradioctl: worker 1 has not answered; the others kicked 0 connections\n");
  ::kill(workers.at(1).at("pid").get<pid_t>(), SIGCONT);
}

TEST(Eradioctl, GivesUpAServerThatDoesNotAnswer) {
  OperatedServer operated;
  ::kill(operated.server().master(), SIGSTOP);
  const std::int64_t begin_ns = monotonic_ns();
  const RunReport report = operated.ctl({"--json", "status"});
  EXPECT_LT(monotonic_ns() - begin_ns, 15 * ns_per_second);
  ::kill(operated.server().master(), SIGCONT);
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_TRUE(has(report.errors, "does not answer in time")) << report.errors;
  EXPECT_TRUE(has(json::parse(report.output).at("error"), "does not answer")) << report.output;
}

TEST(Eradioctl, FailsWhenNobodyCanReadWhatItSays) {
  OperatedServer operated;
  for (const char* arguments : {"status", "--json status", "--help"}) {
    const RunReport report = run_program(
        {"/bin/sh", "-c", std::string("exec \"$0\" --socket \"$1\" ") + arguments + " >/dev/full",
         installed_program("bin/eradioctl"), operated.socket()});
    EXPECT_EQ(report.exit_status(), 1) << arguments;
    EXPECT_EQ(report.errors, "eradioctl: standard output cannot be written\n");
  }
}

TEST(Eradioctl, CommandsReachTheSource) {
  OperatedServer operated;
  const auto expect_told = [&](const char* command, int byte) {
    EXPECT_EQ(operated.ctl({command}).exit_status(), 0) << command;
    EXPECT_TRUE(operated.server().log().wait_for("got command " + std::to_string(byte), patience))
        << command;
  };
  const auto is_playing = [&](bool expected) {
    return comes_true(
        [&] { return operated.ctl_json({"status"}).at("source").at("playing") == expected; });
  };
  expect_told("pause", 2);
  EXPECT_TRUE(is_playing(false));
  expect_told("play", 1);
  EXPECT_TRUE(is_playing(true));
  expect_told("prev", 3);
  expect_told("next", 4);
}

TEST(Eradioctl, CommandsToASourceThatDoesNotRunAreRefused) {
  OperatedServer operated({.source = test_source("--rate 100 --frames 1"),
                           .arguments = {"--source_restart_delay", "60 s"}});
  ASSERT_TRUE(operated.server().log().wait_for("starting it again", patience));
  const RunReport report = operated.ctl({"play"});
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_TRUE(has(report.errors, "the source does not run")) << report.errors;
  const json source = operated.ctl_json({"status"}).at("source");
  EXPECT_EQ(source.at("running"), false);
  EXPECT_TRUE(source.at("pid").is_null());
  const RunReport refused = operated.ctl({"play", "--json"});
  EXPECT_EQ(refused.exit_status(), 1);
  EXPECT_TRUE(json::parse(refused.output, nullptr, false).contains("error")) << refused.output;
}

TEST(Eradioctl, LogLevelHoldsInMasterAndWorkersAndThoseToCome) {
  OperatedServer operated({.arguments = {"--workers", "1"}});
  const OutputCapture& log = operated.server().log();
  const auto come_and_go = [&] {
    ListenerCrowd crowd;
    crowd.add({.endpoint = operated.server().ipv4()});
    EXPECT_TRUE(crowd.run_until_all_listen(patience));
  };
  come_and_go();
  ASSERT_EQ(log.count("level=debug "), 0U);
  EXPECT_EQ(operated.ctl_json({"log-level", "debug"}).at("log_level"), "debug");
  EXPECT_EQ(operated.ctl_json({"status"}).at("log_level"), "debug");
  come_and_go();
  EXPECT_TRUE(log.wait_for("level=debug process=\"worker 0\" message=\"listener", patience));
  ::kill(operated.server().workers().at(0), SIGKILL);
  EXPECT_TRUE(log.wait_for("level=debug process=master message=\"worker 0: process", patience));
  ASSERT_TRUE(log.wait_for(" serves", patience, 2));
  come_and_go();
  EXPECT_TRUE(log.wait_for("level=debug process=\"worker 0\" message=\"listener", patience, 2));

  EXPECT_EQ(operated.ctl({"log-level", "error"}).output, "the log level is error\n");
  const std::size_t lines = log.count("level=debug ");
  come_and_go();
  operated.server().stop();
  EXPECT_EQ(log.count("level=debug "), lines);
}

TEST(Eradioctl, LogLevelRefusesWhatIsNone) {
  OperatedServer operated;
  const RunReport report = operated.ctl({"log-level", "loud"});
  EXPECT_EQ(report.exit_status(), 2);
  EXPECT_TRUE(has(report.errors, "error, warning, info, debug, trace or off")) << report.errors;
  EXPECT_EQ(operated.ctl_json({"status"}).at("log_level"), "info");
}

}  // namespace
}  // namespace eradio::testing
