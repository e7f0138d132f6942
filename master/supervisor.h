// Starts the workers, one for each slot, and replaces them: those that die or hang, and all of
// them, one after another, when the operator wants it. The new one goes on with the listeners of
// the old. What a worker is born with is in common/worker_protocol.h; how soon one that has died is
// replaced in respawn_policy.h.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/rate_limit.h"
#include "common/worker_protocol.h"
#include "master/escrow.h"
#include "master/kicks.h"
#include "master/listening_sockets.h"
#include "master/publisher.h"
#include "master/respawn_policy.h"
#include "master/status.h"
#include "master/worker_child.h"
#include "master/worker_events.h"
#include "shm/listener_table.h"
#include "shm/scoreboard.h"

namespace eradio {

struct ReplaceResult {
  std::size_t replaced = 0;  // workers
  std::string error;         // why the others were not; empty: there are no others
};

class Supervisor {
 public:
  using Replaced = std::function<void(const ReplaceResult&)>;

  // Everything is borrowed. `settings`: the same for all workers; slot, generation and the like are
  // filled in here. A worker without a heartbeat for `timeout` is killed. `all_ready` is called
  // whenever the last worker that was missing is serving.
  // `escrow_max`: of all listeners so many are held, so that descriptors are left for the rest.
  Supervisor(EventLoop& loop, std::filesystem::path program, const WorkerSettings& settings,
             std::chrono::milliseconds timeout, std::size_t escrow_max,
             const ListeningSockets& sockets, const Publisher& publisher, Scoreboard& scoreboard,
             std::vector<ListenerTable>& listeners, WorkerEvents& events,
             std::function<void()> all_ready);
  ~Supervisor();

  void start_all();
  // Instead of start_all(): goes on with the workers of another master. Throws std::runtime_error.
  void resume(const SavedSupervisor& saved);
  // Only when why_busy() says nothing.
  [[nodiscard]] SavedSupervisor save() const;
  // Why the workers cannot be left to another master just now.
  [[nodiscard]] std::string why_busy() const;
  [[nodiscard]] bool replacing() const noexcept { return round_.has_value(); }
  // Tells all to stop and kills those that still run after `grace`; none is replaced any more.
  void stop_for_good(std::chrono::milliseconds grace);

  // The process has been reaped; false if it is none of ours.
  bool on_exited(pid_t process, int wait_status);
  // Replaces one worker after another by one that is started before the old one goes; `done` is
  // called once. When a new one does not come to serve, the rest stay as they are.
  void replace_all(Replaced done);
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
  struct Slot {
    explicit Slot(std::size_t number_) : number(number_), escrow(listeners_max) {}

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
    std::uint64_t starts = 0;
    std::uint64_t crashes = 0;  // workers that died though they had the slot
    Escrow escrow;
    RateLimit complaints;
    EventLoop::TimerId restart_timer = EventLoop::no_timer;
    EventLoop::TimerId leave_timer = EventLoop::no_timer;  // then it has not handed over in time
  };

  // One round of replace_all().
  struct Round {
    std::int64_t begun_ns = 0;
    std::size_t slot = 0;  // whose turn it is
    std::size_t replaced = 0;
    Replaced done;
    EventLoop::TimerId timer = EventLoop::no_timer;  // then it has taken too long
  };

  void start(Slot& slot);
  [[nodiscard]] std::unique_ptr<WorkerChild> start_program(Slot& slot);
  // It gets the slot, and as soon as it stands by, all listeners of whoever had it before.
  void give_slot(Slot& slot, std::unique_ptr<WorkerChild> child);
  void bequeath(Slot& slot);
  // The slot's worker has ended, or has handed over: takes stock of what it leaves.
  [[nodiscard]] std::unique_ptr<WorkerChild> take_slot(Slot& slot);
  // Long enough that it did not die of what it had gone on with.
  [[nodiscard]] static bool has_lived(const Slot& slot);
  void restart_after(Slot& slot, std::chrono::milliseconds delay);
  void on_child_exited(Slot& slot, int wait_status);

  void replace_next();
  // As long as the round has come no further.
  void expect_within(std::chrono::milliseconds time, std::function<void()> otherwise);
  void on_standby(Slot& slot);
  void on_handed_over(Slot& slot);
  void tell_to_hand_over(Slot& slot);
  // When nobody has the slot any more, nor those whose listeners are to come to it: goes on.
  void promote_if_free(Slot& slot);
  // The slots whose listeners go to this one, since they are too many.
  [[nodiscard]] std::vector<Slot*> surplus_of(const Slot& slot);
  [[nodiscard]] Slot& heir_of(const Slot& slot);
  [[nodiscard]] bool is_surplus(const Slot& slot) const noexcept {
    return slot.number >= settings_.workers;
  }
  void move_listeners(Slot& from, Slot& to);
  void make_slots(std::size_t count);
  // Of a round: the slot's successor gets it.
  void promote(Slot& slot);
  void expect_ready(const Slot& slot);
  void on_successor_lost(Slot& slot, const std::string& why);
  void end_round(const std::string& error);

  void on_message(Slot& slot, WorkerChild& child, WorkerMessage* message);
  void on_message_of_child(Slot& slot, WorkerMessage& message);
  void on_ready(Slot& slot);
  void take_into_escrow(Slot& slot, WorkerMessage& message);
  // How many more the escrow of this slot may have.
  [[nodiscard]] std::size_t room_for(const Slot& slot) const;
  // When others have left: those that could not be held may be now.
  void ask_for_those_not_held(Slot& slot);
  void count_closed(const ClosedClients& closed);
  void complain(Slot& slot, const char* what);
  void look_at_workers();
  void kill_if_hung(Slot& slot, std::int64_t now_ns);
  [[nodiscard]] bool is_turn_of(const Slot& slot) const {
    return round_ && round_->slot == slot.number;
  }

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
  std::deque<Slot> slots_;                              // their callbacks know them by reference
  std::vector<std::unique_ptr<WorkerChild>> departed_;  // have handed over, and will exit
  std::optional<Round> round_;
  std::uint64_t generations_ = 0;
  int log_descriptor_ = -1;  // as long as the log has not been opened again
  Kicks kicks_;
  ContinuityTotals past_totals_;
  ActivityTotals past_activity_;
  std::chrono::milliseconds timeout_;
  std::size_t escrow_max_;
  std::int64_t heartbeats_read_ns_ = 0;
  bool for_good_ = false;
  EventLoop::TimerId kill_timer_ = EventLoop::no_timer;
  EventLoop::TimerId heartbeat_timer_ = EventLoop::no_timer;
};

}  // namespace eradio
