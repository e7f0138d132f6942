// What happens to the server in a fault test, and in which order: the same for the same seed,
// whatever time the machine takes for it. Used by FaultRun, which makes it happen.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace eradio::testing {

enum class FaultKind {
  kill_worker,   // SIGKILL, or a signal that a program dies of by itself
  hang_worker,   // SIGSTOP, until the server has had enough of it
  stop_worker,   // SIGSTOP, and soon SIGCONT
  restart,       // eradioctl restart-workers
  upgrade,       // eradioctl upgrade
  reload,        // eradioctl reload, or SIGHUP, with another number of workers
  bad_reload,    // the same with a mistake: everything stays as it is
  break_worker,  // a worker is killed, and for a while what is installed ends at once
  kill_source,   // SIGKILL
  stall,         // listeners stop reading for a while
  come,          // many come at once
  leave,         // many leave at once
};
const char* name_of(FaultKind kind);

struct Fault {
  FaultKind kind = FaultKind::stall;
  std::chrono::milliseconds pause{0};  // before it
  std::chrono::milliseconds lasts{0};  // stop_worker, break_worker, stall
  std::uint32_t which = 0;    // of those there are, modulo their number: a worker, a configuration
  std::uint32_t percent = 0;  // of the listeners: stall, come, leave
};

// Numbers that are the same on every machine (those of std::uniform_int_distribution need not be).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : numbers_(seed) {}

  // From 0 to below `limit`.
  std::uint32_t below(std::uint32_t limit) {
    return static_cast<std::uint32_t>(numbers_() % limit);
  }
  std::uint32_t between(std::uint32_t least, std::uint32_t most) {
    return least + below(most - least + 1);
  }

 private:
  std::mt19937_64 numbers_;
};

class FaultPlan {
 public:
  explicit FaultPlan(std::uint64_t seed) : dice_(seed) {}

  Fault next();

 private:
  FaultKind next_kind();

  Dice dice_;
};

}  // namespace eradio::testing
