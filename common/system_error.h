// Failures of set-up system calls become std::system_error with the context in words. Not for
// what is expected while serving (would block, peer gone): that is a value at the call's place.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace eradio {

[[noreturn]] inline void throw_system_error(const std::string& context, int error_number = errno) {
  throw std::system_error(error_number, std::generic_category(), context);
}

// Returns `result` unless it is negative; then throws with errno and `context`.
template <typename Result>
Result check_syscall(Result result, const char* context) {
  if (result < 0) {
    throw_system_error(context);
  }
  return result;
}

}  // namespace eradio
