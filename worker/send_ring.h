// Many send(2) calls in one system call, through io_uring(7): the kernel is entered once for a
// batch, and the sockets are found in a table of the ring's own. What comes back is what send(2)
// would have said of each.
//
// A filter of system calls does not see what a ring is asked to do. So this one is restricted,
// before its first use and for good, to sends on sockets that it was told of
// (io_uring_register_restrictions(3)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

struct io_uring;

namespace eradio {

// Of a ring that was made with IORING_SETUP_R_DISABLED: enables it, for sends on registered sockets
// and for registering them, and for nothing else, ever. Throws std::system_error.
void enable_for_sends(io_uring& ring);

class SendRing {
 public:
  // So many sends are handed to the kernel at once, at most.
  static constexpr unsigned batch_max = 64;

  // The kernel makes the table of sockets at once, 8 to 16 bytes for each: those with higher
  // numbers are sent to without the ring.
  static constexpr unsigned sockets_max = 65'536;

  // For sockets whose numbers are below `sockets`, or sockets_max. Throws std::system_error where
  // the kernel has no such ring (before 6.0), or this process may not have one.
  explicit SendRing(unsigned sockets);
  ~SendRing();
  SendRing(const SendRing&) = delete;
  SendRing& operator=(const SendRing&) = delete;

  // The connection stays open until its socket is forgotten, too. False: it cannot be sent to in
  // this way.
  [[nodiscard]] bool remember(int socket) noexcept;
  void forget(int socket) noexcept;

  // To be sent with the next submit(), as far as that can be at once; the bytes must stay until
  // then. Not more than batch_max.
  void add(int socket, std::span<const std::byte> bytes) noexcept;
  // For each that was added, in that order: how many bytes TCP has taken, or a negated errno, which
  // is EINTR for those that were not tried, or for which the ring had no memory. They stay until
  // the next add().
  [[nodiscard]] std::span<const std::int32_t> submit() noexcept;
  // Why the kernel takes nothing any more, an errno; 0 while it does.
  [[nodiscard]] int broken() const noexcept;

 private:
  struct Ring;
  std::unique_ptr<Ring> ring_;
};

}  // namespace eradio
