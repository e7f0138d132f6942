// How eradioctl ends when it cannot do what it was asked to: one line on standard error, and the
// exit status that docs/control.md and --help promise.
#pragma once

#include <stdexcept>
#include <string>

namespace eradio {

enum class ExitStatus { ok = 0, refused = 1, usage = 2, no_server = 3, no_permission = 4 };

class Failure : public std::runtime_error {
 public:
  Failure(ExitStatus status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  [[nodiscard]] ExitStatus status() const noexcept { return status_; }

 private:
  ExitStatus status_;
};

}  // namespace eradio
