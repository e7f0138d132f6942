#include "tests/bench/bare_loop_server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>

#include "common/child_process.h"
#include "common/system_error.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"

namespace eradio::testing {

BareLoopServer::BareLoopServer(int processes, double frames_per_second, std::size_t frame_bytes) {
  std::array<int, 2> ends{};
  check_syscall(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  const Descriptor input(ends[0]);
  stop_ = Descriptor(ends[1]);
  parent_ =
      start_child({.arguments = {ERADIO_BARE_LOOP, std::to_string(processes),
                                 std::to_string(frames_per_second), std::to_string(frame_bytes)},
                   .environment = {},
                   .descriptors = {{.ours = input.number(), .theirs = STDIN_FILENO},
                                   {.ours = output_.write_end(), .theirs = STDOUT_FILENO}}});
  output_.close_ours();
  const auto line = output_.wait_for("port ", patience);
  if (!line) {
    throw std::runtime_error("eradio-bare-loop does not start");
  }
  port_ = static_cast<std::uint16_t>(std::stoul(line->substr(5)));
}

BareLoopServer::~BareLoopServer() {
  stop_.reset();
  if (!wait_for_child(parent_, patience)) {
    ::kill(parent_, SIGKILL);
    ::waitpid(parent_, nullptr, 0);
  }
}

std::vector<pid_t> BareLoopServer::processes() const {
  std::vector<pid_t> processes;
  for (const auto& child : children_of(parent_)) {
    processes.push_back(child.id);
  }
  return processes;
}

}  // namespace eradio::testing
