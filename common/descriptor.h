// A file descriptor with one owner: closed when its owner goes. Everything that owns a
// descriptor holds one of these; a plain int is always borrowed.
#pragma once

#include <utility>

struct stat;  // sys/stat.h

namespace eradio {

class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }

  [[nodiscard]] int number() const noexcept { return number_; }
  explicit operator bool() const noexcept { return number_ >= 0; }
  // Closes it, if there is one.
  void reset() noexcept;
  // Gives it up without closing.
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

// Sets O_NONBLOCK, unless it is set: a worker in its sandbox may change no flags. Throws
// std::system_error.
void set_nonblocking(int descriptor);

// Whether read_status() is a call that takes a descriptor and no path, so that a worker's sandbox
// need not allow one that can look at any file.
constexpr bool status_needs_no_path = sizeof(long) == 8;
// fstat(2), which C libraries make by newfstatat(2). False, and errno, when it fails.
[[nodiscard]] bool read_status(int descriptor, struct stat& status) noexcept;

// An eventfd(2), non-blocking: any process that holds it can wake the one that polls it.
Descriptor make_wakeup();
// Adds one to the wake-up counter; never blocks.
void wake(int wakeup) noexcept;
// Resets the counter, so that polling waits for the next wake().
void consume_wakeup(int wakeup) noexcept;

// Opens /dev/null for those of the standard descriptors 0, 1 and 2 that are closed, so that nothing
// else ever gets their numbers: a listener's socket must not become somebody's standard error.
void open_standard_descriptors();

// How many descriptors this process may have open (getrlimit(2), soft).
unsigned long descriptor_limit();

// Raises the soft limit of open descriptors to the hard one (getrlimit(2)); returns the limit.
unsigned long raise_descriptor_limit();

}  // namespace eradio
