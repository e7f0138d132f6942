// The workers' slots: what outlives each of the processes that have one, one after another. There
// can be more than are wanted, until the others have taken over the listeners of those that are too
// many. Nothing but what is known of them: the supervisor and its replacement act on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "common/event_loop.h"
#include "common/rate_limit.h"
#include "master/escrow.h"
#include "master/respawn_policy.h"
#include "master/worker_child.h"

namespace eradio {

struct WorkerSlot {
  explicit WorkerSlot(std::size_t number_) : number(number_), escrow(listeners_max) {}

  static constexpr std::size_t listeners_max = std::size_t{1} << 20U;

  std::size_t number = 0;
  RespawnPolicy respawn{worker_respawn_settings};
  std::unique_ptr<WorkerChild> child;      // that has the slot; none: it has died, or not started
  std::unique_ptr<WorkerChild> successor;  // that was started to get it
  std::int64_t since_ns = 0;               // when the child got the slot
  std::int64_t ready_ns = 0;
  bool ready = false;
  bool hung = false;     // and killed for it
  bool leaving = false;  // told to hand over
  bool retired = false;  // another slot's worker has its listeners: it gets no worker any more
  WorkerProgram served;  // what the last worker that served was started from; may be nullptr
  bool distrusts_served = false;  // the last one that was started from it did not come to serve
  std::uint64_t starts = 0;
  std::uint64_t crashes = 0;  // workers that died though they had the slot
  Escrow escrow;
  std::vector<EscrowItem> inheritance;  // what of it the next worker is given; while none is
  RateLimit complaints;
  EventLoop::TimerId restart_timer = EventLoop::no_timer;
  EventLoop::TimerId leave_timer = EventLoop::no_timer;  // then it has not handed over in time
};

class WorkerSlots {
 public:
  [[nodiscard]] auto begin() noexcept { return slots_.begin(); }
  [[nodiscard]] auto begin() const noexcept { return slots_.begin(); }
  [[nodiscard]] auto end() noexcept { return slots_.end(); }
  [[nodiscard]] auto end() const noexcept { return slots_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
  [[nodiscard]] WorkerSlot& operator[](std::size_t number) { return slots_.at(number); }

  // How many are to have a worker.
  [[nodiscard]] std::size_t wanted() const noexcept { return wanted_; }
  // As many there are at least from now on; there may be too many.
  void want(std::size_t wanted) {
    wanted_ = wanted;
    while (slots_.size() < wanted) {
      slots_.emplace_back(slots_.size());
    }
    for (std::size_t number = 0; number < wanted; ++number) {
      slots_[number].retired = false;
    }
  }
  // Those that are too many, once all of these are retired.
  void drop_surplus(EventLoop& loop) {
    for (; slots_.size() > wanted_; slots_.pop_back()) {
      loop.cancel(slots_.back().restart_timer);
      loop.cancel(slots_.back().leave_timer);
    }
  }

  // The slots whose listeners go to this one, since they are too many.
  [[nodiscard]] std::vector<WorkerSlot*> surplus_of(const WorkerSlot& slot) {
    std::vector<WorkerSlot*> surplus;
    for (std::size_t other = slot.number + wanted_; other < slots_.size(); other += wanted_) {
      if (!slots_[other].retired) {
        surplus.push_back(&slots_[other]);
      }
    }
    return surplus;
  }
  // To which one's listeners go when there are too many; itself when it is not one of these.
  [[nodiscard]] WorkerSlot& heir_of(const WorkerSlot& slot) {
    return slots_[slot.number % wanted_];
  }

 private:
  std::deque<WorkerSlot> slots_;  // callbacks know them by reference
  std::size_t wanted_ = 0;
};

}  // namespace eradio
