#include "master/upgrade.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/child_process.h"
#include "common/system_error.h"
#include "shm/listener_table.h"
#include "shm/memory_file.h"
#include "shm/scoreboard.h"
#include "shm/stream_segment.h"

namespace eradio {
namespace {

constexpr const char* order_name = "ERADIO_UPGRADE";  // "check N" or "go on N": descriptor N
constexpr std::string_view check_order = "check ";
constexpr std::string_view go_on_order = "go on ";
constexpr std::chrono::seconds check_time_max{10};
constexpr std::size_t text_bytes_max = 4000;

Descriptor write_down(const MasterState& state) {
  const std::string bytes = encode_master_state(state);
  Descriptor file(check_syscall(::memfd_create("eradio-state", MFD_CLOEXEC), "memfd_create"));
  for (std::size_t written = 0; written < bytes.size();) {
    written += static_cast<std::size_t>(check_syscall(
        ::write(file.number(), bytes.data() + written, bytes.size() - written), "write"));
  }
  return file;
}

std::string read_whole(int descriptor) {
  std::string bytes;
  std::array<char, 65536> part{};
  for (;;) {
    const ssize_t got =
        ::pread(descriptor, part.data(), part.size(), static_cast<off_t>(bytes.size()));
    if (got < 0) {
      throw_system_error("the running server's state cannot be read");
    }
    if (got == 0) {
      return bytes;
    }
    bytes.append(part.data(), static_cast<std::size_t>(got));
  }
}

Descriptor duplicate_of(int descriptor) {
  return Descriptor(check_syscall(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0), "fcntl"));
}

void let_inherit(const std::vector<int>& descriptors, bool inherit) {
  for (const int descriptor : descriptors) {
    check_syscall(::fcntl(descriptor, F_SETFD, inherit ? 0 : FD_CLOEXEC), "fcntl");
  }
}

}  // namespace

Upgrade::Upgrade(EventLoop& loop, std::filesystem::path program,
                 std::vector<std::string> command_line)
    : loop_(loop), program_(std::move(program)), command_line_(std::move(command_line)) {}

Upgrade::~Upgrade() { loop_.cancel(kill_timer_); }

void Upgrade::check(const MasterState& state, Checked done) {
  try {
    start_check(state);
  } catch (const std::system_error& error) {
    done(std::string("the installed program could not be started: ") + error.what());
    return;
  }
  done_ = std::move(done);
  kill_timer_ = loop_.call_after(check_time_max, [this] {
    kill_timer_ = EventLoop::no_timer;
    text_ += "(it took too long and was killed)";
    ::kill(process_, SIGKILL);
  });
}

void Upgrade::start_check(const MasterState& state) {
  const Descriptor file = write_down(state);
  std::array<int, 2> ends{};
  check_syscall(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), "pipe2");
  Descriptor ours(ends[0]);
  const Descriptor theirs(ends[1]);
  ChildProgram child{
      .arguments = command_line_,
      .environment = {std::string(order_name) + "=" + std::string(check_order) +
                      std::to_string(file.number())},
      .descriptors = {{theirs.number(), STDERR_FILENO},
                      {file.number(), file.number()},
                      {state.stream.descriptor, state.stream.descriptor},
                      {state.scoreboard_front_descriptor, state.scoreboard_front_descriptor},
                      {state.scoreboard_descriptor, state.scoreboard_descriptor}},
      .own_session = true};
  child.arguments.front() = program_.string();
  for (const SavedWorker& worker : state.supervisor.workers) {
    child.descriptors.push_back({worker.listeners_descriptor, worker.listeners_descriptor});
  }
  text_.clear();
  process_ = start_child(child);
  messages_ = std::move(ours);
  watch_.emplace(loop_, messages_.number(), EPOLLIN, [this](std::uint32_t) { read_messages(); });
}

