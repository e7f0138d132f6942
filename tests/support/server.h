// An eradiod of the installed tree, for one test: started with options, watched, stopped, and in
// any case gone with all its processes when this object goes. If the test has failed by then, its
// log is printed.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/endpoint.h"
#include "tests/support/output_capture.h"

namespace eradio::testing {

// The installed programs, and the test source.
std::string installed_program(const std::string& path_below_prefix);
// A copy of the installed tree, for tests that change it, in a directory that is there already.
void copy_installed_tree(const std::string& directory);
// Puts programs of another version in the place of the tree's own: of its worker, or of its master,
// too. `version`: "later" or "foreign" (tests/support/another_version).
void install_worker_of(const std::string& version, const std::string& prefix);
void install_another_version(const std::string& version, const std::string& prefix);
// A source command line: eradio-test-source with these options.
std::string test_source(const std::string& options);
// What a 128 kbit/s MP3 stream is made of.
constexpr double mp3_frames_per_second = 38.28;
constexpr std::size_t mp3_frame_bytes = 418;
// The source that most tests listen to.
std::string steady_source();

struct ServerOptions {
  std::string source = steady_source();  // empty: the server's own default
  std::vector<std::string> arguments{};
  std::optional<unsigned> descriptors_max{};  // RLIMIT_NOFILE, soft and hard
  bool any_port = true;                       // --listen_port 0
  std::string control_socket = "none";        // --control_socket; empty: the server's own default
  std::string status_listen = "none";         // --status_listen; empty: the server's own default
  std::string network_namespace{};            // path of the one that it runs in; empty: ours
  std::string prefix{};                       // of its installed tree; empty: the usual one
  std::vector<std::string> run_by{};          // a command that executes what stands after it
};

struct StopReport {
  std::chrono::milliseconds duration{0};
  int wait_status = -1;            // waitpid(2); -1: it had to be killed
  std::vector<pid_t> left_behind;  // processes of it that were still there (now they are not)
};

class Server {
 public:
  // Returns once the server is ready; throws std::runtime_error with its log if it does not become
  // so in time.
  explicit Server(const ServerOptions& options = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] Endpoint ipv4() const { return Endpoint::ipv4(port_); }
  [[nodiscard]] Endpoint ipv6() const { return Endpoint::ipv6(port_); }
  // Of the status server, if it has one.
  [[nodiscard]] Endpoint status_server() const;
  [[nodiscard]] const OutputCapture& log() const noexcept { return log_; }

  [[nodiscard]] pid_t master() const noexcept { return master_; }
  [[nodiscard]] std::vector<pid_t> workers() const;
  // Nothing while none runs.
  [[nodiscard]] std::optional<pid_t> source() const;
  // Every process that the server has started, directly or not, and itself.
  [[nodiscard]] std::vector<pid_t> processes() const;

  // Asks it to stop, waits, and looks at what it left behind.
  StopReport stop(int signal_number = SIGTERM);

 private:
  void start(const ServerOptions& options);
  void kill_all() const;

  OutputCapture log_;
  std::string mark_;  // "NAME=value" in the environment of all its processes
  pid_t master_ = 0;
  std::uint16_t port_ = 0;
};

// What a program did that has ended.
struct RunReport {
  int wait_status = -1;  // waitpid(2); -1: it did not end and had to be killed
  std::string output;
  std::string errors;

  // -1: it was killed.
  [[nodiscard]] int exit_status() const;
};

// A program that runs while the test does something else.
class RunningProgram {
 public:
  explicit RunningProgram(const std::vector<std::string>& words);
  ~RunningProgram();  // kills it if it still runs
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  [[nodiscard]] pid_t process() const noexcept { return process_; }
  [[nodiscard]] bool ended() const;
  // Waits until it ends by itself; kills it when it does not.
  RunReport finish();

 private:
  OutputCapture output_;
  OutputCapture errors_;
  pid_t process_ = 0;
};
RunReport run_program(const std::vector<std::string>& words);
// The installed one.
RunReport run_eradiod(const std::vector<std::string>& arguments);

// Expects of a stopped server: exit status 0, in less than two seconds, nothing left behind.
void expect_clean_stop(const StopReport& report);

}  // namespace eradio::testing
