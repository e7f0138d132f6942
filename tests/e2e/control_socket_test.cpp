// The control socket itself: who may open it, what becomes of its file, how eradioctl finds it and
// says what is wrong, and requests that are none.

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "common/descriptor.h"
#include "common/version.h"
#include "tests/e2e/eradioctl.h"
#include "tests/support/http_client.h"
#include "tests/support/patience.h"

namespace eradio::testing {
namespace {

namespace fs = std::filesystem;

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(ControlSocket, IsForItsOwnerAndGroupAlone) {
  OperatedServer operated;
  struct stat status {};
  ASSERT_EQ(::stat(operated.socket().c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777U, 0660U);
}

TEST(ControlSocket, IsRemovedWhenTheServerStops) {
  OperatedServer operated;
  ASSERT_TRUE(fs::exists(operated.socket()));
  expect_clean_stop(operated.server().stop());
  EXPECT_FALSE(fs::exists(operated.socket()));
}

TEST(ControlSocket, LeftBehindByAKilledServerIsReplaced) {
  OperatedServer killed;
  ::kill(killed.server().master(), SIGKILL);
  killed.server().stop();
  ASSERT_TRUE(fs::exists(killed.socket())) << "so there is nothing to replace";
  const RunReport nobody = killed.ctl({"status"});
  EXPECT_EQ(nobody.exit_status(), 3);
  EXPECT_TRUE(has(nobody.errors, "no eradio answers at " + killed.socket())) << nobody.errors;

  Server server({.control_socket = killed.socket()});
  EXPECT_EQ(killed.ctl_json({"status"}).at("pid"), server.master());
  expect_clean_stop(server.stop());
  EXPECT_FALSE(fs::exists(killed.socket()));
}

TEST(ControlSocket, OfALivingServerIsRefusedToAnotherAndKept) {
  OperatedServer operated;
  const RunReport report =
      run_eradiod({"--listen_port", "0", "--control_socket", operated.socket()});
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_EQ(lines(report.errors), 1U) << report.errors;
  EXPECT_TRUE(has(report.errors, "control_socket")) << report.errors;
  EXPECT_TRUE(has(report.errors, operated.socket())) << report.errors;
  EXPECT_TRUE(has(report.errors, "in use")) << report.errors;
  EXPECT_EQ(operated.ctl_json({"status"}).at("pid"), operated.server().master());
}

TEST(ControlSocket, NeverReplacesAFileThatIsNoSocket) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("precious", "do not lose this");
  const RunReport report = run_eradiod({"--listen_port", "0", "--control_socket", path});
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_EQ(lines(report.errors), 1U) << report.errors;
  EXPECT_EQ(fs::file_size(path), 16U);
}

TEST(ControlSocket, MakesItsDirectoryWhenThatIsAllThatIsMissing) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("run") + "/control.sock";
  Server server({.control_socket = path});
  EXPECT_EQ(run_eradioctl({"--socket", path, "status"}).exit_status(), 0);
  const RunReport report = run_eradiod(
      {"--listen_port", "0", "--control_socket", directory.file("a") + "/b/control.sock"});
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_EQ(lines(report.errors), 1U) << report.errors;
}

TEST(ControlSocket, AtItsDefaultPlaceIsGoneWithoutWhenItCannotBeHad) {
  const auto words = as_nobody();
  if (!words.empty()) {
    std::vector<std::string> look = words;
    look.insert(look.end(), {"test", "-x", installed_program("sbin/eradiod")});
    if (run_program(look).exit_status() != 0) {
      GTEST_SKIP() << "another user cannot run the installed eradiod";
    }
  }
  Server server({.source = "cat", .control_socket = "", .run_by = words});
  EXPECT_EQ(server.log().count("eradioctl will not work: "), 1U);
  const auto reply = fetch(server.ipv4(), "/");
  EXPECT_TRUE(reply && reply->status == 200);
}

TEST(ControlSocket, AnswersWhatIsNoProperRequestWithJsonErrors) {
  OperatedServer operated;
  struct Bad {
    const char* method;
    const char* target;
    const char* body;
    int status;
  };
  for (const auto& [method, target, body, status] :
       {Bad{"GET", "/", "", 404},
        Bad{"GET", "/no-such-path", "", 404},
        Bad{"POST", "/status", "", 405},
        Bad{"GET", "/play", "", 405},
        Bad{"GET", "/kick", "", 405},
        Bad{"GET", "/listeners?limit=0", "", 400},
        Bad{"GET", "/listeners?limit=501", "", 400},
        Bad{"GET", "/listeners?limit=x", "", 400},
        Bad{"GET", "/listeners?offset=-1", "", 400},
        Bad{"POST", "/kick", "", 400},
        Bad{"POST", "/kick", "{", 400},
        Bad{"POST", "/kick", "{}", 400},
        Bad{"POST", "/kick", R"({"id":-1})", 400},
        Bad{"POST", "/kick", R"({"id":"1"})", 400},
        Bad{"POST", "/kick", R"({"id":1.5})", 400},
        Bad{"POST", "/kick", R"({"address":1})", 400},
        Bad{"POST", "/kick", R"({"id":1,"address":"::1"})", 400},
        Bad{"POST", "/kick", R"({"id":1})", 404},
        Bad{"PUT", "/log-level", "[]", 400},
        Bad{"PUT", "/log-level", R"({"level":3})", 400}}) {
    SCOPED_TRACE(std::string(method) + " " + target + " " + body);
    HttpClient client(Endpoint::unix_socket(operated.socket()));
    const std::string text = body;
    client.request(target, method, "Content-Length: " + std::to_string(text.size()) + "\r\n");
    client.send(text);
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, status);
    EXPECT_EQ(reply->field("content-type"), "application/json");
    const auto answer = nlohmann::json::parse(reply->body, nullptr, false);
    ASSERT_TRUE(answer.is_object()) << reply->body;
    EXPECT_NE(answer.value("error", ""), "");
  }
  HttpClient nonsense(Endpoint::unix_socket(operated.socket()));
  nonsense.send("what is this\r\n\r\n");
  const auto reply = nonsense.read_reply();
  EXPECT_TRUE(reply && reply->status == 400);
  EXPECT_EQ(operated.ctl({"status"}).exit_status(), 0);
}

