#include "master/configuration.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace eradio {
namespace {

class ConfigurationTest : public testing::Test {
 protected:
  ConfigurationTest() {
    std::filesystem::create_directories(paths.libexec);
    std::filesystem::create_directories(paths.webroot);
    for (const char* program : {"eradio-source-demo", "eradio-source-play"}) {
      std::ofstream(paths.libexec / program) << "#!/bin/sh\n";
      ::chmod((paths.libexec / program).c_str(), 0755);
    }
  }
  ~ConfigurationTest() override { std::filesystem::remove_all(root); }

  LoadedConfiguration load(const std::string& file, std::vector<std::string> arguments = {}) const {
    std::ofstream(path) << file;
    arguments.insert(arguments.begin(), {"--config", path.string()});
    return load_configuration(arguments, paths);
  }
  LoadedConfiguration load_arguments(const std::vector<std::string>& arguments) const {
    return load_configuration(arguments, paths);
  }
  static std::string problems(const LoadedConfiguration& loaded) {
    std::string text;
    for (const auto& problem : loaded.problems) {
      text += problem.place + ": " + problem.text + "\n";
    }
    return text;
  }

  std::filesystem::path root =
      std::filesystem::path(testing::TempDir()) / ("eradio-conf-" + std::to_string(::getpid()));
  std::filesystem::path path = root / "eradio.conf";
  InstallPaths paths{.libexec = root / "libexec", .webroot = root / "htdocs"};
};

TEST_F(ConfigurationTest, WithoutAnythingHasTheContractsDefaults) {
  const auto loaded = load_arguments({});
  ASSERT_EQ(problems(loaded), "");
  const Configuration& c = loaded.configuration;
  EXPECT_TRUE(c.listen_ip.empty());
  EXPECT_EQ(c.listen_port, 8080);
  EXPECT_FALSE(c.listen_unix);
  EXPECT_EQ(c.sndbuf, 0U);
  EXPECT_EQ(c.max_lag, std::chrono::milliseconds(250));
  EXPECT_EQ(c.max_lag_ceiling, std::chrono::seconds(2));
  EXPECT_EQ(c.stall_timeout, std::chrono::seconds(30));
  EXPECT_EQ(c.worker_timeout, std::chrono::seconds(5));
  EXPECT_FALSE(c.congestion_control);
  EXPECT_EQ(c.webroot, paths.webroot);
  EXPECT_EQ(c.source, (std::vector<std::string>{"eradio-source-demo"}));
  EXPECT_GE(c.workers, 1U);
  EXPECT_EQ(c.stream_path, "/stream.mp3");
  EXPECT_EQ(c.content_type, "audio/mpeg");
  EXPECT_EQ(c.max_listeners, 0U);
  EXPECT_EQ(c.max_connections_per_ip, 0U);
  EXPECT_EQ(c.max_frame, 1U << 20U);
  EXPECT_EQ(c.ring_size, 8U << 20U);
  EXPECT_FALSE(c.coalesce);
  EXPECT_EQ(c.control_socket, "/run/eradio/control.sock");
  EXPECT_EQ(c.status_listen, "127.0.0.1:8081");
  EXPECT_EQ(c.log_level, "info");
}

TEST_F(ConfigurationTest, ReadsEveryKeyFromTheFile) {
  const auto loaded = load(R"(
# a comment
listen_ip = 127.0.0.1
listen_ip=::1
  listen-port =  9000
listen_unix = /tmp/x.sock
sndbuf = 16 KiB
max_lag = 1 s
max_lag_ceiling = 5 s
stall_timeout = 60 s
worker_timeout = 7 s
congestion_control = bbr
webroot = )" + paths.webroot.string() +
                           R"(
source = eradio-source-play --loop "/my music # 1"
source_restart_delay = 500 ms
workers = 3
stream_path = /live.aac
content_type = audio/aac
max_listeners = 1000
max_connections_per_ip = 10
max_frame = 64 KiB
ring_size = 1 MiB
coalesce = 20 ms
control_socket = none
status_listen = [::1]:9001
log_level = debug
)");
  ASSERT_EQ(problems(loaded), "");
  const Configuration& c = loaded.configuration;
  EXPECT_EQ(c.listen_ip, (std::vector<std::string>{"127.0.0.1", "::1"}));
  EXPECT_EQ(c.listen_port, 9000);
  EXPECT_EQ(c.listen_unix, "/tmp/x.sock");
  EXPECT_EQ(c.sndbuf, 16384U);
  EXPECT_EQ(c.max_lag, std::chrono::seconds(1));
  EXPECT_EQ(c.max_lag_ceiling, std::chrono::seconds(5));
  EXPECT_EQ(c.stall_timeout, std::chrono::minutes(1));
  EXPECT_EQ(c.worker_timeout, std::chrono::seconds(7));
  EXPECT_EQ(c.congestion_control, "bbr");
  EXPECT_EQ(c.source, (std::vector<std::string>{"eradio-source-play", "--loop", "/my music # 1"}));
  EXPECT_EQ(c.source_restart_delay, std::chrono::milliseconds(500));
  EXPECT_EQ(c.workers, 3U);
  EXPECT_EQ(c.stream_path, "/live.aac");
  EXPECT_EQ(c.content_type, "audio/aac");
  EXPECT_EQ(c.max_listeners, 1000U);
  EXPECT_EQ(c.max_connections_per_ip, 10U);
  EXPECT_EQ(c.max_frame, 65536U);
  EXPECT_EQ(c.ring_size, 1U << 20U);
  EXPECT_EQ(c.coalesce, std::chrono::milliseconds(20));
  EXPECT_FALSE(c.control_socket);
  EXPECT_EQ(c.status_listen, "[::1]:9001");
  EXPECT_EQ(c.log_level, "debug");
}

