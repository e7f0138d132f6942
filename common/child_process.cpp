#include "common/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "common/check.h"
#include "common/descriptor.h"
#include "common/system_error.h"

namespace eradio {
namespace {

// Everything the child needs, made before fork: after it only async-signal-safe calls are allowed
// (signal-safety(7)).
struct Prepared {
  std::string path;
  std::vector<char*> arguments;
  std::vector<std::string> environment_texts;
  std::vector<char*> environment;
  int first_free = STDERR_FILENO + 1;  // above every number that the child is to have
};

std::string find_in_path(const std::string& name, const std::vector<std::string>& environment) {
  if (name.find('/') != std::string::npos) {
    return name;
  }
  const char* own_path = ::getenv("PATH");
  std::string_view path = own_path == nullptr ? "/usr/bin:/bin" : own_path;
  for (const std::string& setting : environment) {
    if (setting.starts_with("PATH=")) {
      path = std::string_view(setting).substr(5);
    }
  }
  while (!path.empty()) {
    const auto end = std::min(path.find(':'), path.size());
    std::string candidate = std::string(path.substr(0, end)) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  throw_system_error("cannot execute " + name + ": not found in PATH", ENOENT);
}

bool is_for_us_alone(std::string_view setting) {
  constexpr std::array<std::string_view, 3> names{
      "NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC="};
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return setting.starts_with(name); });
}

bool is_replaced(std::string_view setting, const std::vector<std::string>& environment) {
  const std::string_view name = setting.substr(0, setting.find('=') + 1);
  return std::any_of(environment.begin(), environment.end(),
                     [&](const std::string& replacement) { return replacement.starts_with(name); });
}

Prepared prepare(const ChildProgram& program) {
  ERADIO_CHECK(!program.arguments.empty());
  Prepared prepared;
  prepared.path = program.executable >= 0
                      ? program.arguments.front()
                      : find_in_path(program.arguments.front(), program.environment);
  for (const std::string& argument : program.arguments) {
    prepared.arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  prepared.arguments.push_back(nullptr);
  for (char** setting = environ; *setting != nullptr; ++setting) {
    if (!is_for_us_alone(*setting) && !is_replaced(*setting, program.environment)) {
      prepared.environment_texts.emplace_back(*setting);
    }
  }
  prepared.environment_texts.insert(prepared.environment_texts.end(), program.environment.begin(),
                                    program.environment.end());
  for (std::string& setting : prepared.environment_texts) {
    prepared.environment.push_back(setting.data());
  }
  prepared.environment.push_back(nullptr);
  for (const auto& passed : program.descriptors) {
    prepared.first_free = std::max(prepared.first_free, passed.theirs + 1);
  }
  return prepared;
}

// In the child: never returns. An error goes through `report` as an errno value.
[[noreturn]] void become(const ChildProgram& program, const Prepared& prepared, pid_t parent,
                         std::vector<int>& moved, int report) {
  const auto fail = [&](int error_number) {
    [[maybe_unused]] const auto written = ::write(report, &error_number, sizeof error_number);
    ::_exit(127);
  };
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    fail(ESRCH);  // the parent died before prctl could be asked to tell
  }
  for (int signal_number = 1; signal_number < NSIG; ++signal_number) {
    struct sigaction defaults {};
    defaults.sa_handler = SIG_DFL;
    ::sigaction(signal_number, &defaults, nullptr);  // fails for SIGKILL and SIGSTOP: as it should
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (program.own_session) {
    ::setsid();
  }
  // First out of the way of each other, then to the numbers they are to have.
  for (std::size_t i = 0; i < moved.size(); ++i) {
    moved[i] = ::fcntl(program.descriptors[i].ours, F_DUPFD_CLOEXEC, prepared.first_free);
    if (moved[i] < 0) {
      fail(errno);
    }
  }
  const int kept_report = ::fcntl(report, F_DUPFD_CLOEXEC, prepared.first_free);
  if (kept_report < 0) {
    fail(errno);
  }
  report = kept_report;
  int executable = program.executable;
  if (executable >= 0) {
    executable = ::fcntl(executable, F_DUPFD_CLOEXEC, prepared.first_free);
    if (executable < 0) {
      fail(errno);
    }
  }
  if (::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0) {
    fail(errno);
  }
  for (std::size_t i = 0; i < moved.size(); ++i) {
    if (::dup2(moved[i], program.descriptors[i].theirs) < 0) {
      fail(errno);
    }
  }
  if (executable >= 0) {
    ::fexecve(executable, prepared.arguments.data(), prepared.environment.data());
  } else {
    ::execve(prepared.path.c_str(), prepared.arguments.data(), prepared.environment.data());
  }
  fail(errno);
  ::_exit(127);
}

}  // namespace

pid_t start_child(const ChildProgram& program) {
  const Prepared prepared = prepare(program);
  std::vector<int> moved(program.descriptors.size(), -1);
  std::array<int, 2> ends{};
  check_syscall(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  const Descriptor report_read(ends[0]);
  Descriptor report_write(ends[1]);

  const pid_t parent = ::getpid();
  const pid_t child = check_syscall(::fork(), "fork");
  if (child == 0) {
    become(program, prepared, parent, moved, report_write.number());
  }
  report_write.reset();
  int error_number = 0;
  ssize_t got = 0;
  do {
    got = ::read(report_read.number(), &error_number, sizeof error_number);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof error_number)) {
    ::waitpid(child, nullptr, 0);
    throw_system_error("cannot execute " + prepared.path, error_number);
  }
  return child;
}

std::string describe_exit(int wait_status) {
  if (WIFEXITED(wait_status)) {
    return "exited with status " + std::to_string(WEXITSTATUS(wait_status));
  }
  if (WIFSIGNALED(wait_status)) {
    const int signal_number = WTERMSIG(wait_status);
    const char* name = ::strsignal(signal_number);
    return "was killed by signal " + std::to_string(signal_number) + " (" +
           (name == nullptr ? "unknown" : name) + ")";
  }
  return "ended with wait status " + std::to_string(wait_status);
}

}  // namespace eradio