TEST(Eradioctl, WithoutAServerEndsWith3) {
  const TemporaryDirectory directory;
  const RunReport report = run_eradioctl({"--socket", directory.file("none.sock"), "status"});
  EXPECT_EQ(report.exit_status(), 3);
  EXPECT_EQ(report.output, "");
  EXPECT_EQ(report.errors, "eradioctl: no eradio answers at " + directory.file("none.sock") +
                               ": is it running?\n");
}

TEST(Eradioctl, WithoutPermissionEndsWith4) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("control.sock");
  Server server({.control_socket = path});
  // Where another user can reach both, or would if he might.
  fs::permissions(fs::path(path).parent_path(), fs::perms(0711));
  const std::string program = directory.file("eradioctl");
  fs::copy_file(installed_program("bin/eradioctl"), program);
  fs::permissions(program, fs::perms(0755));
  std::vector<std::string> words = as_nobody();
  if (words.empty()) {
    fs::permissions(path, fs::perms::none);
  }
  words.insert(words.end(), {program, "--socket", path, "status"});
  const RunReport report = run_program(words);
  EXPECT_EQ(report.exit_status(), 4) << report.errors;
  EXPECT_EQ(lines(report.errors), 1U) << report.errors;
  EXPECT_TRUE(has(report.errors, path + " may not be opened: permission denied (try as root"))
      << report.errors;
}

TEST(Eradioctl, WrongUsageEndsWith2AndOneLine) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{},
                                                    {"dance"},
                                                    {"status", "surplus"},
                                                    {"kick"},
                                                    {"kick", "1", "2"},
                                                    {"log-level"},
                                                    {"--no-such-option", "status"},
                                                    {"--socket"},
                                                    {"--socket", std::string(200, 'x'), "status"},
                                                    {"--socket", "", "status"},
                                                    {"--config", "", "status"},
                                                    {"--config", "/no/such/file", "status"}}) {
    const RunReport report = run_eradioctl(arguments);
    EXPECT_EQ(report.exit_status(), 2) << report.errors;
    EXPECT_EQ(report.errors.rfind("eradioctl: ", 0), 0U) << report.errors;
    EXPECT_EQ(lines(report.errors), 1U) << report.errors;
  }
}

