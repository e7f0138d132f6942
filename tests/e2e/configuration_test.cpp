// The configuration as an operator meets it: command line, file, what is said about mistakes, and
// the addresses that a server takes.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/version.h"
#include "tests/support/http_client.h"
#include "tests/support/patience.h"
#include "tests/support/server.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {
namespace {

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(Configuration, HelpNamesEveryKeyOfTheContract) {
  const RunReport report = run_eradiod({"--help"});
  EXPECT_EQ(report.exit_status(), 0);
  for (const std::string key :
       {"listen_ip",     "listen_port",  "listen_unix",   "sndbuf",
        "max_lag",       "webroot",      "source",        "workers",
        "stream_path",   "content_type", "max_listeners", "max_connections_per_ip",
        "max_frame",     "ring_size",    "coalesce",      "control_socket",
        "status_listen", "log_level",    "config",        "check_config",
        "version"}) {
    EXPECT_NE(report.output.find("--" + key), std::string::npos) << key;
  }
}

TEST(Configuration, VersionIsPrinted) {
  const RunReport report = run_eradiod({"--version"});
  EXPECT_EQ(report.exit_status(), 0);
  EXPECT_EQ(report.output, "eradiod " ERADIO_VERSION "\n");
}

TEST(Configuration, OfAServerThatCouldNotServeForWantOfDescriptorsIsRefused) {
  for (const char* too_few : {"20", "28", "53"}) {
    const RunReport report =
        run_program({"/bin/sh", "-c", "ulimit -n $0 && exec \"$@\"", too_few,
                     installed_program("sbin/eradiod"), "--listen_ip", "127.0.0.1", "--listen_ip",
                     "127.0.0.2", "--listen_port", "0", "--workers", "2"});
    EXPECT_EQ(report.exit_status(), 1);
    EXPECT_EQ(report.errors, std::string("eradiod: 2 workers need 54 descriptors, and this process "
                                         "may have no more than ") +
                                 too_few + " (ulimit -n, LimitNOFILE)\n");
  }
  const Server server(
      {.arguments = {"--workers", "2", "--listen_ip", "127.0.0.1", "--listen_ip", "127.0.0.2"},
       .descriptors_max = 54});
  EXPECT_EQ(fetch(Endpoint::ipv4(server.port()), "/")->status, 200);
}

TEST(Configuration, TheInstalledFileIsInOrder) {
  const RunReport report =
      run_eradiod({"--check_config", "--config", installed_program("etc/eradio/eradio.conf")});
  EXPECT_EQ(report.exit_status(), 0) << report.errors;
}

struct BadValue {
  const char* key;
  const char* value;
};

TEST(Configuration, EveryBadValueIsNamedWithFileLineAndKey) {
  const TemporaryDirectory directory;
  for (const auto& [key, value] : {BadValue{"listen_ip", "no.address"},
                                   BadValue{"listen_port", "65536"},
                                   BadValue{"listen_port", "http"},
                                   BadValue{"listen_port", "-1"},
                                   BadValue{"sndbuf", "much"},
                                   BadValue{"sndbuf", "-5"},
                                   BadValue{"max_lag", "fast"},
                                   BadValue{"max_lag", "-1"},
                                   BadValue{"webroot", "/no/such/directory"},
                                   BadValue{"source", "/no/such/program"},
                                   BadValue{"source", "'unfinished"},
                                   BadValue{"workers", "0"},
                                   BadValue{"workers", "many"},
                                   BadValue{"stream_path", "relative"},
                                   BadValue{"stream_path", "/v1/stream"},
                                   BadValue{"content_type", "mp3"},
                                   BadValue{"max_listeners", "0"},
                                   BadValue{"max_connections_per_ip", "x"},
                                   BadValue{"max_frame", "1"},
                                   BadValue{"max_frame", "1 parsec"},
                                   BadValue{"ring_size", "100"},
                                   BadValue{"coalesce", "1 h"},
                                   BadValue{"status_listen", "nowhere"},
                                   BadValue{"log_level", "loud"},
                                   BadValue{"source_restart_delay", "soon"},
                                   BadValue{"listen_prot", "8080"}}) {
    SCOPED_TRACE(std::string(key) + " = " + value);
    const std::string file =
        directory.write("eradio.conf", "# a comment\n\n" + std::string(key) + " = " + value + "\n");
    const RunReport report = run_eradiod({"--check_config", "--config", file});
    EXPECT_EQ(report.exit_status(), 1);
    EXPECT_NE(report.errors.find(file + ":3: "), std::string::npos) << report.errors;
    EXPECT_NE(report.errors.find(key), std::string::npos) << report.errors;
    EXPECT_EQ(lines(report.errors), 1U) << report.errors;
    // Nor does a server start with it.
    EXPECT_EQ(run_eradiod({"--config", file}).exit_status(), 1);
  }
}

TEST(Configuration, EveryMistakeInAFileIsReportedAtOnce) {
  const TemporaryDirectory directory;
  const std::string file = directory.write("eradio.conf",
                                           "workers = none\n"
                                           "what is this\n"
                                           "log_level = info\n"
                                           "log_level = debug\n");
  const RunReport report = run_eradiod({"--check_config", "--config", file});
  EXPECT_EQ(report.exit_status(), 1);
  for (const int line : {1, 2, 4}) {
    EXPECT_NE(report.errors.find(file + ":" + std::to_string(line) + ": "), std::string::npos)
        << report.errors;
  }
  EXPECT_EQ(lines(report.errors), 3U) << report.errors;
}

TEST(Configuration, MistakesOnTheCommandLineAreNamedToo) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--workers", "0"},
                                                    {"--no_such_key", "1"},
                                                    {"--workers"},
                                                    {"surplus"},
                                                    {"--config", "/no/such/file"},
                                                    {"--config", "/"}}) {
    const RunReport report = run_eradiod(arguments);
    EXPECT_EQ(report.exit_status(), 1) << arguments.front();
    EXPECT_GE(lines(report.errors), 1U);
    EXPECT_EQ(report.errors.rfind("eradiod: ", 0), 0U) << report.errors;
  }
}

