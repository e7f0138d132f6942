#include "master/state_check.h"

#include <fcntl.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/client_kind.h"
#include "common/system_error.h"
#include "master/programme.h"
#include "master/vetoes.h"
#include "shm/listener_table.h"
#include "shm/memory_file.h"
#include "shm/scoreboard.h"
#include "shm/stream_segment.h"

namespace eradio {
namespace {

Descriptor duplicate_of(int descriptor) {
  return Descriptor(check_syscall(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0), "fcntl"));
}

void expect(bool holds, const char* what) {
  if (!holds) {
    throw std::runtime_error(std::string("the running server's state does not fit together: ") +
                             what);
  }
}

void check_descriptors(const MasterState& state) {
  std::vector<int> all = descriptors_of(state);
  std::sort(all.begin(), all.end());
  expect(std::adjacent_find(all.begin(), all.end()) == all.end(), "a descriptor twice");
  expect(all.empty() || all.front() >= 0, "a descriptor that is none");
  expect(state.stream.descriptor >= 0 && state.scoreboard_front_descriptor >= 0 &&
             state.scoreboard_descriptor >= 0,
         "no shared memory");
  for (const auto& slot : state.sockets.tcp_descriptors) {
    expect(!slot.empty() && *std::min_element(slot.begin(), slot.end()) >= 0,
           "a worker without listening sockets");
  }
  expect(*std::min_element(state.stream.wakeup_descriptors.begin(),
                           state.stream.wakeup_descriptors.end()) >= 0,
         "a worker that cannot be woken");
}

void check_source(const SavedSource& source) {
  expect(source.process <= 0 || (source.commands_descriptor >= 0 && source.frames_descriptor >= 0 &&
                                 source.errors_descriptor >= 0),
         "a source without its lines");
}

void check_clients(const SavedWorker& worker) {
  std::set<std::uint32_t> records;
  for (const SavedEscrowItem& item : worker.escrow) {
    expect(item.kind >= static_cast<std::uint32_t>(ClientKind::listener) &&
               item.kind <= static_cast<std::uint32_t>(ClientKind::event_stream) &&
               item.serial > 0 && item.serial <= serial_max && item.descriptor >= 0 &&
               records.insert(item.record).second,
           "a client that cannot be");
  }
}

}  // namespace

void check_state(const MasterState& state) {
  const auto& workers = state.supervisor.workers;
  expect(!workers.empty() && state.sockets.tcp_descriptors.size() >= workers.size() &&
             state.stream.wakeup_descriptors.size() >= workers.size(),
         "not all workers have sockets");
  check_descriptors(state);
  check_source(state.source);
  for (const SavedWorker& worker : workers) {
    expect(worker.listeners_descriptor >= 0, "a worker without a listener table");
    expect(worker.process <= 0 || worker.control_descriptor >= 0, "a worker without its line");
    check_clients(worker);
  }
  const DecodedProgramme programme = decode_programme(state.programme);
  constexpr double any_ratio = 0.5;
  Vetoes(any_ratio, workers.size()).resume(state.programme, programme.now_playing.playing);
}

void check_workers(const MasterState& state) {
  const auto& workers = state.supervisor.workers;
  for (std::size_t slot = 0; slot < workers.size(); ++slot) {
    if (workers[slot].process > 0 &&
        !understand_each_other(workers[slot].protocol, own_protocol())) {
      throw std::runtime_error("worker " + std::to_string(slot) + ", which runs, speaks " +
                               name_of(workers[slot].protocol) + ", this program speaks " +
                               name_of(own_protocol()) +
                               "; only a new start of the server brings them together");
    }
  }
}

void check_shared_memory(const MasterState& state) {
  StreamSegmentReader stream(duplicate_of(state.stream.descriptor));
  stream.ring().skip_to_newest();
  std::vector<std::byte> payload(stream.ring().payload_bytes_max());
  Record record;
  if (stream.ring().read(record, payload) == ReadResult::damaged) {
    throw std::runtime_error("the ring is damaged: its newest record cannot be read");
  }
  const Scoreboard scoreboard(duplicate_of(state.scoreboard_front_descriptor),
                              duplicate_of(state.scoreboard_descriptor),
                              state.supervisor.workers.size());
  if (state.supervisor.table_layout_version != listener_table_layout_version) {
    throw std::runtime_error("the listener tables have layout version " +
                             std::to_string(state.supervisor.table_layout_version) +
                             ", this program reads " +
                             std::to_string(listener_table_layout_version));
  }
  for (const SavedWorker& worker : state.supervisor.workers) {
    const MemoryFile listeners(duplicate_of(worker.listeners_descriptor));
    if (listeners.bytes() < listener_table_bytes(state.supervisor.table_records)) {
      throw std::runtime_error("a listener table is smaller than it is said to be");
    }
  }
}

}  // namespace eradio
