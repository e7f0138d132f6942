#include "sources/pipe/encoder_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "common/child_process.h"
#include "common/system_error.h"

extern "C" {  // glibc 2.36 forgot to say so itself
#include <sys/pidfd.h>
}

namespace eradio {
namespace {

// From SIGTERM to SIGKILL. Less than the five seconds that the server leaves us for the same.
constexpr std::chrono::milliseconds kill_after{3000};

}  // namespace

EncoderProcess::EncoderProcess(const std::vector<std::string>& command) {
  std::array<int, 2> ends{};
  check_syscall(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  output_ = Descriptor(ends[0]);
  const Descriptor write_end(ends[1]);
  const Descriptor nothing(
      check_syscall(::open("/dev/null", O_RDONLY | O_CLOEXEC), "cannot open /dev/null"));
  process_ = start_child({.arguments = command,
                          .environment = {},
                          .descriptors = {{.ours = nothing.number(), .theirs = STDIN_FILENO},
                                          {.ours = write_end.number(), .theirs = STDOUT_FILENO}},
                          .own_session = true});
  exited_ = Descriptor(check_syscall(::pidfd_open(process_, 0), "pidfd_open"));
}

EncoderProcess::~EncoderProcess() {
  if (process_ > 0) {
    stop(std::chrono::milliseconds(0));
  }
}

bool EncoderProcess::has_exited_within(std::chrono::milliseconds patience) const {
  pollfd watched{.fd = exited_.number(), .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&watched, 1, static_cast<int>(patience.count()));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

int EncoderProcess::stop(std::chrono::milliseconds patience) {
  if (!has_exited_within(patience)) {
    ::kill(-process_, SIGTERM);
    (void)has_exited_within(kill_after);
  }
  // Whatever is left of the group. Before waiting, while the number is surely still its own.
  ::kill(-process_, SIGKILL);
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  return status;
}

}  // namespace eradio
