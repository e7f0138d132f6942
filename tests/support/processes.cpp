#include "tests/support/processes.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>

#include "common/descriptor.h"

namespace eradio::testing {
namespace {

namespace fs = std::filesystem;

std::string read_proc(pid_t process, const char* file) {
  std::ifstream stream("/proc/" + std::to_string(process) + "/" + file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();  // unlike an iterator it does not throw when the process ends meanwhile
  return text.str();
}

// The part of /proc/PID/stat that matters here (proc(5)).
struct Stat {
  std::string name;
  char state = 'X';
  pid_t parent = 0;
  std::uint64_t user_ticks = 0;
  std::uint64_t system_ticks = 0;
  std::uint64_t started_ticks = 0;
};

std::optional<Stat> read_stat(pid_t process) {
  const std::string text = read_proc(process, "stat");
  // The name stands in parentheses and may contain some itself.
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos) {
    return std::nullopt;
  }
  Stat stat;
  stat.name = text.substr(open + 1, close - open - 1);
  std::istringstream rest(text.substr(close + 1));
  std::string skipped;
  rest >> stat.state >> stat.parent;
  for (int field = 5; field < 14; ++field) {
    rest >> skipped;
  }
  rest >> stat.user_ticks >> stat.system_ticks;
  for (int field = 16; field < 22; ++field) {
    rest >> skipped;
  }
  rest >> stat.started_ticks;
  return stat;
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> processes;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (std::all_of(name.begin(), name.end(),
                    [](unsigned char c) { return std::isdigit(c) != 0; })) {
      processes.push_back(static_cast<pid_t>(std::stol(name)));
    }
  }
  return processes;
}

}  // namespace

std::vector<ChildProcess> children_of(pid_t parent) {
  std::vector<std::pair<std::uint64_t, ChildProcess>> found;
  for (const pid_t process : all_processes()) {
    const auto stat = read_stat(process);
    if (stat && stat->parent == parent && stat->state != 'Z') {
      found.push_back({stat->started_ticks, {.id = process, .name = stat->name}});
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first, a.second.id) < std::pair(b.first, b.second.id);
  });
  std::vector<ChildProcess> children;
  children.reserve(found.size());
  for (auto& [started, child] : found) {
    children.push_back(std::move(child));
  }
  return children;
}

std::vector<pid_t> zombies_of(pid_t parent) {
  std::vector<pid_t> zombies;
  for (const pid_t process : all_processes()) {
    const auto stat = read_stat(process);
    if (stat && stat->parent == parent && stat->state == 'Z') {
      zombies.push_back(process);
    }
  }
  return zombies;
}

std::vector<pid_t> processes_with(const std::string& setting) {
  std::vector<pid_t> found;
  const std::string wanted = std::string(1, '\0') + setting + '\0';
  for (const pid_t process : all_processes()) {
    const std::string environment = std::string(1, '\0') + read_proc(process, "environ");
    if (environment.find(wanted) != std::string::npos) {
      found.push_back(process);
    }
  }
  return found;
}

bool is_running(pid_t process) {
  const auto stat = read_stat(process);
  return stat && stat->state != 'Z' && stat->state != 'X';
}

bool wait_for_end(pid_t process, std::chrono::milliseconds limit) {
  // sys/pidfd.h of glibc 2.36 cannot be used from C++.
  const Descriptor watched(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  if (!watched) {
    return !is_running(process);
  }
  pollfd wait_for{.fd = watched.number(), .events = POLLIN, .revents = 0};
  return ::poll(&wait_for, 1, static_cast<int>(limit.count())) > 0;
}

std::optional<int> wait_for_child(pid_t child, std::chrono::milliseconds limit) {
  int wait_status = 0;
  if (!wait_for_end(child, limit) || ::waitpid(child, &wait_status, 0) != child) {
    return std::nullopt;
  }
  return wait_status;
}

std::chrono::nanoseconds cpu_time(pid_t process) {
  std::int64_t all_ns = 0;
  std::error_code error;
  for (const auto& task :
       fs::directory_iterator("/proc/" + std::to_string(process) + "/task", error)) {
    std::ifstream schedstat(task.path() / "schedstat");
    std::int64_t thread_ns = 0;
    all_ns += schedstat >> thread_ns ? thread_ns : 0;
  }
  if (all_ns > 0) {
    return std::chrono::nanoseconds(all_ns);
  }
  const auto stat = read_stat(process);
  const std::int64_t tick_ns = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
  return std::chrono::nanoseconds(
      stat ? static_cast<std::int64_t>(stat->user_ticks + stat->system_ticks) * tick_ns : 0);
}

ProcessorTime processor_time(pid_t process) {
  const auto stat = read_stat(process);
  const std::int64_t tick_ns = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
  const auto in_ns = [&](std::uint64_t ticks) {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(ticks) * tick_ns);
  };
  return stat ? ProcessorTime{.user = in_ns(stat->user_ticks), .system = in_ns(stat->system_ticks)}
              : ProcessorTime{};
}

std::chrono::nanoseconds machine_cpu_time() {
  std::ifstream stat("/proc/stat");  // proc(5)
  std::string name;
  std::int64_t user = 0;
  std::int64_t nice = 0;
  std::int64_t system = 0;
  std::int64_t idle = 0;
  std::int64_t io_wait = 0;
  std::int64_t interrupts = 0;
  std::int64_t soft_interrupts = 0;
  std::int64_t stolen = 0;
  stat >> name >> user >> nice >> system >> idle >> io_wait >> interrupts >> soft_interrupts >>
      stolen;
  const std::int64_t tick_ns = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
  return std::chrono::nanoseconds((user + nice + system + interrupts + soft_interrupts + stolen) *
                                  tick_ns);
}

std::size_t resident_bytes(pid_t process) {
  std::istringstream statm(read_proc(process, "statm"));
  std::size_t all = 0;
  std::size_t resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t proportional_bytes(pid_t process) {
  constexpr std::size_t kilobyte = 1024;
  std::istringstream rollup(read_proc(process, "smaps_rollup"));
  for (std::string line; std::getline(rollup, line);) {
    if (line.starts_with("Pss:")) {
      return std::stoul(line.substr(4)) * kilobyte;
    }
  }
  return 0;
}

std::size_t own_bytes(pid_t process, const std::vector<std::string>& without) {
  constexpr std::size_t kilobyte = 1024;
  std::istringstream maps(read_proc(process, "smaps"));
  std::size_t bytes = 0;
  std::string counts;  // which of a mapping's figures; empty: none
  for (std::string line; std::getline(maps, line);) {
    const std::size_t name_end = line.find_first_of(" :");
    if (name_end == std::string::npos || line[name_end] == ' ') {  // a mapping begins
      const std::size_t path = line.find('/');
      const bool memory = path == std::string::npos || line.compare(path, 7, "/memfd:") == 0;
      counts = memory ? "Pss" : "Anonymous";
      for (const std::string& name : without) {
        counts = line.find(name) == std::string::npos ? counts : "";
      }
    } else if (line.substr(0, name_end) == counts) {
      bytes += std::stoul(line.substr(name_end + 1)) * kilobyte;
    }
  }
  return bytes;
}

std::size_t open_descriptors(pid_t process) {
  std::error_code error;
  const fs::directory_iterator entries("/proc/" + std::to_string(process) + "/fd", error);
  return error ? 0 : static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

}  // namespace eradio::testing
