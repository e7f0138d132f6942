// What a service manager such as systemd is told of a server, and what becomes of the server when
// it cannot be told.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/e2e/eradioctl.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/notify_socket.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"
#include "tests/support/source_remote.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds watchdog{1500};

std::string environment_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/environ", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t count_with(const std::vector<NotifySocket::Message>& messages,
                       const std::string& part) {
  return static_cast<std::size_t>(
      std::count_if(messages.begin(), messages.end(), [&](const NotifySocket::Message& message) {
        return message.text.find(part) != std::string::npos;
      }));
}

// The longest time between two of them.
milliseconds longest_silence(const std::vector<NotifySocket::Message>& messages,
                             const std::string& text) {
  std::optional<std::int64_t> last_ns;
  std::int64_t longest_ns = 0;
  for (const auto& message : messages) {
    if (message.text == text) {
      longest_ns = std::max(longest_ns, message.time_ns - last_ns.value_or(message.time_ns));
      last_ns = message.time_ns;
    }
  }
  return std::chrono::duration_cast<milliseconds>(std::chrono::nanoseconds(longest_ns));
}

// With a socket of a path, and of a name without a file.
class ServiceManagerAt : public ::testing::TestWithParam<bool> {
 protected:
  TemporaryDirectory directory_;
  NotifySocket socket_{GetParam() ? "@eradio-test-" + std::to_string(::getpid())
                                  : directory_.file("notify")};
};

TEST_P(ServiceManagerAt, HearsWhenTheServerServesAndWhoListensToWhat) {
  SourceRemote remote;
  Server server({.source = remote.source("--track 'First – one'"), .run_by = socket_.run_by()});
  ASSERT_GT(socket_.wait_for("READY=1"), 0U);
  EXPECT_GT(socket_.wait_for("STATUS=0 listeners; First – one"), 0U);
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 3);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  EXPECT_GT(socket_.wait_for("STATUS=3 listeners; First – one"), 0U);
  remote.send({SourceRemote::track("Second")});
  EXPECT_GT(socket_.wait_for("STATUS=3 listeners; Second"), 0U);

  const std::size_t heard = socket_.messages().size();
  socket_.listen_for(milliseconds(2500));
  EXPECT_EQ(socket_.messages().size(), heard) << "there is nothing new";

  remote.send({SourceRemote::stop()});
  EXPECT_GT(socket_.wait_for("STATUS=3 listeners; stopped"), 0U);
  const pid_t master = server.master();
  expect_clean_stop(server.stop());
  EXPECT_GT(socket_.wait_for("STOPPING=1"), 0U);
  EXPECT_EQ(count_with(socket_.messages(), "READY=1"), 1U);
  for (const auto& message : socket_.messages()) {
    EXPECT_EQ(message.process, master) << message.text;
  }
}

INSTANTIATE_TEST_SUITE_P(, ServiceManagerAt, ::testing::Bool(), [](const auto& about) {
  return about.param ? "AnAbstractName" : "APath";
});

class ServiceManager : public ::testing::Test {
 protected:
  TemporaryDirectory directory_;
  std::string path_ = directory_.file("notify");
  NotifySocket socket_{path_};
};

TEST_F(ServiceManager, GetsSignsOfLifeInTime) {
  Server server({.run_by = socket_.run_by(watchdog)});
  socket_.listen_for(seconds(4));
  EXPECT_GE(count_with(socket_.messages(), "WATCHDOG=1"), 4U);
  EXPECT_LT(longest_silence(socket_.messages(), "WATCHDOG=1\n"), watchdog);
  ::kill(server.master(), SIGSTOP);
  const std::size_t until_stopped = socket_.messages().size();
  socket_.listen_for(watchdog);
  ::kill(server.master(), SIGCONT);
  EXPECT_LE(socket_.messages().size(), until_stopped + 1) << "a server that hangs says nothing";
  EXPECT_GT(socket_.wait_for("WATCHDOG=1", socket_.messages().size()), 0U);
}

TEST_F(ServiceManager, GetsNoSignsOfLifeThatItWantsOfAnother) {
  std::vector<std::string> run_by = socket_.run_by();
  run_by[2] = "export WATCHDOG_PID=1 WATCHDOG_USEC=30000; " + run_by[2];
  Server server({.run_by = run_by});
  ASSERT_GT(socket_.wait_for("READY=1"), 0U);
  socket_.listen_for(milliseconds(300));
  EXPECT_EQ(count_with(socket_.messages(), "WATCHDOG=1"), 0U);
}

TEST_F(ServiceManager, HearsOfReloads) {
  const std::string configuration = directory_.write("eradio.conf", "veto_ratio = 0.5\n");
  OperatedServer operated(
      {.arguments = {"--config", configuration}, .run_by = socket_.run_by(watchdog)});
  std::size_t heard = socket_.wait_for("READY=1");
  ASSERT_GT(heard, 0U);
  for (const char* const text : {"veto_ratio = 0.25\n", "max_lag = 1 s\n", "max_lag = wrong\n"}) {
    directory_.write("eradio.conf", text);
    static_cast<void>(operated.ctl({"reload"}));
    heard = socket_.wait_for("RELOADING=1", heard);
    ASSERT_GT(heard, 0U) << text;
    EXPECT_NE(socket_.messages()[heard - 1].text.find("MONOTONIC_USEC="), std::string::npos);
    heard = socket_.wait_for("READY=1", heard);
    ASSERT_GT(heard, 0U) << text;
  }
  directory_.write("eradio.conf", "max_lag = 2 s\n");
  ::kill(operated.server().master(), SIGHUP);
  heard = socket_.wait_for("RELOADING=1", heard);
  ASSERT_GT(heard, 0U);
  EXPECT_GT(socket_.wait_for("READY=1", heard), 0U);
}

