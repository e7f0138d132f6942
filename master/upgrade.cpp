#include "master/upgrade.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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
#include "common/log.h"
#include "common/pipe.h"
#include "common/system_error.h"
#include "common/version.h"
#include "common/worker_protocol.h"

namespace eradio {
namespace {

constexpr const char* order_name = "ERADIO_UPGRADE";  // "check N" or "go on N": descriptor N
constexpr std::string_view check_order = "check ";
constexpr std::string_view go_on_order = "go on ";
constexpr std::string_view consent = "can go on: ";  // and who says so; a line
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

// Of a script the kernel would execute another program, and by a path that has gone by then.
Descriptor open_program(const std::filesystem::path& path) {
  constexpr std::string_view magic =
      "\x7f"
      "ELF";
  // A fifo would not open before somebody writes.
  Descriptor file(
      check_syscall(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK), path.c_str()));
  std::array<char, magic.size()> start{};
  if (::pread(file.number(), start.data(), start.size(), 0) != std::ssize(start) ||
      std::string_view(start.data(), start.size()) != magic) {
    throw std::runtime_error(path.string() + " is no executable in the format ELF");
  }
  return file;
}

// What is in a pipe just now, or its first part.
std::string read_part(int pipe) {
  std::array<char, 4096> part{};
  const ssize_t got = ::read(pipe, part.data(), part.size());
  return {part.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
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
    file_ = open_program(program_);
    start_check(state);
  } catch (const std::runtime_error& error) {  // of the system's, too
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
  Pipe consent_pipe = make_pipe(O_NONBLOCK);
  Pipe messages = make_pipe(O_NONBLOCK);
  ChildProgram child{
      .arguments = command_line_,
      .executable = file_.number(),
      .environment = {std::string(order_name) + "=" + std::string(check_order) +
                      std::to_string(file.number())},
      .descriptors = {{consent_pipe.write_end.number(), STDOUT_FILENO},
                      {messages.write_end.number(), STDERR_FILENO},
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
  consent_ = std::move(consent_pipe.read_end);
  messages_ = std::move(messages.read_end);
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
  const std::string error = refusal(wait_status);
  consent_.reset();
  if (!error.empty()) {
    file_.reset();
  }
  std::exchange(done_, {})(error);
  return true;
}

std::string Upgrade::refusal(int wait_status) {
  std::string said = read_part(consent_.number());
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0 && said.starts_with(consent) &&
      said.back() == '\n') {
    said.pop_back();
    log::info("the program at {} {}", program_.string(), said);
    return "";
  }
  while (!text_.empty() && text_.back() == '\n') {
    text_.pop_back();
  }
  return "the installed program cannot go on from here: it " + describe_exit(wait_status) +
         (wait_status == 0 ? " and did not say that it can" : "") +
         (text_.empty() ? "" : ": " + text_);
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
    log::info("process {} becomes the program at {}", ::getpid(), program_.string());
    ::fexecve(file_.number(), arguments.data(), environ);
    const int error_number = errno;
    ::unsetenv(order_name);
    let_inherit(descriptors, false);
    file_.reset();
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
  ::prctl(PR_SET_NAME, program_invocation_short_name);  // it would be the number of an open file
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

void say_that_it_can_go_on() {
  const std::string text = std::string(consent) + "eradio " + ERADIO_VERSION + ", state " +
                           std::to_string(master_state_version) + ", " + name_of(own_protocol()) +
                           "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) != std::ssize(text)) {
    throw_system_error("the master cannot be told");
  }
}

}  // namespace eradio