TEST(Configuration, TheCommandLineWinsAndKeysMayHaveHyphens) {
  const TemporaryDirectory directory;
  const std::string file = directory.write("eradio.conf",
                                           "listen-port = 0\n"
                                           "stream_path = /from-file\n"
                                           "content-type = audio/ogg\n");
  Server server(
      {.arguments = {"--config", file, "--stream-path=/from-command-line"}, .any_port = false});
  HttpClient client(server.ipv4());
  client.request("/from-command-line");
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->field("content-type"), "audio/ogg");
  const auto other = fetch(server.ipv4(), "/from-file");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->status, 404);
}

TEST(Configuration, APortInUseIsOneClearLine) {
  Server server;
  const RunReport report = run_eradiod({"--listen_port", std::to_string(server.port())});
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_EQ(lines(report.errors), 1U) << report.errors;
  EXPECT_NE(report.errors.find(std::to_string(server.port())), std::string::npos) << report.errors;
  EXPECT_NE(report.errors.find("in use"), std::string::npos) << report.errors;
  const auto reply = fetch(server.ipv4(), "/");
  EXPECT_TRUE(reply && reply->status == 200) << "the first server has suffered";
}

TEST(Configuration, OnlyTheAddressesThatAreGivenAreListenedOn) {
  Server server({.arguments = {"--listen_ip", "127.0.0.2", "--listen_ip", "127.0.0.3"}});
  for (const std::string address : {"127.0.0.2", "127.0.0.3"}) {
    const auto reply = fetch(Endpoint::ipv4(server.port(), address), "/");
    EXPECT_TRUE(reply && reply->status == 200) << address;
  }
  EXPECT_ANY_THROW(HttpClient(server.ipv4()));
}

TEST(UnixSocket, LeftBehindByAKilledServerIsReplacedAndRemovedAtTheEnd) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("listen.sock");
  {
    Server killed({.arguments = {"--listen_unix", path}});
    ::kill(killed.master(), SIGKILL);
    killed.stop();
  }
  ASSERT_TRUE(std::filesystem::exists(path)) << "so there is nothing to replace";
  Server server({.arguments = {"--listen_unix", path}});
  const auto reply = fetch(Endpoint::unix_socket(path), "/");
  EXPECT_TRUE(reply && reply->status == 200);
  expect_clean_stop(server.stop());
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(UnixSocket, InUseIsOneClearLineAndTheFirstServerKeepsIt) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("listen.sock");
  Server server({.arguments = {"--listen_unix", path}});
  const RunReport report = run_eradiod({"--listen_port", "0", "--listen_unix", path});
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_EQ(lines(report.errors), 1U) << report.errors;
  EXPECT_NE(report.errors.find(path), std::string::npos) << report.errors;
  const auto reply = fetch(Endpoint::unix_socket(path), "/");
  EXPECT_TRUE(reply && reply->status == 200);
}

TEST(UnixSocket, NeverReplacesAFileThatIsNoSocket) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("precious", "do not lose this");
  const RunReport report = run_eradiod({"--listen_port", "0", "--listen_unix", path});
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_EQ(lines(report.errors), 1U) << report.errors;
  EXPECT_EQ(std::filesystem::file_size(path), 16U);
}

}  // namespace
}  // namespace eradio::testing
