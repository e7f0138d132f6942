// What the server says of itself: values that the master collects, and the JSON that is made of
// them. Both the control socket and the status server show this.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shm/listener_table.h"
#include "shm/scoreboard.h"
#include "shm/stream_metadata.h"

namespace eradio {

// Counters of the stream, over all listeners; and of what became of clients when workers ended.
struct StreamTotals {
  std::uint64_t frames_sent = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t frames_skipped = 0;
  std::uint64_t jumps = 0;
  std::uint64_t adopted = 0;         // listeners that a new worker went on with
  std::uint64_t not_adopted = 0;     // and that it could not go on with
  std::uint64_t notify_adopted = 0;  // the same of WebSockets and event streams
  std::uint64_t notify_not_adopted = 0;
  std::uint64_t requests_dropped = 0;  // half read or half answered when a worker ended

  StreamTotals& operator+=(const StreamTotals& other);
  bool operator==(const StreamTotals&) const = default;
};

StreamTotals stream_totals(const WorkerCounters& counters);

struct SourceStatus {
  pid_t process = 0;  // 0: it does not run just now
  std::uint64_t restarts = 0;
};

// One slot, as the supervisor knows it.
struct WorkerProcess {
  std::size_t slot = 0;
  pid_t process = 0;  // 0: it has ended, and its successor is not there yet
  std::uint64_t generation = 0;
  std::uint64_t restarts = 0;
  std::int64_t started_ns = 0;  // CLOCK_MONOTONIC
  bool ready = false;
};

struct WorkerStatus {
  WorkerProcess process;
  std::uint64_t connections = 0;  // listeners included
  std::uint64_t listeners = 0;
  std::uint64_t notify_clients = 0;  // WebSockets and event streams
  StreamTotals totals;               // since the process started
};

WorkerStatus worker_status(const WorkerProcess& process, const WorkerCounters& counters);

struct EscrowStatus {
  bool on = true;
  std::size_t held = 0;  // listeners' descriptors
  std::size_t max = 0;   // that can be held
};

struct ServerStatus {
  pid_t process = 0;
  std::int64_t now_ns = 0;      // CLOCK_MONOTONIC
  std::int64_t started_ns = 0;  // the same
  std::string log_level;
  std::uint64_t upgrades = 0;      // of the program, since the server started
  bool replacing_workers = false;  // just now
  std::string upgrade_error;       // why workers of the last upgrade were not replaced
  EscrowStatus escrow;
  SourceStatus source;
  StreamMetadata metadata;
  std::vector<WorkerStatus> workers;
  StreamTotals past_totals;  // of workers that have ended
};

// docs/control.md has the fields.
std::string status_json(const ServerStatus& status);

// Listeners of all workers, some at a time.
struct ListenersPage {
  struct Entry {
    std::size_t slot = 0;
    ListenerStatus listener;
  };
  std::vector<Entry> entries;
  std::optional<std::uint64_t> next;  // where the next page begins; nothing: this is the last
};

// `tables`: one for each worker, all with room for as many listeners. `offset`: 0, or `next` of the
// page before. However many there are, a page takes no more than a few milliseconds: it may come
// out short, or even empty, and still have a next one.
ListenersPage read_listeners(const std::vector<ListenerTable>& tables, std::uint64_t offset,
                             std::size_t limit);

std::string listeners_json(const ListenersPage& page, std::int64_t now_ns);

}  // namespace eradio
