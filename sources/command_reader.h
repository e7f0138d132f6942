// A source's ear: waits for the next command of the server, a deadline, a wake-up from another
// thread, or the end of the server, whichever comes first. Used by the demo and the play source
// as the one place where they sleep.
#pragma once

#include <cstdint>
#include <optional>

#include "common/source_protocol.h"

namespace eradio {

class CommandReader {
 public:
  enum class Event {
    command,      // see last_command()
    deadline,     // the time has come
    woken,        // the wake-up counter was raised; it has been reset
    server_gone,  // nobody reads the output any more
  };

  // All borrowed: standard input, standard output (only watched for its reader's end), and an
  // eventfd (descriptor.h) or -1.
  CommandReader(int commands, int output, int wakeup = -1) noexcept
      : commands_(commands), output_(output), wakeup_(wakeup) {}

  // Without a deadline it waits for the other events only. A command that is already there comes
  // before a deadline that has passed. The end of the command input is not an event: whoever has
  // closed it may still want to listen. Throws std::system_error.
  [[nodiscard]] Event wait(std::optional<std::int64_t> deadline_ns);
  [[nodiscard]] SourceCommand last_command() const noexcept { return last_command_; }

 private:
  // Reads one byte; false when it was not a command or the input has ended.
  bool take_command();

  int commands_;  // -1 after its end
  int output_;
  int wakeup_;
  SourceCommand last_command_{};
};

}  // namespace eradio
