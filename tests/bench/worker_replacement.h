// An eradiod with a steady crowd of listeners, whose workers are replaced in one way or another
// while the crowd goes on listening: what they hear of it. Used by the continuity benchmark.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/guests.h"
#include "tests/support/age_histogram.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/server.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {

// none: to compare with. kill: SIGKILL for one worker, in turn. restart, upgrade: as eradioctl has
// it done.
enum class Event { none, kill, restart, upgrade };
const char* name_of(Event event);
// The command of eradioctl that does it; nullptr: none does.
const char* command_of(Event event);
// Whether the installed programs can do it.
bool is_known(Event event);

// Each listener's longest pause between two frames, over many listeners.
struct Pauses {
  double p50_ms = 0;
  double p99_ms = 0;
  double max_ms = 0;
};

// What the steady listeners heard.
struct Heard {
  Pauses pauses;
  std::size_t disconnected = 0;  // listeners
  std::size_t faults = 0;        // listeners whose stream was torn, repeated or out of order
  std::uint64_t missed = 0;      // frames
};

struct Round {
  double took_ms = 0;             // until the server said that every worker is there again
  std::optional<Pauses> orphans;  // of those alone whose worker was killed
  Heard heard;
  double others = 0;  // processors that programs other than server, source and listeners used
};

struct Series {
  double longest_ms = 0;  // that one event took
  Heard heard;            // from before the first event until after the last
  GuestCounts guests;
};

class WorkerReplacement {
 public:
  // Returns when all listen; throws std::runtime_error when they cannot.
  WorkerReplacement(int listeners, const std::string& eradiod_arguments);

  // One event, and what was heard from just before it until `time` later.
  Round round(Event event, std::chrono::milliseconds time);
  // So many `events`, one every `interval` or as soon as the one before is over, while
  // `guests_per_second` come and go.
  Series series(Event event, int events, std::chrono::milliseconds interval,
                double guests_per_second);

  // What is wrong with a listener's stream, if there is one with a fault.
  [[nodiscard]] std::string fault() const { return crowd_.fault(); }
  [[nodiscard]] std::string log() const { return server_.log().text(); }

 private:
  struct CpuTimes {
    std::map<pid_t, std::chrono::nanoseconds> ours;  // of each process
    std::chrono::nanoseconds machine{0};
    std::int64_t at_ns = 0;
  };
  struct Mark {
    std::size_t ended = 0;
    std::size_t faults = 0;
    std::uint64_t missed = 0;
  };

  // The crowd listens only within these.
  void listen_a_moment();
  void listen_for(std::chrono::milliseconds time);
  void listen_to(std::int64_t end_ns);
  // Throws std::runtime_error when it takes too long.
  void await(const std::string& what, const std::function<bool()>& done);
  // What eradioctl prints, while everybody listens. Throws std::runtime_error when it fails.
  std::string ctl(const std::vector<std::string>& words);

  void find_slots();
  pid_t worker_in(std::size_t slot);
  // Returns how long it took.
  double carry_out(Event event, pid_t condemned);
  double kill_worker(pid_t worker);

  [[nodiscard]] Mark mark();
  [[nodiscard]] Heard heard_since(const Mark& mark) const;
  [[nodiscard]] AgeHistogram pauses_in(std::size_t slot) const;
  [[nodiscard]] std::size_t faults() const;
  [[nodiscard]] CpuTimes cpu_times() const;
  [[nodiscard]] double others_since(const CpuTimes& before) const;

  TemporaryDirectory directory_;
  std::string control_socket_;
  Server server_;
  ListenerCrowd crowd_;
  std::map<const CrowdListener*, std::size_t> slots_;  // of their workers; they never change
  std::optional<Guests> guests_;
  std::size_t next_slot_ = 0;  // whose worker is killed next
};

}  // namespace eradio::testing
