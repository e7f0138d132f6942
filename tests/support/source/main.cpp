// eradio-test-source: a source program whose frames describe themselves (test_frame.h) and whose
// behaviour, good or bad, is set by options (behaviour.h). It logs every command that it gets, and
// obeys play and pause.

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "common/clock.h"
#include "common/source_frame_writer.h"
#include "common/system_error.h"
#include "tests/support/source/behaviour.h"
#include "tests/support/test_frame.h"

namespace eradio::testing {
namespace {

class TestSource {
 public:
  explicit TestSource(const Behaviour& behaviour)
      : behaviour_(behaviour), frame_(behaviour.frame_bytes) {}

  // Until the server has gone, or as long as its behaviour says.
  void run() {
    if (!say_hello()) {
      return;
    }
    next_ns_ = monotonic_ns();
    while (behaviour_.frames_max == 0 || sequence_ < behaviour_.frames_max) {
      if (!wait_for_next_frame() || (playing_ && !send_frame())) {
        return;
      }
    }
  }

 private:
  [[nodiscard]] bool say_hello() {
    for (const std::string& line : behaviour_.error_lines) {
      std::fprintf(stderr, "%s\n", line.c_str());
    }
    for (const std::string& message : behaviour_.log_messages) {
      const auto level = static_cast<SourceLogLevel>(std::stoi(message));
      if (!writer_.log(level, std::string_view(message).substr(message.find(':') + 1))) {
        return false;
      }
    }
    return writer_.started("test:tone", behaviour_.track_name);
  }

  // Reads commands while it waits; false when the server has gone.
  [[nodiscard]] bool wait_for_next_frame() {
    for (;;) {
      const std::int64_t wait_ns = playing_ ? next_ns_ - monotonic_ns() : ns_per_second;
      if (playing_ && wait_ns <= 0) {
        break;
      }
      pollfd commands{.fd = commands_open_ && behaviour_.read_commands ? STDIN_FILENO : -1,
                      .events = POLLIN,
                      .revents = 0};
      const timespec wait{.tv_sec = wait_ns / ns_per_second, .tv_nsec = wait_ns % ns_per_second};
      if (::ppoll(&commands, 1, &wait, nullptr) > 0 && !read_commands()) {
        return false;
      }
    }
    if (behaviour_.frames_per_second > 0) {
      next_ns_ += static_cast<std::int64_t>(std::llround(1e9 / behaviour_.frames_per_second));
    }
    return true;
  }

  [[nodiscard]] bool read_commands() {
    std::array<std::uint8_t, 64> commands{};
    const ssize_t got = ::read(STDIN_FILENO, commands.data(), commands.size());
    commands_open_ = got > 0;
    for (ssize_t i = 0; i < got; ++i) {
      const auto command = commands[static_cast<std::size_t>(i)];
      if (!writer_.log(SourceLogLevel::info, "got command " + std::to_string(command))) {
        return false;
      }
      if (command == static_cast<std::uint8_t>(SourceCommand::play) && !playing_) {
        playing_ = true;
        next_ns_ = monotonic_ns();
        return writer_.started("test:tone", behaviour_.track_name);
      }
      if (command == static_cast<std::uint8_t>(SourceCommand::pause) && playing_) {
        playing_ = false;
        return writer_.stopped();
      }
    }
    return true;
  }

  [[nodiscard]] bool send_frame() {
    make_test_frame(frame_, run_, ++sequence_, monotonic_ns());
    return writer_.data(frame_) && misbehave();
  }

  // What is due after the frame that was just sent.
  [[nodiscard]] bool misbehave() {
    for (const BrokenFrame& broken : behaviour_.broken_frames) {
      const auto bytes =
          broken.after == sequence_ ? broken_frame(broken.kind) : std::vector<std::byte>{};
      if (!bytes.empty() && ::write(STDOUT_FILENO, bytes.data(), bytes.size()) < 0) {
        return false;
      }
    }
    if (sequence_ == behaviour_.pause_after) {
      next_ns_ += behaviour_.pause.count() * ns_per_ms;
    }
    if (sequence_ == behaviour_.stop_after) {
      playing_ = false;
      return writer_.stopped();
    }
    if (sequence_ == behaviour_.crash_after) {
      std::abort();
    }
    if (sequence_ == behaviour_.close_output_after) {
      ::close(STDOUT_FILENO);
      for (;;) {
        ::pause();
      }
    }
    return true;
  }

  const Behaviour& behaviour_;
  SourceFrameWriter writer_{STDOUT_FILENO};
  std::vector<std::byte> frame_;
  const std::uint64_t run_ = static_cast<std::uint64_t>(monotonic_ns());
  std::uint64_t sequence_ = 0;
  std::int64_t next_ns_ = 0;
  bool playing_ = true;
  bool commands_open_ = true;
};

int run(const std::vector<std::string>& arguments) {
  const Behaviour behaviour = parse_behaviour(arguments);
  if (behaviour.frame_bytes < test_frame_bytes_min) {
    throw std::runtime_error("a test frame has at least " + std::to_string(test_frame_bytes_min) +
                             " bytes");
  }
  ::signal(SIGPIPE, SIG_IGN);
  if (behaviour.ignore_sigterm) {
    ::signal(SIGTERM, SIG_IGN);
  }
  if (behaviour.fork_child && check_syscall(::fork(), "fork") == 0) {
    for (;;) {
      ::pause();
    }
  }
  TestSource(behaviour).run();
  return behaviour.exit_status;
}

}  // namespace
}  // namespace eradio::testing

int main(int argument_count, char** arguments) {
  try {
    return eradio::testing::run({arguments + 1, arguments + argument_count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "eradio-test-source: %s\n", error.what());
    return 2;
  }
}