TEST(Eradioctl, SaysItsErrorsInJsonTooWhenItIsToSpeakJson) {
  const TemporaryDirectory directory;
  const std::string nowhere = directory.file("none.sock");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--socket", nowhere, "status"},
        {"--socket", "", "status"},
        {"--config", "/no/such/file", "status"},
        {"dance"},
        {}}) {
    std::vector<std::string> words{"--json"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const RunReport report = run_eradioctl(words);
    const auto answer = nlohmann::json::parse(report.output, nullptr, false);
    ASSERT_TRUE(answer.is_object()) << report.output;
    EXPECT_EQ(report.errors, "eradioctl: " + answer.at("error").get<std::string>() + "\n");
  }
}

// Answers so many requests with a text each, and is gone.
class FakeServer {
 public:
  FakeServer(const std::string& path, std::vector<std::string> answers)
      : socket_(listen_at(path)), thread_([this, path, answers] {
          for (const std::string& answer : answers) {
            const Descriptor connection(::accept(socket_.number(), nullptr, nullptr));
            std::array<char, 4096> request{};
            static_cast<void>(::recv(connection.number(), request.data(), request.size(), 0));
            const std::string text =
                "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(answer.size()) +
                "\r\nConnection: close\r\n\r\n" + answer;
            static_cast<void>(::send(connection.number(), text.data(), text.size(), MSG_NOSIGNAL));
          }
          fs::remove(path);
          socket_.reset();
        }) {}

 private:
  static Descriptor listen_at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    EXPECT_EQ(::listen(socket.number(), 10), 0);
    return socket;
  }

  Descriptor socket_;
  std::jthread thread_;
};

TEST(Eradioctl, GetsOnWithAServerOfAnotherVersionAsFarAsItCan) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("control.sock");
  const FakeServer server(path, {R"({"version":"7"})", "{}"});
  EXPECT_TRUE(has(run_eradioctl({"--socket", path, "status"}).output, "eradio 7: process -"));
  const RunReport report = run_eradioctl({"--json", "--socket", path, "restart-workers"});
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_TRUE(has(report.errors, "the server is of another version")) << report.errors;
  EXPECT_TRUE(nlohmann::json::parse(report.output).contains("error")) << report.output;
}

TEST(Eradioctl, DoesNotWaitForAServerThatIsGoneAfterAnUpgrade) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("control.sock");
  const FakeServer server(path, {R"({"upgrades":1})"});
  const std::int64_t begin_ns = monotonic_ns();
  const RunReport report = run_eradioctl({"--socket", path, "upgrade"});
  EXPECT_LT(monotonic_ns() - begin_ns, 20 * ns_per_second);
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_TRUE(has(report.errors, "the server has gone in the middle of the upgrade"))
      << report.errors;
}

TEST(Eradioctl, HelpNamesTheCommandsAndTheExitStatuses) {
  const RunReport report = run_eradioctl({"--help"});
  EXPECT_EQ(report.exit_status(), 0);
  for (const char* text :
       {"status", "listeners", "kick ID|ADDRESS", "play", "pause", "next", "prev",
        "log-level LEVEL", "--socket", "--config", "--json", "0 done", "1 the server refused",
        "2 wrong usage", "3 no server", "4 no permission"}) {
    EXPECT_TRUE(has(report.output, text)) << text;
  }
  EXPECT_EQ(run_eradioctl({"--version"}).output, "eradioctl (eradio) " ERADIO_VERSION "\n");
}

TEST(Eradioctl, FindsTheSocketInTheConfigurationFile) {
  OperatedServer operated;
  const TemporaryDirectory directory;
  const std::string file = directory.write(
      "eradio.conf", "# where\nlisten_port = 0\ncontrol-socket = " + operated.socket() + "\n");
  const RunReport report = run_eradioctl({"--config", file, "status", "--json"});
  EXPECT_EQ(report.exit_status(), 0) << report.errors;
  EXPECT_EQ(nlohmann::json::parse(report.output, nullptr, false).value("pid", 0),
            operated.server().master());

  const std::string none = directory.write("none.conf", "control_socket = none\n");
  const RunReport off = run_eradioctl({"--config", none, "status"});
  EXPECT_EQ(off.exit_status(), 3);
  EXPECT_TRUE(has(off.errors, none + ":1: ")) << off.errors;

  const std::string other = directory.write("other.conf", "listen_port = 0\n");
  EXPECT_TRUE(has(run_eradioctl({"--config", other, "status"}).errors, "/run/eradio/control.sock"));
}

}  // namespace
}  // namespace eradio::testing
