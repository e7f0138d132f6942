// What stands in the log: one line for each event, that programs can read, and no flood.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/descriptor.h"
#include "tests/e2e/eradioctl.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"
#include "tests/support/server.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Of each listener that has left.
std::vector<json> departures(const Server& server) {
  std::vector<json> found;
  for (const std::string& line : lines_of(server.log().text())) {
    const json event = json::parse(line);
    if (event.at("message") == "a listener has left") {
      found.push_back(event);
    }
  }
  return found;
}

TEST(Log, IsLinesOfKeysAndValues) {
  Server server({.arguments = {"--log_level", "debug", "--workers", "2"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 10);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  server.stop();
  const std::regex logfmt(
      R"re(time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=(error|warning|info|debug) )re"
      R"re(process=(master|"worker \d") message=([^ "=\\]+|"([^"\\]|\\.)*"))re"
      R"re(( [a-z_]+=([^ "=\\]+|"([^"\\]|\\.)*"))*)re");
  const auto lines = lines_of(server.log().text());
  EXPECT_GT(lines.size(), 10U);
  for (const std::string& line : lines) {
    EXPECT_TRUE(std::regex_match(line, logfmt)) << line;
  }
}

TEST(Log, SaysOfEachListenerThatLeavesWhatItHadAndWhyItLeft) {
  OperatedServer operated({.arguments = {"--log_format", "json", "--workers", "1"}});
  Server& server = operated.server();
  ListenerCrowd crowd;
  CrowdListener& one =
      crowd.add({.endpoint = server.ipv4(), .target = "/stream.mp3?listener_id=7"});
  crowd.add({.endpoint = server.ipv6(), .target = "/stream.mp3?listener_id=8"});
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(milliseconds(700));
  crowd.close(one);
  ASSERT_TRUE(crowd.run_until([&] { return departures(server).size() == 1; }, patience));
  const json left = departures(server).at(0);
  EXPECT_EQ(left.at("level"), "info");
  EXPECT_EQ(left.at("process"), "worker 0");
  EXPECT_EQ(left.at("listener"), 7);
  EXPECT_EQ(left.at("peer"), "127.0.0.1");
  EXPECT_GT(left.at("port"), 0);
  EXPECT_EQ(left.at("why"), "closed by the listener");
  EXPECT_GE(left.at("listened_ms"), 700);
  EXPECT_LT(left.at("listened_ms"), 60'000);
  EXPECT_GE(left.at("frames_sent"), one.check().frames());
  EXPECT_EQ(left.at("bytes_sent"), left.at("frames_sent").get<std::uint64_t>() * mp3_frame_bytes);
  EXPECT_EQ(left.at("frames_skipped"), one.check().missed());
  EXPECT_EQ(left.at("jumps"), 0);

  EXPECT_EQ(operated.ctl({"kick", "8"}).exit_status(), 0);
  ASSERT_TRUE(crowd.run_until([&] { return departures(server).size() == 2; }, patience));
  EXPECT_EQ(departures(server).at(1).at("listener"), 8);
  EXPECT_EQ(departures(server).at(1).at("why"), "kicked by the operator");
}

TEST(Log, SaysWhoIsDisconnectedWhenTheServerStops) {
  Server server({.arguments = {"--log_format", "json", "--workers", "2"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  server.stop();
  const auto left = departures(server);
  EXPECT_EQ(left.size(), 20U);
  for (const json& departure : left) {
    EXPECT_EQ(departure.at("why"), "the server stops");
  }
}

// Thousands leave at once: some are named, all are counted.
TEST(Log, IsNotFloodedByAnythingThatHappensOften) {
  constexpr std::uint64_t listeners = 1500;
  Server server({.arguments = {"--log_format", "json", "--workers", "1"}});
  {
    ListenerCrowd crowd;
    crowd.add({.endpoint = server.ipv4()}, listeners);
    ASSERT_TRUE(crowd.run_until_all_listen(patience));
  }
  ASSERT_TRUE(server.log().wait_for("left out", patience));
  server.stop();
  const std::uint64_t named = departures(server).size();
  std::uint64_t left_out = 0;
  for (const std::string& line : lines_of(server.log().text())) {
    const json event = json::parse(line);
    if (event.at("message") == "more events of a kind were left out" &&
        event.at("like") == "a listener has left") {
      left_out += event.at("events").get<std::uint64_t>();
    }
  }
  EXPECT_EQ(named + left_out, listeners);
  EXPECT_GE(named, 200U);
  EXPECT_LT(named, listeners / 2);
}

TEST(Log, IsToldItsPriorityInTheJournal) {
  // As systemd.exec(5) has it: the device and inode of what standard error is.
  Server server(
      {.arguments = {"--workers", "1"},
       .run_by = {"/bin/sh", "-c", "JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec \"$@\"",
                  "sh"}});
  EXPECT_EQ(server.workers().size(), 1U);
  ::kill(server.workers().at(0), SIGKILL);
  ASSERT_TRUE(server.log().wait_for(" serves", patience, 2));
  server.stop();
  for (const std::string& line : lines_of(server.log().text())) {
    EXPECT_TRUE(line.starts_with("<6>level=info ") || line.starts_with("<4>level=warning ") ||
                line.starts_with("<3>level=error "))
        << line;
    EXPECT_EQ(line.find("time="), std::string::npos);
  }
  EXPECT_EQ(server.log().count("<3>level=error "), 1U) << "a worker died";
}

class LogFile : public ::testing::Test {
 protected:
  void begin() {
    server_.emplace(std::vector<std::string>{installed_program("sbin/eradiod"), "--listen_port",
                                             "0", "--workers", "2", "--control_socket", control_,
                                             "--status_listen", "none", "--source", steady_source(),
                                             "--log_level", "debug", "--log_file", file_});
  }
  static bool has(const std::string& file, const std::string& text) {
    return content_of(file).find(text) != std::string::npos;
  }
  static bool comes(const std::string& file, const std::string& text) {
    return comes_true([&] { return has(file, text); });
  }
  [[nodiscard]] std::vector<std::string> operator_command(const std::string& command) const {
    return {installed_program("bin/eradioctl"), "--socket", control_, "--json", command};
  }
  [[nodiscard]] Endpoint endpoint() const {
    std::smatch match;
    const std::string log = content_of(file_);
    const std::regex ready(R"(ready: listen at http://[^:]+:(\d+))");
    EXPECT_TRUE(std::regex_search(log, match, ready)) << log;
    return Endpoint::ipv4(static_cast<std::uint16_t>(std::stoi(match[1])));
  }

  TemporaryDirectory directory_;
  std::string file_ = directory_.file("eradio.log");
  std::string control_ = "none";
  std::optional<RunningProgram> server_;
};

TEST_F(LogFile, IsOpenedAgainByEverybodyWhenItHasBeenMovedAway) {
  begin();
  ASSERT_TRUE(comes(file_, "ready: "));
  struct stat status {};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
  const Endpoint server = endpoint();
  const std::string old = directory_.file("eradio.log.1");
  std::filesystem::rename(file_, old);
  ::kill(server_->process(), SIGHUP);
  ASSERT_TRUE(comes(file_, "has been read again"));
  {
    ListenerCrowd crowd;
    crowd.add({.endpoint = server}, 30);
    ASSERT_TRUE(crowd.run_until_all_listen(patience));
  }
  EXPECT_TRUE(comes(file_, "\"worker 0\" message=\"a listener has left\""));
  EXPECT_TRUE(comes(file_, "\"worker 1\" message=\"a listener has left\""));
  EXPECT_FALSE(has(old, "a listener has left"));
  EXPECT_FALSE(has(file_, "level=error")) << content_of(file_);
  EXPECT_FALSE(has(file_, " serves\"")) << "a worker was replaced";
  ::kill(server_->process(), SIGTERM);
  const RunReport report = server_->finish();
  EXPECT_EQ(report.exit_status(), 0);
  EXPECT_EQ(report.output + report.errors, "");
  EXPECT_TRUE(has(file_, "message=stopped"));
}

TEST_F(LogFile, IsOpenedAgainEvenWhenTheReloadIsRefused) {
  control_ = directory_.file("control.sock");
  begin();
  ASSERT_TRUE(comes(file_, "ready: "));
  const json status = json::parse(run_program(operator_command("status")).output);
  const pid_t slow = status.at("workers").at(0).at("pid").get<pid_t>();
  ::kill(slow, SIGSTOP);  // so that it is not replaced
  RunningProgram restart(operator_command("restart-workers"));
  ASSERT_TRUE(comes_true([&] {
    return run_program(operator_command("status")).output.find("\"replacing_workers\":true") !=
           std::string::npos;
  }));
  const std::string old = directory_.file("eradio.log.1");
  const Endpoint server = endpoint();
  std::filesystem::rename(file_, old);
  const RunReport refused = run_program(operator_command("reload"));
  EXPECT_EQ(refused.exit_status(), 1);
  EXPECT_NE(refused.errors.find("workers are being replaced just now"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(file_));
  ::kill(slow, SIGCONT);
  EXPECT_EQ(restart.finish().exit_status(), 0);
  {
    ListenerCrowd crowd;
    crowd.add({.endpoint = server}, 30);
    ASSERT_TRUE(crowd.run_until_all_listen(patience));
  }
  EXPECT_TRUE(comes(file_, "\"worker 0\" message=\"a listener has left\""));
  EXPECT_TRUE(comes(file_, "\"worker 1\" message=\"a listener has left\""));
  EXPECT_FALSE(has(old, "a listener has left")) << "a new worker writes to the old file";
}

TEST_F(LogFile, ThatCannotBeWrittenIsSaidAtOnce) {
  file_ = "/nowhere/at/all/eradio.log";
  begin();
  const RunReport report = server_->finish();
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_EQ(report.errors,
            "eradiod: log_file: /nowhere/at/all/eradio.log: No such file or directory\n");
}

TEST_F(LogFile, ThatIsAPipeWithoutAReaderIsSaidAtOnce) {
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  begin();
  const RunReport report = server_->finish();
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_EQ(report.errors, "eradiod: log_file: " + file_ +
                               ", a pipe that nobody reads: No such device or address\n");
}

TEST_F(LogFile, ThatIsAPipeWhoseReaderGoesDoesNotStopTheServer) {
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  Descriptor reader(::open(file_.c_str(), O_RDONLY | O_NONBLOCK));
  ASSERT_TRUE(reader);
  begin();
  std::string log;
  ASSERT_TRUE(comes_true([&] {
    std::array<char, 4096> bytes{};
    const ssize_t got = ::read(reader.number(), bytes.data(), bytes.size());
    log.append(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    return log.find("ready: ") != std::string::npos;
  }));
  reader.reset();
  ::kill(server_->process(), SIGHUP);
  std::this_thread::sleep_for(milliseconds(300));
  ::kill(server_->process(), SIGTERM);
  EXPECT_EQ(server_->finish().exit_status(), 0) << "it waits for a reader";
}

TEST_F(LogFile, ThatCannotBeOpenedAgainIsSaidInTheOldOne) {
  begin();
  ASSERT_TRUE(comes(file_, "ready: "));
  const std::string old = directory_.file("eradio.log.1");
  std::filesystem::rename(file_, old);
  std::filesystem::create_directory(file_);
  ::kill(server_->process(), SIGHUP);
  EXPECT_TRUE(comes(old, "the configuration stays as it is: "));
  EXPECT_TRUE(has(old, "Is a directory"));
  ::kill(server_->process(), SIGTERM);
  EXPECT_EQ(server_->finish().exit_status(), 0);
}

}  // namespace
}  // namespace eradio::testing
