// The sandbox of real workers: what /proc says of them, and that they serve as before; also where
// the kernel has none, and after the webroot has changed.

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/eradioctl.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {
namespace {

// A field of /proc/PID/status, proc(5).
std::string status_field(pid_t process, const std::string& name) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) {
      std::istringstream value(line.substr(name.size() + 1));
      std::string word;
      value >> word;
      return word;
    }
  }
  return "";
}

void expect_no_privileges(pid_t worker) {
  EXPECT_EQ(status_field(worker, "NoNewPrivs"), "1");
  for (const char* set : {"CapEff", "CapPrm", "CapInh", "CapAmb"}) {
    EXPECT_EQ(status_field(worker, set), "0000000000000000") << set;
  }
}

void expect_to_serve(Server& server, const std::string& page) {
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 4);
  EXPECT_TRUE(crowd.run_until_all_listen(patience));
  EXPECT_EQ(crowd.fault(), "");
  const auto reply = fetch(server.ipv4(), "/");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, page);
}

class SandboxOfWorkers : public ::testing::Test {
 protected:
  SandboxOfWorkers() {
    old_root_.write("index.html", "the old page");
    new_root_.write("index.html", "the new page");
  }
  [[nodiscard]] static ServerOptions options(const TemporaryDirectory& root) {
    return {.arguments = {"--workers", "2", "--webroot", root.file("")}};
  }

  TemporaryDirectory old_root_;
  TemporaryDirectory new_root_;
  TemporaryDirectory directory_;
};

TEST_F(SandboxOfWorkers, TakesTheirPrivileges) {
  Server server(options(old_root_));
  ASSERT_EQ(server.workers().size(), 2U);
  for (const pid_t worker : server.workers()) {
    expect_no_privileges(worker);
  }
  expect_to_serve(server, "the old page");
}

TEST_F(SandboxOfWorkers, FiltersSystemCallsAndIsInTheStatus) {
  if (sanitized_build) {
    GTEST_SKIP() << "a build with a sanitizer has no filter";
  }
  OperatedServer operated(options(old_root_));
  for (const pid_t worker : operated.server().workers()) {
    EXPECT_EQ(status_field(worker, "Seccomp"), "2");  // SECCOMP_MODE_FILTER
  }
  // Once frames have been sent by both.
  ListenerCrowd crowd;
  crowd.add({.endpoint = operated.server().ipv4()}, 50);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(std::chrono::milliseconds(300));
  const bool has_ring = operated.server().log().count("frames are sent through io_uring") == 1;
  const nlohmann::json status = operated.ctl_json({"status"});
  for (const auto& worker : status.at("workers")) {
    EXPECT_EQ(worker.at("sandbox").at("system_calls"), true);
    EXPECT_EQ(worker.at("io_uring"), has_ring) << "a ring that cannot be used";
  }
  EXPECT_EQ(operated.server().log().count("workers run without"), 0U);
}

TEST_F(SandboxOfWorkers, LetsTheNextOnesServeAnotherWebroot) {
  const auto configure = [&](const TemporaryDirectory& root) {
    directory_.write("eradio.conf",
                     "workers = 2\nsource = " + steady_source() + "\nwebroot = " + root.file(""));
  };
  configure(old_root_);
  OperatedServer operated(
      {.source = "", .arguments = {"--config", directory_.file("eradio.conf")}});
  expect_to_serve(operated.server(), "the old page");
  configure(new_root_);
  const RunReport report = operated.ctl({"reload"});
  ASSERT_EQ(report.exit_status(), 0) << report.errors;
  expect_to_serve(operated.server(), "the new page");
  for (const pid_t worker : operated.server().workers()) {
    expect_no_privileges(worker);
  }
}

TEST_F(SandboxOfWorkers, IsLeftOutWhereTheKernelHasNoneAndTheyServeAllTheSame) {
  ServerOptions refused = options(old_root_);
  refused.run_by = {ERADIO_TEST_REFUSE};
  OperatedServer operated(refused);
  expect_to_serve(operated.server(), "the old page");
  EXPECT_EQ(operated.server().log().count("workers run without a filter of system calls"), 1U);
  EXPECT_EQ(operated.server().log().count("workers can read files outside of webroot"), 1U);
  const nlohmann::json status = operated.ctl_json({"status"});
  for (const auto& worker : status.at("workers")) {
    EXPECT_EQ(worker.at("sandbox"), nlohmann::json({{"system_calls", false}, {"files", false}}));
    EXPECT_EQ(worker.at("io_uring"), false);
  }
  EXPECT_EQ(operated.server().log().count("sent without io_uring: workers cannot have it"), 1U);
  for (const pid_t worker : operated.server().workers()) {
    expect_no_privileges(worker);
  }
}

TEST_F(SandboxOfWorkers, LeavesNoRingThatIsNotWanted) {
  ServerOptions off = options(old_root_);
  off.arguments.insert(off.arguments.end(), {"--io_uring", "off"});
  OperatedServer operated(off);
  EXPECT_EQ(operated.server().log().count("sent without io_uring: it is turned off"), 1U);
  expect_to_serve(operated.server(), "the old page");
  const nlohmann::json status = operated.ctl_json({"status"});
  EXPECT_EQ(status.at("workers").at(0).at("io_uring"), false);
}

TEST_F(SandboxOfWorkers, CanBeTurnedOff) {
  ServerOptions off = options(old_root_);
  off.arguments.insert(off.arguments.end(), {"--sandbox", "off"});
  Server server(off);
  expect_to_serve(server, "the old page");
  EXPECT_EQ(server.log().count("sandbox is off"), 1U);
  for (const pid_t worker : server.workers()) {
    EXPECT_EQ(status_field(worker, "Seccomp"), "0");
  }
}

}  // namespace
}  // namespace eradio::testing
