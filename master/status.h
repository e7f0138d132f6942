// What the server says of itself: values that the master collects, and the JSON that is made of
// them. Both the control socket and the status server show this.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "master/frame_age_totals.h"
#include "master/process_usage.h"
#include "shm/listener_table.h"
#include "shm/scoreboard.h"
#include "shm/stream_metadata.h"

namespace eradio {

// What became of clients when workers ended.
struct ContinuityTotals {
  std::uint64_t adopted = 0;         // listeners that a new worker went on with
  std::uint64_t not_adopted = 0;     // and that it could not go on with
  std::uint64_t notify_adopted = 0;  // the same of WebSockets and event streams
  std::uint64_t notify_not_adopted = 0;
  std::uint64_t requests_dropped = 0;  // half read or half answered when a worker ended

  ContinuityTotals& operator+=(const ContinuityTotals& other);
  bool operator==(const ContinuityTotals&) const = default;
};

ContinuityTotals continuity_totals(const WorkerCounters& counters);

// What else workers count, over all of them.
struct ActivityTotals {
  std::uint64_t accepted = 0;  // connections
  std::uint64_t refused = 0;   // connections and listeners over a limit
  std::uint64_t listeners = 0;
  std::uint64_t notifications = 0;  // sent
  std::uint64_t records_lost = 0;   // overwritten in the ring before a worker had read them
  std::uint64_t sends = 0;          // of the stream, each to one listener
  FrameAgeTotals frame_ages{};

  ActivityTotals& operator+=(const ActivityTotals& other);
  bool operator==(const ActivityTotals&) const = default;
};

ActivityTotals activity_totals(const WorkerCounters& counters);

// What the sources of this server have written: the one that runs, and those before it.
struct SourceCounters {
  std::uint64_t bytes_read = 0;  // everything
  std::uint64_t sync_points = 0;
  std::uint64_t dependent_frames = 0;
  std::uint64_t headers = 0;
  std::uint64_t frame_bytes = 0;  // of these three, without length and type
  std::uint64_t tracks = 0;       // "stream started"
  std::uint64_t stops = 0;        // "stream stopped"
  std::uint64_t log_messages = 0;
  std::uint64_t broken_frames = 0;
  std::uint64_t broken_bytes = 0;  // thrown away

  [[nodiscard]] std::uint64_t frames() const noexcept { return sync_points + dependent_frames; }
  bool operator==(const SourceCounters&) const = default;
};

// Times are CLOCK_MONOTONIC.
struct SourceStatus {
  pid_t process = 0;    // 0: it does not run just now
  bool ending = false;  // it runs, but has been told to end
  std::uint64_t restarts = 0;
  std::int64_t started_ns = 0;
  bool has_stopped = false;        // this process has said that the stream has stopped
  bool told_to_pause = false;      // and not to go on
  std::int64_t last_frame_ns = 0;  // of any of the sources; 0: there was none yet
  SourceCounters counters{};
};

struct RingStatus {
  std::uint64_t size_bytes = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t records = 0;          // ever written
  std::uint64_t stream_position = 0;  // bytes of frames ever written
  std::int64_t held_ns = 0;           // of the stream
};

// One slot, as the supervisor knows it.
struct WorkerProcess {
  std::size_t slot = 0;
  pid_t process = 0;  // 0: it has ended, and its successor is not there yet
  std::uint64_t generation = 0;
  std::uint64_t restarts = 0;
  std::uint64_t crashes = 0;    // of these, after a worker that had not been asked to end
  std::int64_t started_ns = 0;  // CLOCK_MONOTONIC
  bool ready = false;
};

struct WorkerStatus {
  WorkerProcess process;
  std::uint64_t connections = 0;  // listeners included
  // Also while the process has ended and another has not gone on with them yet. Totals: of the
  // slot, whichever process had it.
  ListenerCounts counts;
  bool system_calls_filtered = false;  // worker/sandbox.h
  bool files_confined = false;
  bool sends_through_ring = false;  // worker/send_ring.h
  std::int64_t pass_ns = 0;         // how long a pass over the listeners takes
  ContinuityTotals totals;          // since the process started
  ActivityTotals activity;          // the same
  std::optional<ProcessUsage> usage;
};

WorkerStatus worker_status(const WorkerProcess& process, const WorkerCounters& counters,
                           const ListenerCounts& counts);

struct EscrowStatus {
  bool on = true;
  std::size_t held = 0;  // listeners' descriptors
  std::size_t max = 0;   // that can be held
};

struct ServerStatus {
  pid_t process = 0;
  std::int64_t now_ns = 0;      // CLOCK_MONOTONIC
  std::int64_t started_ns = 0;  // the same
  double started_unix_s = 0;    // CLOCK_REALTIME, seconds since 1970
  double now_unix_s = 0;        // the same
  ProcessUsage usage;           // of the master
  std::uint64_t descriptors_max = 0;
  std::string log_level;
  std::uint64_t upgrades = 0;      // of the program, since the server started
  bool replacing_workers = false;  // just now
  std::string upgrade_error;       // why workers of the last upgrade were not replaced
  EscrowStatus escrow;
  SourceStatus source;
  RingStatus ring;
  StreamMetadata metadata;
  std::vector<WorkerStatus> workers;
  ContinuityTotals past_totals;  // of workers that have ended
  ActivityTotals past_activity;
};

// Over all workers, those that have ended included.
ListenerTotals all_sent(const ServerStatus& status);
ContinuityTotals all_continuity(const ServerStatus& status);
ActivityTotals all_activity(const ServerStatus& status);
// Listeners, WebSockets and event streams that are disconnected if their worker ends.
std::size_t clients_not_held(const ServerStatus& status);
const char* state_of(const SourceStatus& source);
const char* state_of(const WorkerProcess& worker);

// docs/status.md has the fields.
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
