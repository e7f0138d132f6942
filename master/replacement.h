// Replaces workers while everybody is served: one after another by one that is started before the
// old one goes, and when there are to be fewer, lets those that are too many hand over to the
// others (docs/continuity.md, "Planned"). Decides what is due when; how a process is started and
// gets its slot is the supervisor's business. A hand-over that has begun goes on when the round has
// ended for an error.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/event_loop.h"
#include "master/worker_child.h"
#include "master/worker_slots.h"

namespace eradio {

struct ReplaceResult {
  std::size_t replaced = 0;  // workers
  std::string error;         // why the others were not; empty: there are no others
};

// What a replacement has its owner do.
class SlotKeeper {
 public:
  virtual ~SlotKeeper() = default;
  // Starts a process that gets the slot; when it cannot be started, tries again later.
  virtual void start(WorkerSlot& slot) = 0;
  // Starts one that stands by. Throws std::system_error.
  [[nodiscard]] virtual std::unique_ptr<WorkerChild> start_program(WorkerSlot& slot) = 0;
  // It gets the slot, and goes on with the listeners of whoever had it before.
  virtual void give_slot(WorkerSlot& slot, std::unique_ptr<WorkerChild> child) = 0;
  // No worker has either of them.
  virtual void move_listeners(WorkerSlot& from, WorkerSlot& to) = 0;
  // Tells that the slot's worker has gone, and who of its listeners is still there.
  virtual void say_gone(WorkerSlot& slot) = 0;
};

class Replacement {
 public:
  using Replaced = std::function<void(const ReplaceResult&)>;

  // Everything is borrowed.
  Replacement(EventLoop& loop, WorkerSlots& slots, SlotKeeper& keeper)
      : loop_(loop), slots_(slots), keeper_(keeper) {}
  ~Replacement();

  // Replaces all that are wanted. `done` is called once. When a new one does not come to serve, the
  // rest stay as they are.
  void replace_all(Replaced done);
  [[nodiscard]] bool running() const noexcept { return round_.has_value(); }
  // From now on nothing is replaced.
  void stop();

  // What has become of a worker: it serves; it stands by, as the slot's successor; it has left the
  // slot, with or without being told to, and nobody has it now; it was the slot's successor, and
  // has gone.
  void on_ready(const WorkerSlot& slot);
  void on_standby(WorkerSlot& slot);
  void on_left(const WorkerSlot& slot) { promote_if_free(slots_.heir_of(slot)); }
  void on_successor_lost(WorkerSlot& slot, const std::string& why);

 private:
  struct Round {
    std::int64_t begun_ns = 0;
    std::size_t slot = 0;  // whose turn it is
    std::size_t replaced = 0;
    Replaced done;
    EventLoop::TimerId timer = EventLoop::no_timer;  // then it has taken too long
  };

  void replace_next();
  // As long as the round has come no further.
  void expect_within(std::chrono::milliseconds time, std::function<void()> otherwise);
  void expect_ready(const WorkerSlot& slot);
  void tell_to_hand_over(WorkerSlot& slot);
  // When nobody has the slot any more, nor those whose listeners are to come to it: goes on.
  void promote_if_free(WorkerSlot& slot);
  void end_round(const std::string& error);
  // Whether its worker is of what was installed in this round. While there is one.
  [[nodiscard]] bool is_new(const WorkerSlot& slot) const;
  [[nodiscard]] bool is_turn_of(const WorkerSlot& slot) const {
    return round_ && round_->slot == slot.number;
  }

  EventLoop& loop_;
  WorkerSlots& slots_;
  SlotKeeper& keeper_;
  std::optional<Round> round_;
  bool stopping_ = false;
};

}  // namespace eradio
