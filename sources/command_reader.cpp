#include "sources/command_reader.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/clock.h"
#include "common/descriptor.h"
#include "common/system_error.h"

namespace eradio {

CommandReader::Event CommandReader::wait(std::optional<std::int64_t> deadline_ns) {
  for (;;) {
    std::array<pollfd, 3> watched{{{.fd = commands_, .events = POLLIN, .revents = 0},
                                   {.fd = wakeup_, .events = POLLIN, .revents = 0},
                                   {.fd = output_, .events = 0, .revents = 0}}};
    timespec left{};
    if (deadline_ns) {
      const std::int64_t left_ns = std::max<std::int64_t>(0, *deadline_ns - monotonic_ns());
      left = {.tv_sec = left_ns / ns_per_second, .tv_nsec = left_ns % ns_per_second};
    }
    const int ready =
        ::ppoll(watched.data(), watched.size(), deadline_ns ? &left : nullptr, nullptr);
    if (ready < 0 && errno != EINTR) {
      throw_system_error("ppoll");
    }
    if (ready < 0) {
      continue;
    }
    if (ready == 0) {
      return Event::deadline;
    }
    if (watched[2].revents != 0) {
      return Event::server_gone;
    }
    if (watched[0].revents != 0 && take_command()) {
      return Event::command;
    }
    if (watched[1].revents != 0) {
      consume_wakeup(wakeup_);
      return Event::woken;
    }
  }
}

bool CommandReader::take_command() {
  std::uint8_t byte = 0;
  const ssize_t got = ::read(commands_, &byte, 1);
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
    commands_ = -1;
  }
  if (got != 1) {
    return false;
  }
  last_command_ = static_cast<SourceCommand>(byte);
  switch (last_command_) {
    case SourceCommand::play:
    case SourceCommand::pause:
    case SourceCommand::previous:
    case SourceCommand::next:
      return true;
  }
  return false;  // a later version's command
}

}  // namespace eradio
