#include "worker/send_ring.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <liburing.h>

#include "common/check.h"
#include "common/system_error.h"

namespace eradio {
namespace {

// liburing returns negated errno values.
void check_ring(int result, const char* context) {
  if (result < 0) {
    throw_system_error(context, -result);
  }
}

}  // namespace

void enable_for_sends(io_uring& ring) {
  std::array<io_uring_restriction, 3> only{};
  only[0].opcode = IORING_RESTRICTION_SQE_OP;
  only[0].sqe_op = IORING_OP_SEND;
  only[1].opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED;
  only[1].sqe_flags = IOSQE_FIXED_FILE;
  only[2].opcode = IORING_RESTRICTION_REGISTER_OP;
  only[2].register_op = IORING_REGISTER_FILES_UPDATE;
  // Debian 12's shared library exports neither io_uring_register_restrictions(3) nor
  // io_uring_enable_rings(3), which do no more than this.
  const auto ring_number = static_cast<unsigned>(ring.ring_fd);
  check_ring(
      ::io_uring_register(ring_number, IORING_REGISTER_RESTRICTIONS, only.data(), only.size()),
      "IORING_REGISTER_RESTRICTIONS");
  check_ring(::io_uring_register(ring_number, IORING_REGISTER_ENABLE_RINGS, nullptr, 0),
             "IORING_REGISTER_ENABLE_RINGS");
}

struct SendRing::Ring {
  // SUBMIT_ALL: one send that fails is no reason not to try the others.
  Ring() {
    constexpr unsigned flags =
        IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL;
    check_ring(::io_uring_queue_init(batch_max, &uring, flags), "io_uring_setup");
  }
  ~Ring() { ::io_uring_queue_exit(&uring); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  io_uring uring{};
  unsigned sockets = 0;
  unsigned added = 0;
  int error_number = 0;
  std::array<std::int32_t, batch_max> results{};
};

SendRing::SendRing(unsigned sockets) : ring_(std::make_unique<Ring>()) {
  ring_->sockets = std::min(sockets, sockets_max);
  io_uring& uring = ring_->uring;
  check_ring(::io_uring_register_files_sparse(&uring, ring_->sockets), "io_uring_register_files");
  enable_for_sends(uring);
}

SendRing::~SendRing() = default;

bool SendRing::remember(int socket) noexcept {
  return static_cast<unsigned>(socket) < ring_->sockets &&
         ::io_uring_register_files_update(&ring_->uring, static_cast<unsigned>(socket), &socket,
                                          1) == 1;
}

void SendRing::forget(int socket) noexcept {
  int none = -1;
  ::io_uring_register_files_update(&ring_->uring, static_cast<unsigned>(socket), &none, 1);
}

void SendRing::add(int socket, std::span<const std::byte> bytes) noexcept {
  io_uring_sqe* const entry = ::io_uring_get_sqe(&ring_->uring);
  ERADIO_CHECK(entry != nullptr);
  ::io_uring_prep_send(entry, socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  entry->flags |= IOSQE_FIXED_FILE;
  entry->user_data = ring_->added++;
}

std::span<const std::int32_t> SendRing::submit() noexcept {
  const unsigned added = std::exchange(ring_->added, 0);
  const auto results = std::span(ring_->results).first(added);
  std::fill(results.begin(), results.end(), -EINTR);
  // EAGAIN: the kernel has no memory for a request just now. A process that gets a signal each time
  // is not to be expected either.
  int attempts_left = 10;
  for (unsigned done = 0; done < added && ring_->error_number == 0;) {
    const int result = ::io_uring_submit_and_wait(&ring_->uring, added - done);
    if (result < 0 && ((result != -EINTR && result != -EAGAIN) || --attempts_left == 0)) {
      ring_->error_number = -result;
    }
    for (io_uring_cqe* entry = nullptr; ::io_uring_peek_cqe(&ring_->uring, &entry) == 0; ++done) {
      results[entry->user_data] = entry->res == -ENOMEM ? -EINTR : entry->res;
      ::io_uring_cqe_seen(&ring_->uring, entry);
    }
  }
  return results;
}

int SendRing::broken() const noexcept { return ring_->error_number; }

}  // namespace eradio
