// The command whose output the pipe source passes on: an encoder, or a shell with a whole pipeline,
// in a session of its own so that all of it can be stopped. Used by main().
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/descriptor.h"

namespace eradio {

class EncoderProcess {
 public:
  // Starts it, with nothing on its standard input. Throws std::system_error.
  explicit EncoderProcess(const std::vector<std::string>& command);
  EncoderProcess(const EncoderProcess&) = delete;
  EncoderProcess& operator=(const EncoderProcess&) = delete;
  // Stops it if it still runs.
  ~EncoderProcess();

  // What it writes. Borrowed, as the next.
  [[nodiscard]] int output() const noexcept { return output_.number(); }
  // Readable when it has exited (pidfd_open(2)).
  [[nodiscard]] int exited() const noexcept { return exited_.number(); }

  // Waits up to `patience` for it to end by itself, then sends SIGTERM to its process group, and
  // in the end SIGKILL. Returns what waitpid(2) reported.
  int stop(std::chrono::milliseconds patience);

 private:
  [[nodiscard]] bool has_exited_within(std::chrono::milliseconds patience) const;

  Descriptor output_;
  Descriptor exited_;
  pid_t process_ = -1;  // -1 once it was waited for
};

}  // namespace eradio
