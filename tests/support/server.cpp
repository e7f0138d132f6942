#include "tests/support/server.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include <gtest/gtest.h>

#include "common/child_process.h"
#include "common/clock.h"
#include "common/system_error.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"

namespace eradio::testing {
namespace {

constexpr const char* ready_text = "ready: listen at http://";
constexpr std::chrono::milliseconds stop_limit{10'000};

std::vector<std::string> command_line(const ServerOptions& options) {
  std::vector<std::string> words;
  if (!options.network_namespace.empty()) {
    words = {"nsenter", "--net=" + options.network_namespace, "--"};
  }
  if (options.descriptors_max) {
    words.insert(words.end(), {"/bin/sh", "-c",
                               "ulimit -n " + std::to_string(*options.descriptors_max) +
                                   " && exec \"$0\" \"$@\""});
  }
  words.insert(words.end(), options.run_by.begin(), options.run_by.end());
  words.push_back(options.prefix.empty() ? installed_program("sbin/eradiod")
                                         : options.prefix + "/sbin/eradiod");
  if (options.any_port) {
    words.insert(words.end(), {"--listen_port", "0"});
  }
  if (!options.source.empty()) {
    words.insert(words.end(), {"--source", options.source});
  }
  // Tests that run beside each other must not meet there.
  if (!options.status_listen.empty()) {
    words.insert(words.end(), {"--status_listen", options.status_listen});
  }
  if (!options.control_socket.empty()) {
    words.insert(words.end(), {"--control_socket", options.control_socket});
  }
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  return words;
}

// As a package does it: who runs the old one goes on with it.
void replace_file(const std::string& path, const std::string& by) {
  const std::string fresh = path + ".new";
  std::filesystem::copy_file(by, fresh, std::filesystem::copy_options::overwrite_existing);
  std::filesystem::rename(fresh, path);
}

Descriptor open_nothing() {
  return Descriptor(check_syscall(::open("/dev/null", O_RDWR | O_CLOEXEC), "open /dev/null"));
}

}  // namespace

std::string installed_program(const std::string& path_below_prefix) {
  return std::string(ERADIO_INSTALLED_TREE) + "/" + path_below_prefix;
}

void copy_installed_tree(const std::string& directory) {
  using std::filesystem::copy_options;
  std::filesystem::copy(ERADIO_INSTALLED_TREE, directory,
                        copy_options::recursive | copy_options::overwrite_existing);
}

void install_worker_of(const std::string& version, const std::string& prefix) {
  replace_file(prefix + "/libexec/eradio/eradio-worker",
               std::string(ERADIO_TEST_ANOTHER_VERSION) + "/" + version + "/eradio-worker");
}

void install_another_version(const std::string& version, const std::string& prefix) {
  install_worker_of(version, prefix);
  replace_file(prefix + "/sbin/eradiod",
               std::string(ERADIO_TEST_ANOTHER_VERSION) + "/" + version + "/eradiod");
}

std::string test_source(const std::string& options) {
  return std::string("'") + ERADIO_TEST_SOURCE + "' " + options;
}

std::string steady_source() {
  return test_source("--rate " + std::to_string(mp3_frames_per_second) + " --size " +
                     std::to_string(mp3_frame_bytes));
}

Server::Server(const ServerOptions& options) {
  try {
    start(options);
  } catch (...) {
    kill_all();
    throw;
  }
}

void Server::start(const ServerOptions& options) {
  static int servers_started = 0;
  mark_ = "ERADIO_TEST_SERVER=" + std::to_string(::getpid()) + "-" +
          std::to_string(++servers_started) + "-" + std::to_string(monotonic_ns());
  const Descriptor nothing = open_nothing();
  master_ = start_child({.arguments = command_line(options),
                         .environment = {mark_},
                         .descriptors = {{.ours = nothing.number(), .theirs = STDIN_FILENO},
                                         {.ours = nothing.number(), .theirs = STDOUT_FILENO},
                                         {.ours = log_.write_end(), .theirs = STDERR_FILENO}},
                         .own_session = true});
  log_.close_ours();
  const auto line = log_.wait_for(ready_text, patience);
  if (!line) {
    throw std::runtime_error("the server did not become ready; its log:\n" + log_.text());
  }
  // HOST:PORT/PATH, where an IPv6 address has brackets.
  const auto host = line->find(ready_text) + std::string(ready_text).size();
  const auto port = line->rfind(':', line->find('/', host)) + 1;
  port_ = static_cast<std::uint16_t>(std::stoul(line->substr(port)));
}

Server::~Server() {
  if (master_ > 0) {
    stop();
  }
  if (::testing::Test::HasFailure()) {
    std::printf("--- the server's log ---\n%s--- end of the server's log ---\n",
                log_.text().c_str());
  }
}

Endpoint Server::status_server() const {
  const auto line = log_.wait_for("the status is at http://", patience);
  if (!line) {
    throw std::runtime_error("the server has no status server; its log:\n" + log_.text());
  }
  const auto port = static_cast<std::uint16_t>(std::stoul(line->substr(line->rfind(':') + 1)));
  return line->find("//[") == std::string::npos ? Endpoint::ipv4(port) : Endpoint::ipv6(port);
}

std::vector<pid_t> Server::workers() const {
  std::vector<pid_t> workers;
  for (const auto& child : children_of(master_)) {
    if (child.name == "eradio-worker") {
      workers.push_back(child.id);
    }
  }
  return workers;
}

std::optional<pid_t> Server::source() const {
  for (const auto& child : children_of(master_)) {
    // Between fork and exec a child still has the master's name.
    if (child.name != "eradio-worker" && child.name != "eradiod") {
      return child.id;
    }
  }
  return std::nullopt;
}

std::vector<pid_t> Server::processes() const { return processes_with(mark_); }

StopReport Server::stop(int signal_number) {
  StopReport report;
  const std::int64_t begin_ns = monotonic_ns();
  ::kill(master_, signal_number);
  const auto wait_status = wait_for_child(master_, stop_limit);
  report.duration = std::chrono::milliseconds((monotonic_ns() - begin_ns) / ns_per_ms);
  report.wait_status = wait_status.value_or(-1);
  report.left_behind = processes();
  kill_all();
  if (!wait_status) {
    ::waitpid(master_, nullptr, 0);
  }
  master_ = 0;
  return report;
}

void Server::kill_all() const {
  const auto all = processes();
  for (const pid_t process : all) {
    ::kill(process, SIGKILL);
  }
  for (const pid_t process :
       all) {  // what it holds, such as a listening socket, is free after that
    static_cast<void>(wait_for_end(process, patience));
  }
}

int RunReport::exit_status() const {
  return wait_status != -1 && WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
}

RunReport run_eradiod(const std::vector<std::string>& arguments) {
  std::vector<std::string> words{installed_program("sbin/eradiod")};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return run_program(words);
}

RunningProgram::RunningProgram(const std::vector<std::string>& words) {
  const Descriptor nothing = open_nothing();
  process_ = start_child({.arguments = words,
                          .environment = {},
                          .descriptors = {{.ours = nothing.number(), .theirs = STDIN_FILENO},
                                          {.ours = output_.write_end(), .theirs = STDOUT_FILENO},
                                          {.ours = errors_.write_end(), .theirs = STDERR_FILENO}},
                          .own_session = true});
  output_.close_ours();
  errors_.close_ours();
}

RunningProgram::~RunningProgram() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
}

bool RunningProgram::ended() const { return process_ == 0 || !is_running(process_); }

RunReport RunningProgram::finish() {
  const auto wait_status = wait_for_child(process_, patience);
  if (!wait_status) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  process_ = 0;
  EXPECT_TRUE(output_.wait_for_end(patience));
  EXPECT_TRUE(errors_.wait_for_end(patience));
  return {
      .wait_status = wait_status.value_or(-1), .output = output_.text(), .errors = errors_.text()};
}

RunReport run_program(const std::vector<std::string>& words) {
  return RunningProgram(words).finish();
}

void expect_clean_stop(const StopReport& report) {
  ASSERT_NE(report.wait_status, -1) << "the server had to be killed";
  EXPECT_TRUE(WIFEXITED(report.wait_status) && WEXITSTATUS(report.wait_status) == 0)
      << describe_exit(report.wait_status);
  EXPECT_LT(report.duration.count(), sanitized_build ? 6000 : 2000) << "ms until it had stopped";
  EXPECT_TRUE(report.left_behind.empty())
      << report.left_behind.size() << " processes left behind, one is "
      << report.left_behind.front();
}

}  // namespace eradio::testing