TEST_F(ConfigurationTest, AByteOrderMarkBeforeTheFirstKeyIsSkipped) {
  const auto loaded = load("\xef\xbb\xbflisten_port = 8123\n");
  EXPECT_EQ(problems(loaded), "");
  EXPECT_EQ(loaded.configuration.listen_port, 8123);
}

TEST_F(ConfigurationTest, TheCommandLineWinsWithUnderscoresOrHyphens) {
  const std::string file = "listen_port = 1000\nlisten_ip = 127.0.0.1\nlog_level = debug\n";
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--listen_port", "2000"}, {"--listen-port", "2000"}, {"--listen-port=2000"}}) {
    const auto loaded = load(file, arguments);
    ASSERT_EQ(problems(loaded), "");
    EXPECT_EQ(loaded.configuration.listen_port, 2000);
    EXPECT_EQ(loaded.configuration.log_level, "debug");
  }
  const auto loaded = load(file, {"--listen_ip", "::1", "--listen_ip=::"});
  EXPECT_EQ(loaded.configuration.listen_ip, (std::vector<std::string>{"::1", "::"}));
}

TEST_F(ConfigurationTest, ValuesMayLookLikeOptions) {
  const auto loaded = load_arguments({"--source=eradio-source-play --loop a-b_c"});
  ASSERT_EQ(problems(loaded), "");
  EXPECT_EQ(loaded.configuration.source,
            (std::vector<std::string>{"eradio-source-play", "--loop", "a-b_c"}));
}

TEST_F(ConfigurationTest, EveryWrongValueIsNamedWithFileLineAndKey) {
  for (const std::string setting : {"listen_ip = localhost",
                                    "listen_port = 65536",
                                    "listen_port = http",
                                    "listen_port =",
                                    "sndbuf = many",
                                    "sndbuf = 0",
                                    "max_lag = -1",
                                    "max_lag = 2 h",
                                    "max_lag_ceiling = 2 h",
                                    "stall_timeout = 0",
                                    "worker_timeout = 100 ms",
                                    "congestion_control =",
                                    "congestion_control = Cubic",
                                    "congestion_control = a-name-that-is-too-long",
                                    "webroot = /nowhere/at/all",
                                    "source =",
                                    "source = no-such-program-anywhere",
                                    "workers = 0",
                                    "workers = 1000",
                                    "stream_path = stream",
                                    "stream_path = /",
                                    "stream_path = /v1/x",
                                    "stream_path = /a b",
                                    "content_type = mp3",
                                    "content_type = audio/mpeg\x01",
                                    "max_listeners = 0",
                                    "max_connections_per_ip = -5",
                                    "max_frame = 3",
                                    "ring_size = 64 KiB",
                                    "coalesce = 5 s",
                                    "status_listen = 8081",
                                    "status_listen = 127.0.0.1:99999",
                                    "log_level = loud",
                                    "listen_unix =",
                                    "source_restart_delay = 0"}) {
    const auto loaded = load("\n# comment\n" + setting + "\n");
    const std::string key = setting.substr(0, setting.find(' '));
    ASSERT_EQ(loaded.problems.size(), 1U) << setting << "\n" << problems(loaded);
    EXPECT_EQ(loaded.problems.front().place, path.string() + ":3") << setting;
    EXPECT_EQ(loaded.problems.front().text.substr(0, key.size()), key) << setting;
  }
}