void Upgrade::read_messages() {
  std::array<char, 4096> part{};
  for (;;) {
    const ssize_t got = ::read(messages_.number(), part.data(), part.size());
    if (got <= 0) {
      if (got == 0 || errno != EAGAIN) {
        watch_.reset();
      }
      return;
    }
    const auto room = text_bytes_max - std::min(text_bytes_max, text_.size());
    text_.append(part.data(), std::min(static_cast<std::size_t>(got), room));
  }
}

bool Upgrade::on_exited(pid_t process, int wait_status) {
  if (process != process_ || process_ == 0) {
    return false;
  }
  process_ = 0;
  loop_.cancel(kill_timer_);
  if (watch_) {
    read_messages();
  }
  watch_.reset();
  messages_.reset();
  while (!text_.empty() && text_.back() == '\n') {
    text_.pop_back();
  }
  const bool can = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
  std::exchange(done_, {})(can ? ""
                               : "the installed program cannot go on from here: it " +
                                     describe_exit(wait_status) +
                                     (text_.empty() ? "" : ": " + text_));
  return true;
}

std::string Upgrade::execute(const MasterState& state) {
  const std::vector<int> descriptors = descriptors_of(state);
  try {
    const Descriptor file = write_down(state);
    const std::string order = std::string(go_on_order) + std::to_string(file.number());
    std::vector<char*> arguments;
    for (std::string& argument : command_line_) {
      arguments.push_back(argument.data());
    }
    arguments.push_back(nullptr);
    let_inherit(descriptors, true);
    let_inherit({file.number()}, true);
    ::setenv(order_name, order.c_str(), 1);
    ::execve(program_.c_str(), arguments.data(), environ);
    const int error_number = errno;
    ::unsetenv(order_name);
    let_inherit(descriptors, false);
    return program_.string() + ": " + std::generic_category().message(error_number);
  } catch (const std::system_error& error) {
    return error.what();
  }
}

std::optional<UpgradeOrder> take_upgrade_order() {
  const char* const value = std::getenv(order_name);
  if (value == nullptr) {
    return std::nullopt;
  }
  const std::string order = value;
  ::unsetenv(order_name);
  const bool check_only = order.starts_with(check_order);
  if (!check_only && !order.starts_with(go_on_order)) {
    throw std::runtime_error(std::string(order_name) + " is for upgrades alone");
  }
  const std::string_view number =
      std::string_view(order).substr(check_only ? check_order.size() : go_on_order.size());
  int descriptor = -1;
  if (std::from_chars(number.data(), number.data() + number.size(), descriptor).ec != std::errc{}) {
    throw std::runtime_error(std::string(order_name) + " names no descriptor");
  }
  const Descriptor file = take_descriptor(descriptor, "the state");
  return UpgradeOrder{.state = decode_master_state(read_whole(file.number())),
                      .check_only = check_only};
}

void check_workers(const MasterState& state) {
  const auto& workers = state.supervisor.workers;
  for (std::size_t slot = 0; slot < workers.size(); ++slot) {
    if (workers[slot].process > 0 &&
        !understand_each_other(workers[slot].protocol, own_protocol())) {
      throw std::runtime_error("worker " + std::to_string(slot) + ", which runs, speaks " +
                               name_of(workers[slot].protocol) + ", this program speaks " +
                               name_of(own_protocol()) +
                               "; only a new start of the server brings them together");
    }
  }
}

void check_shared_memory(const MasterState& state) {
  const StreamSegmentReader stream(duplicate_of(state.stream.descriptor));
  const Scoreboard scoreboard(duplicate_of(state.scoreboard_front_descriptor),
                              duplicate_of(state.scoreboard_descriptor),
                              state.supervisor.workers.size());
  if (state.supervisor.table_layout_version != listener_table_layout_version) {
    throw std::runtime_error("the listener tables have layout version " +
                             std::to_string(state.supervisor.table_layout_version) +
                             ", this program reads " +
                             std::to_string(listener_table_layout_version));
  }
  for (const SavedWorker& worker : state.supervisor.workers) {
    const MemoryFile listeners(duplicate_of(worker.listeners_descriptor));
  }
}

}  // namespace eradio
