#include "tests/bench/send_loop_server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

#include "common/child_process.h"
#include "common/system_error.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"

namespace eradio::testing {

SendLoopServer::SendLoopServer(std::vector<std::string> command,
                               const std::string& network_namespace) {
  const std::string name = std::filesystem::path(command.front()).filename();
  if (!network_namespace.empty()) {
    command.insert(command.begin(), {"nsenter", "--net=" + network_namespace, "--"});
  }
  std::array<int, 2> ends{};
  check_syscall(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  const Descriptor input(ends[0]);
  stop_ = Descriptor(ends[1]);
  parent_ = start_child({.arguments = command,
                         .environment = {},
                         .descriptors = {{.ours = input.number(), .theirs = STDIN_FILENO},
                                         {.ours = output_.write_end(), .theirs = STDOUT_FILENO}}});
  output_.close_ours();
  const auto line = output_.wait_for("port ", patience);
  if (!line) {
    throw std::runtime_error(name + " does not start");
  }
  port_ = static_cast<std::uint16_t>(std::stoul(line->substr(5)));
}

SendLoopServer::~SendLoopServer() {
  stop_.reset();
  if (!wait_for_child(parent_, patience)) {
    ::kill(parent_, SIGKILL);
    ::waitpid(parent_, nullptr, 0);
  }
}

std::vector<pid_t> SendLoopServer::processes() const {
  std::vector<pid_t> processes;
  for (const auto& child : children_of(parent_)) {
    processes.push_back(child.id);
  }
  return processes;
}

}  // namespace eradio::testing