TEST_F(ServiceManager, HearsOfUpgradesAndOfTheServerAfterwards) {
  SourceRemote remote;
  OperatedServer operated({.source = remote.source("--track Before"),
                           .arguments = {"--workers", "2"},
                           .run_by = socket_.run_by(watchdog)});
  Server& server = operated.server();
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 2);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  std::size_t heard = socket_.wait_for("STATUS=2 listeners; Before");
  ASSERT_GT(heard, 0U);
  for (int round = 1; round <= 2; ++round) {
    const RunReport report = operated.ctl({"upgrade"});
    ASSERT_EQ(report.exit_status(), 0) << report.errors;
    heard = socket_.wait_for("RELOADING=1", heard);
    ASSERT_GT(heard, 0U);
    heard = socket_.wait_for("READY=1", heard);
    ASSERT_GT(heard, 0U);
  }
  remote.send({SourceRemote::track("After")});
  EXPECT_GT(socket_.wait_for("STATUS=2 listeners; After", heard), 0U);
  EXPECT_GT(socket_.wait_for("WATCHDOG=1", socket_.messages().size()), 0U);
  EXPECT_EQ(server.log().count("service manager"), 0U) << "no complaint";
  const pid_t master = server.master();
  expect_clean_stop(server.stop());
  EXPECT_GT(socket_.wait_for("STOPPING=1"), 0U);
  for (const auto& message : socket_.messages()) {
    EXPECT_EQ(message.process, master) << message.text;
  }
}

TEST_F(ServiceManager, HearsThatTheServerServesAfterAnUpgradeThatCouldNotBe) {
  const std::string configuration = directory_.write("eradio.conf", "veto_ratio = 0.5\n");
  OperatedServer operated({.arguments = {"--config", configuration}, .run_by = socket_.run_by()});
  const std::size_t heard = socket_.wait_for("READY=1");
  directory_.write("eradio.conf", "veto_ratio = 7\n");
  EXPECT_EQ(operated.ctl({"upgrade"}).exit_status(), 1);
  const std::size_t reloading = socket_.wait_for("RELOADING=1", heard);
  ASSERT_GT(reloading, 0U);
  EXPECT_GT(socket_.wait_for("READY=1", reloading), 0U);
}

TEST_F(ServiceManager, IsTheMastersAloneToTalkTo) {
  OperatedServer operated({.arguments = {"--workers", "2"}, .run_by = socket_.run_by(watchdog)});
  const Server& server = operated.server();
  for (const char* const when : {"at the start", "after an upgrade"}) {
    ASSERT_TRUE(server.source());
    std::vector<pid_t> children = server.workers();
    children.push_back(*server.source());
    for (const pid_t child : children) {
      const std::string environment = environment_of(child);
      EXPECT_NE(environment, "");
      EXPECT_EQ(environment.find("NOTIFY_SOCKET"), std::string::npos) << when;
      EXPECT_EQ(environment.find("WATCHDOG_"), std::string::npos) << when;
    }
    ASSERT_EQ(operated.ctl({"upgrade"}).exit_status(), 0);
  }
}

TEST_F(ServiceManager, ThatIsGoneHarmsNobody) {
  Server server({.run_by = socket_.run_by(milliseconds(90))});
  ASSERT_GT(socket_.wait_for("READY=1"), 0U);
  std::filesystem::remove(path_);
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 5);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  EXPECT_TRUE(server.log().wait_for("the service manager cannot be told", patience));
  crowd.run_for(seconds(2));
  EXPECT_EQ(crowd.ended(), 0U);
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(server.log().count("the service manager cannot be told"), 1U);
  expect_clean_stop(server.stop());
}

TEST_F(ServiceManager, ThatDoesNotListenIsToldLater) {
  socket_.fill();
  Server server({.run_by = socket_.run_by(milliseconds(90))});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 5);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(seconds(1));
  EXPECT_EQ(crowd.ended(), 0U);
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_GT(socket_.wait_for("READY=1"), 0U) << "now it listens";
  socket_.fill();
  expect_clean_stop(server.stop());
}

TEST(ServiceManagerThatCannotBe, IsNamedAndIgnored) {
  const std::string too_long = "/tmp/" + std::string(200, 'x');
  for (const std::string& address : {std::string("nowhere"), std::string("@"), too_long}) {
    Server server({.run_by = {"/usr/bin/env", "NOTIFY_SOCKET=" + address}});
    EXPECT_TRUE(server.log().wait_for("no path of a Unix socket: \\\"" + address, patience));
    expect_clean_stop(server.stop());
  }
}

}  // namespace
}  // namespace eradio::testing
