#include "common/descriptor.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "common/system_error.h"

namespace eradio {

void Descriptor::reset() noexcept {
  if (number_ >= 0) {
    ::close(number_);  // close(2): the number is free even when it reports an error
    number_ = -1;
  }
}

void set_nonblocking(int descriptor) {
  const int flags = check_syscall(::fcntl(descriptor, F_GETFL), "fcntl F_GETFL");
  if ((flags & O_NONBLOCK) == 0) {
    check_syscall(::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK), "fcntl F_SETFL O_NONBLOCK");
  }
}

bool read_status(int descriptor, struct stat& status) noexcept {
  if constexpr (status_needs_no_path) {
    return ::syscall(SYS_fstat, descriptor, &status) == 0;  // there the kernel's is the library's
  } else {
    return ::fstat(descriptor, &status) == 0;
  }
}

Descriptor make_wakeup() {
  return Descriptor(check_syscall(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
}

void wake(int wakeup) noexcept {
  const std::uint64_t one = 1;
  // It fails only when the counter is at its limit, and then the reader is awake anyway.
  [[maybe_unused]] const auto written = ::write(wakeup, &one, sizeof one);
}

void consume_wakeup(int wakeup) noexcept {
  std::uint64_t count = 0;
  // It fails only when nobody has called wake(), and then there is nothing to reset.
  [[maybe_unused]] const auto got = ::read(wakeup, &count, sizeof count);
}

void open_standard_descriptors() {
  int number = -1;
  do {
    number = check_syscall(::open("/dev/null", O_RDWR), "open /dev/null");
  } while (number <= STDERR_FILENO);
  ::close(number);
}

namespace {

rlimit descriptor_limits() {
  rlimit limit{};
  check_syscall(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit RLIMIT_NOFILE");
  return limit;
}

}  // namespace

unsigned long descriptor_limit() { return descriptor_limits().rlim_cur; }

unsigned long raise_descriptor_limit() {
  rlimit limit = descriptor_limits();
  limit.rlim_cur = limit.rlim_max;
  check_syscall(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit RLIMIT_NOFILE");
  return limit.rlim_cur;
}

}  // namespace eradio
