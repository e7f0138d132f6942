#include "tests/sources/source_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/child_process.h"
#include "common/clock.h"
#include "common/system_error.h"

namespace eradio::test {
namespace {

constexpr std::size_t frame_bytes_max = 1 << 20;

std::int64_t in_ns(std::chrono::milliseconds time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

}  // namespace

SourceProcess::SourceProcess(std::vector<std::string> command) : parser_(frame_bytes_max, *this) {
  ::signal(SIGPIPE, SIG_IGN);
  std::array<int, 2> to_source{};
  std::array<int, 2> from_source{};
  check_syscall(::pipe2(to_source.data(), O_CLOEXEC), "pipe2");
  check_syscall(::pipe2(from_source.data(), O_CLOEXEC), "pipe2");
  const Descriptor their_input(to_source[0]);
  input_ = Descriptor(to_source[1]);
  output_ = Descriptor(from_source[0]);
  const Descriptor their_output(from_source[1]);
  process_ =
      start_child({.arguments = std::move(command),
                   .environment = {},
                   .descriptors = {{.ours = their_input.number(), .theirs = STDIN_FILENO},
                                   {.ours = their_output.number(), .theirs = STDOUT_FILENO}}});
}

SourceProcess::~SourceProcess() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
}

void SourceProcess::send(SourceCommand command) {
  const auto byte = static_cast<std::uint8_t>(command);
  check_syscall(::write(input_.number(), &byte, 1), "cannot send a command");
}

bool SourceProcess::read_until(const std::function<bool()>& done,
                               std::chrono::milliseconds patience) {
  const std::int64_t until_ns = monotonic_ns() + in_ns(patience);
  std::array<std::byte, 4096> buffer{};
  while (!done() && !ended_) {
    const std::int64_t left_ns = until_ns - monotonic_ns();
    if (left_ns <= 0) {
      return false;
    }
    pollfd watched{.fd = output_.number(), .events = POLLIN, .revents = 0};
    if (::poll(&watched, 1, static_cast<int>(left_ns / ns_per_ms + 1)) <= 0) {
      continue;
    }
    const ssize_t got = ::read(output_.number(), buffer.data(), buffer.size());
    if (got > 0) {
      parser_.feed(std::span(buffer).first(static_cast<std::size_t>(got)));
    } else {
      parser_.finish();
      ended_ = true;
    }
  }
  return done();
}

void SourceProcess::terminate() const { ::kill(process_, SIGTERM); }

int SourceProcess::wait(std::chrono::milliseconds patience) {
  const std::int64_t until_ns = monotonic_ns() + in_ns(patience);
  int status = 0;
  while (::waitpid(process_, &status, WNOHANG) == 0) {
    if (monotonic_ns() > until_ns) {
      return -1;
    }
    ::usleep(5000);
  }
  process_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::size_t SourceProcess::count(SourceEvent::Kind kind) const {
  return static_cast<std::size_t>(
      std::count_if(events_.begin(), events_.end(),
                    [&](const SourceEvent& event) { return event.kind == kind; }));
}

std::vector<std::vector<std::byte>> SourceProcess::data_frames() const {
  std::vector<std::vector<std::byte>> frames;
  for (const SourceEvent& event : events_) {
    if (event.kind == SourceEvent::Kind::data) {
      frames.push_back(event.data);
    }
  }
  return frames;
}

std::vector<TrackName> SourceProcess::tracks() const {
  std::vector<TrackName> tracks;
  for (const SourceEvent& event : events_) {
    if (event.kind == SourceEvent::Kind::started) {
      tracks.push_back(event.track);
    }
  }
  return tracks;
}

bool SourceProcess::has_log(std::string_view part) const {
  return std::any_of(events_.begin(), events_.end(), [&](const SourceEvent& event) {
    return event.kind == SourceEvent::Kind::log && event.text.find(part) != std::string::npos;
  });
}

void SourceProcess::log(SourceLogLevel, std::string_view text) {
  events_.push_back(
      {.kind = SourceEvent::Kind::log, .time_ns = monotonic_ns(), .text = std::string(text)});
}

void SourceProcess::data(FrameKind /*kind*/, std::span<const std::byte> frame) {
  events_.push_back({.kind = SourceEvent::Kind::data,
                     .time_ns = monotonic_ns(),
                     .data = std::vector(frame.begin(), frame.end())});
}

void SourceProcess::started(const std::optional<TrackName>& track) {
  events_.push_back({.kind = SourceEvent::Kind::started,
                     .time_ns = monotonic_ns(),
                     .track = track.value_or(TrackName{})});
}

void SourceProcess::stopped() {
  events_.push_back({.kind = SourceEvent::Kind::stopped, .time_ns = monotonic_ns()});
}

void SourceProcess::broken(const BrokenSourceFrame& frame) {
  events_.push_back(
      {.kind = SourceEvent::Kind::broken, .time_ns = monotonic_ns(), .text = frame.reason});
}

}  // namespace eradio::test
