// Starts the workers, one for each slot, and replaces those that die or hang; the new one goes on
// with the listeners of the old. What a worker is born with is in common/worker_protocol.h; how
// soon one that has died is replaced in respawn_policy.h; how all are replaced, one after another,
// when the operator wants it, in replacement.h.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/worker_protocol.h"
#include "master/escrow.h"
#include "master/kicks.h"
#include "master/listening_sockets.h"
#include "master/publisher.h"
#include "master/replacement.h"
#include "master/status.h"
#include "master/worker_child.h"
#include "master/worker_events.h"
#include "master/worker_slots.h"
#include "shm/listener_table.h"
#include "shm/scoreboard.h"

namespace eradio {

class Supervisor final : private SlotKeeper {
 public:
  using Replaced = Replacement::Replaced;

  // Everything is borrowed. `settings`: the same for all workers; slot, generation and the like are
  // filled in here. A worker without a heartbeat for `timeout` is killed. `all_ready` is called
  // whenever the last worker that was missing is serving.
  // `escrow_max`: of all listeners so many are held, so that descriptors are left for the rest.
  Supervisor(EventLoop& loop, std::filesystem::path program, const WorkerSettings& settings,
             std::chrono::milliseconds timeout, std::size_t escrow_max,
             const ListeningSockets& sockets, const Publisher& publisher, Scoreboard& scoreboard,
             std::vector<ListenerTable>& listeners, WorkerEvents& events,
             std::function<void()> all_ready);
  ~Supervisor() override;
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  void start_all();
  // Instead of start_all(): goes on with the workers of another master. Throws std::runtime_error.
  void resume(const SavedSupervisor& saved);
  // Only when why_busy() says nothing.
  [[nodiscard]] SavedSupervisor save() const;
  // Why the workers cannot be left to another master just now.
  [[nodiscard]] std::string why_busy() const;
  [[nodiscard]] bool replacing() const noexcept { return replacement_.running(); }
  // Tells all to stop and kills those that still run after `grace`; none is replaced any more.
  void stop_for_good(std::chrono::milliseconds grace);

  // The process has been reaped; false if it is none of ours.
  bool on_exited(pid_t process, int wait_status);
  // See replacement.h.
  void replace_all(Replaced done) { replacement_.replace_all(std::move(done)); }
  // From now on, for all workers that are started: slot, generation and the like are filled in
  // here. The number of workers becomes settings.workers with the next replace_all(): new ones are
  // started, and of those that are too many the others take over the listeners. Throws
  // std::system_error when there cannot be so many. Only while replacing() is false.
  void change(const WorkerSettings& settings, std::chrono::milliseconds timeout,
              std::size_t escrow_max);

  // Kept while the worker does not read its messages; it has its own patience, so the oldest are
  // dropped in the end.
  void answer_vote(std::size_t slot, const VoteAnswer& answer);
  [[nodiscard]] bool any_running() const noexcept;

  // Tells all workers to close connections. `done` is called once, perhaps within this call.
  void kick(KickOrder order, Kicks::Done done);
  // Of all workers, those to come included. False when one could not be told.
  [[nodiscard]] bool set_log_level(LogLevel level);
  // Where all write their log from now on; borrowed for good.
  void set_log_file(int descriptor);

  // One for each slot.
  [[nodiscard]] std::vector<WorkerProcess> workers() const;
  // Of all slots.
  [[nodiscard]] std::size_t held_in_escrow() const noexcept;
  // Of the workers that have ended.
  [[nodiscard]] const ContinuityTotals& past_totals() const noexcept { return past_totals_; }
  [[nodiscard]] const ActivityTotals& past_activity() const noexcept { return past_activity_; }

 private:
  void start(WorkerSlot& slot) override;
  [[nodiscard]] std::unique_ptr<WorkerChild> start_program(WorkerSlot& slot) override;
  // The same, of the program in this file.
  [[nodiscard]] std::unique_ptr<WorkerChild> start_program(WorkerSlot& slot, WorkerProgram file);
  [[nodiscard]] WorkerProgram installed_program() const;
  // What the worker is started from that follows one that has died: what that was started from, if
  // it came to serve, and otherwise what has served, and what is installed, in turn.
  [[nodiscard]] WorkerProgram program_after_death(const WorkerSlot& slot) const;
  // It gets the slot, and as soon as it stands by, all listeners of whoever had it before.
  void give_slot(WorkerSlot& slot, std::unique_ptr<WorkerChild> child) override;
  void bequeath(WorkerSlot& slot);
  // While none has the slot: decides what the next worker goes on with, and closes what none can.
  // Returns the listeners' ids.
  [[nodiscard]] std::vector<std::uint64_t> take_stock(WorkerSlot& slot);
  void say_gone(WorkerSlot& slot) override;
  // The slot's worker has ended, or has handed over: takes stock of what it leaves.
  [[nodiscard]] std::unique_ptr<WorkerChild> take_slot(WorkerSlot& slot);
  // Long enough that it did not die of what it had gone on with.
  [[nodiscard]] static bool has_lived(const WorkerSlot& slot);
  void restart_after(WorkerSlot& slot, std::chrono::milliseconds delay);
  void on_child_exited(WorkerSlot& slot, int wait_status);

  void on_handed_over(WorkerSlot& slot);
  void move_listeners(WorkerSlot& from, WorkerSlot& to) override;
  void want_slots(std::size_t count);

  void on_message(WorkerSlot& slot, WorkerChild& child, WorkerMessage* message);
  void on_message_of_child(WorkerSlot& slot, WorkerMessage& message);
  void on_ready(WorkerSlot& slot);
  void take_into_escrow(WorkerSlot& slot, WorkerMessage& message);
  // How many more the escrow of this slot may have.
  [[nodiscard]] std::size_t room_for(const WorkerSlot& slot) const;
  // When others have left: those that could not be held may be now.
  void ask_for_those_not_held(WorkerSlot& slot);
  void count_closed(const ClosedClients& closed);
  void complain(WorkerSlot& slot, const char* what);
  void look_at_workers();
  void kill_if_hung(WorkerSlot& slot, std::int64_t now_ns);

  EventLoop& loop_;
  std::filesystem::path program_;
  WorkerSettings settings_;
  const ListeningSockets& sockets_;
  const Publisher& publisher_;
  Scoreboard& scoreboard_;
  std::vector<ListenerTable>& listeners_;  // one for each slot
  WorkerEvents& events_;
  std::function<void()> all_ready_;
  Descriptor stream_read_only_;
  Descriptor scoreboard_front_read_only_;
  WorkerSlots slots_;
  std::vector<std::unique_ptr<WorkerChild>> departed_;  // have handed over, and will exit
  std::uint64_t generations_ = 0;
  int log_descriptor_ = -1;  // as long as the log has not been opened again
  Kicks kicks_;
  ContinuityTotals past_totals_;
  ActivityTotals past_activity_;
  std::chrono::milliseconds timeout_;
  std::size_t escrow_max_;
  Replacement replacement_;
  std::int64_t heartbeats_read_ns_ = 0;
  bool for_good_ = false;  // all are to stop
  EventLoop::TimerId kill_timer_ = EventLoop::no_timer;
  EventLoop::TimerId heartbeat_timer_ = EventLoop::no_timer;
};

}  // namespace eradio