TEST_F(ConfigurationTest, AllThatIsWrongIsSaidAtOnce) {
  const auto loaded = load("listen_port = x\nnonsense\nno_such_key = 1\nworkers = y\n");
  EXPECT_EQ(loaded.problems.size(), 4U) << problems(loaded);
}

TEST_F(ConfigurationTest, AKeyGivenTwiceIsNamedWithBothPlaces) {
  const auto loaded = load("workers = 1\n\nworkers = 2\n");
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_NE(problems(loaded).find("eradio.conf:3"), std::string::npos);
  EXPECT_NE(problems(loaded).find("eradio.conf:1"), std::string::npos);
}

TEST_F(ConfigurationTest, AnAddressGivenTwiceIsNamed) {
  const auto loaded = load("listen_ip = ::1\nlisten_ip = ::1\n");
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_EQ(loaded.problems.front().place, path.string() + ":2");
}

TEST_F(ConfigurationTest, NoLagAtAllIsAllowed) { EXPECT_EQ(problems(load("max_lag = 0\n")), ""); }

TEST_F(ConfigurationTest, ARingTooSmallForTheLongestFrameNamesTheKeyThatWasGiven) {
  const auto loaded = load("max_frame = 16 MiB\n");
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_EQ(loaded.problems.front().place, path.string() + ":1");
  EXPECT_NE(problems(loaded).find("ring_size"), std::string::npos);
}

TEST_F(ConfigurationTest, WrongArgumentsAreNamed) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"--no_such_key", "1"},
                                                                     {"--listen_port"},
                                                                     {"stray"},
                                                                     {"--workers=x"},
                                                                     {"--listen"},
                                                                     {"-p", "80"}}) {
    const auto loaded = load_arguments(arguments);
    ASSERT_GE(loaded.problems.size(), 1U) << arguments.front();
    EXPECT_EQ(loaded.problems.front().place, "command line");
  }
}

TEST_F(ConfigurationTest, AFileThatCannotBeReadIsNamed) {
  for (const char* file : {"/nowhere/eradio.conf", "/"}) {
    const auto loaded = load_arguments({"--config", file});
    ASSERT_EQ(loaded.problems.size(), 1U);
    EXPECT_EQ(loaded.problems.front().place, file);
  }
}

TEST_F(ConfigurationTest, CommandsAreUnderstood) {
  EXPECT_TRUE(load_arguments({"--help"}).help);
  EXPECT_TRUE(load_arguments({"--version"}).version);
  EXPECT_TRUE(load_arguments({"--check_config"}).check_only);
  EXPECT_TRUE(load_arguments({"--check-config"}).check_only);
}

TEST_F(ConfigurationTest, StatusListenSaysWhetherItWasAskedFor) {
  EXPECT_FALSE(load("").configuration.status_listen_given);
  EXPECT_TRUE(load("status_listen = 127.0.0.1:0\n").configuration.status_listen_given);
  EXPECT_EQ(load("status_listen = none\n").configuration.status_listen, std::nullopt);
}

TEST_F(ConfigurationTest, HelpNamesEveryKeyOnceWithItsDefault) {
  const std::string help = configuration_help(paths);
  for (const char* text : {"--listen_ip", "--sndbuf", "--max_lag", "250 ms", "--coalesce",
                           "--check_config", "eradio-source-"}) {
    EXPECT_NE(help.find(text), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace eradio
