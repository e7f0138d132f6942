// What a process has of io_uring(7), as /proc says.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "common/descriptor.h"

namespace eradio::test {

// Every ring of this process fails from now on: something else is open under its number.
inline int break_rings() {
  const Descriptor other(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  int broken = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(entry.path(), error);
    if (!error && target == "anon_inode:[io_uring]") {
      ::dup3(other.number(), std::stoi(entry.path().filename()), O_CLOEXEC);
      ++broken;
    }
  }
  return broken;
}

}  // namespace eradio::test
