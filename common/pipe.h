// A pipe whose ends no program inherits by accident.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "common/descriptor.h"
#include "common/system_error.h"

namespace eradio {

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
};

// `flags`: of pipe2(2), besides. Throws std::system_error.
inline Pipe make_pipe(int flags = 0) {
  std::array<int, 2> ends{};
  check_syscall(::pipe2(ends.data(), O_CLOEXEC | flags), "pipe2");
  return {.read_end = Descriptor(ends[0]), .write_end = Descriptor(ends[1])};
}

}  // namespace eradio
