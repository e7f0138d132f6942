// eradio-test-source: a source program whose frames describe themselves (test_frame.h) and whose
// behaviour, good or bad, is set by options (behaviour.h). It logs every command that it gets, and
// obeys play and pause; and whatever a test tells it through a FIFO (remote.h).

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "common/clock.h"
#include "common/source_frame_writer.h"
#include "common/system_error.h"
#include "tests/support/source/behaviour.h"
#include "tests/support/source/remote.h"
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
      if (!wait_for_next_frame() || (is_pacing() && !send_frame())) {
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
    return say_started();
  }

  // Reads commands while it waits; false when the server has gone.
  [[nodiscard]] bool wait_for_next_frame() {
    for (;;) {
      const std::int64_t wait_ns = is_pacing() ? next_ns_ - monotonic_ns() : ns_per_second;
      if (is_pacing() && wait_ns <= 0) {
        break;
      }
      std::array<pollfd, 2> inputs{
          pollfd{.fd = commands_open_ && behaviour_.read_commands ? STDIN_FILENO : -1,
                 .events = POLLIN,
                 .revents = 0},
          pollfd{.fd = remote_.descriptor(), .events = POLLIN, .revents = 0}};
      const timespec wait{.tv_sec = wait_ns / ns_per_second, .tv_nsec = wait_ns % ns_per_second};
      ::ppoll(inputs.data(), inputs.size(), &wait, nullptr);
      if ((inputs[0].revents != 0 && !read_commands()) ||
          (inputs[1].revents != 0 && !obey_remote())) {
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
        return say_started();
      }
      if (command == static_cast<std::uint8_t>(SourceCommand::pause) && playing_) {
        playing_ = false;
        return writer_.stopped();
      }
    }
    return true;
  }

  [[nodiscard]] bool obey_remote() {
    for (const RemoteCommand& command : remote_.read()) {
      if (!obey(command)) {
        return false;
      }
    }
    return true;
  }

  [[nodiscard]] bool obey(const RemoteCommand& command) {
    switch (command.action) {
      case RemoteAction::hold:
        held_ = true;
        return true;
      case RemoteAction::go:
        held_ = false;
        next_ns_ = monotonic_ns();
        return true;
      case RemoteAction::frame:
        return send_frame();
      case RemoteAction::track:
        playing_ = true;
        return writer_.started("test:" + command.text, command.text);
      case RemoteAction::unknown_track:
        playing_ = true;
        return writer_.started();
      case RemoteAction::stop:
        playing_ = false;
        return writer_.stopped();
    }
    return true;
  }

  // Whether frames are sent at their times, and not when the remote says so.
  [[nodiscard]] bool is_pacing() const noexcept { return playing_ && !held_; }

  [[nodiscard]] bool send_frame() {
    if (behaviour_.track_every > 0 && sequence_ > 0 && sequence_ % behaviour_.track_every == 0 &&
        !say_started()) {
      return false;
    }
    if (behaviour_.header_every > 0 && sequence_ % behaviour_.header_every == 0 && !send_header()) {
      return false;
    }
    const FrameKind kind =
        sequence_ % behaviour_.sync_every == 0 ? FrameKind::sync_point : FrameKind::dependent;
    make_test_frame(frame_, run_, ++sequence_, monotonic_ns(), kind, header_);
    return writer_.data(kind, frame_) && misbehave();
  }

  [[nodiscard]] bool say_started() {
    return writer_.started("test:tone", behaviour_.track_every > 0 ? std::to_string(monotonic_ns())
                                                                   : behaviour_.track_name);
  }

  [[nodiscard]] bool send_header() {
    header_ = header_ == UINT8_MAX ? 1 : static_cast<std::uint8_t>(header_ + 1);
    std::vector<std::byte> bytes(behaviour_.header_bytes);
    make_test_frame(bytes, run_, sequence_, monotonic_ns(), FrameKind::header, header_);
    return writer_.data(FrameKind::header, bytes);
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
  RemoteCommands remote_{behaviour_.remote_path};
  std::vector<std::byte> frame_;
  const std::uint64_t run_ = static_cast<std::uint64_t>(monotonic_ns());
  std::uint64_t sequence_ = 0;
  std::uint8_t header_ = 0;  // the number of the newest
  std::int64_t next_ns_ = 0;
  bool playing_ = true;
  bool held_ = false;
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
