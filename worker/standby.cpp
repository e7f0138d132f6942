#include "worker/standby.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>

#include "common/descriptor.h"
#include "common/system_error.h"
#include "shm/listener_table.h"
#include "shm/scoreboard.h"
#include "shm/stream_segment.h"

namespace eradio {
namespace {

Descriptor duplicate_of(int descriptor) {
  const int duplicate = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  check_syscall(duplicate, "fcntl");
  return Descriptor(duplicate);
}

void check_shared_memory(const WorkerSettings& settings) {
  const StreamSegmentReader stream(duplicate_of(worker_descriptor::stream));
  const WorkerScoreboard scoreboard(duplicate_of(worker_descriptor::scoreboard_front),
                                    duplicate_of(worker_descriptor::scoreboard), settings.slot);
  const ListenerTable listeners(duplicate_of(worker_descriptor::listeners));
}

}  // namespace

bool stand_by(const WorkerSettings& settings) {
  check_shared_memory(settings);
  const int control = worker_descriptor::control;
  if (send_worker_message(control, WorkerMessageType::standby, settings.generation) !=
      SendResult::sent) {
    return false;
  }
  return wait_for_slot(control);
}

bool wait_for_slot(int control) {
  pollfd waiting{.fd = control, .events = POLLIN, .revents = 0};
  while (::poll(&waiting, 1, -1) < 0) {
    if (errno != EINTR) {
      check_syscall(-1, "poll");
    }
  }
  // A closed line is readable, too.
  std::byte first{};
  return ::recv(control, &first, sizeof first, MSG_PEEK | MSG_DONTWAIT) > 0;
}

}  // namespace eradio
