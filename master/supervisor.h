// Starts the workers, one for each slot, keeps the line to each, and replaces those that die or
// hang: the new one goes on with the listeners of the old. What a worker is born with is in
// common/worker_protocol.h; how soon it is replaced in respawn_policy.h.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
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
#include "master/worker_events.h"
#include "shm/listener_table.h"
#include "shm/scoreboard.h"

namespace eradio {

class Supervisor {
 public:
  // Everything is borrowed. `settings`: the same for all workers; slot, generation and the like are
  // filled in here. A worker without a heartbeat for `timeout` is killed. `all_ready` is called
  // whenever the last worker that was missing is serving.
  Supervisor(EventLoop& loop, std::filesystem::path program, const WorkerSettings& settings,
             std::chrono::milliseconds timeout, const ListeningSockets& sockets,
             const Publisher& publisher, Scoreboard& scoreboard,
             std::vector<ListenerTable>& listeners, WorkerEvents& events,
             std::function<void()> all_ready);
  ~Supervisor();

  void start_all();
  // Tells all to stop and kills those that still run after `grace`; none is replaced any more.
  void stop_for_good(std::chrono::milliseconds grace);

  // The process has been reaped; false if it is none of ours.
  bool on_exited(pid_t process, int wait_status);
  // Kept while the worker does not read its messages; it has its own patience, so the oldest are
  // dropped in the end.
  void answer_vote(std::size_t slot, const VoteAnswer& answer);
  [[nodiscard]] bool any_running() const noexcept;

  // Tells all workers to close connections. `done` is called once, perhaps within this call.
  void kick(KickOrder order, Kicks::Done done);
  // Of all workers, those to come included. False when one could not be told.
  [[nodiscard]] bool set_log_level(LogLevel level);

  // One for each slot.
  [[nodiscard]] std::vector<WorkerProcess> workers() const;
  // Of the workers that have ended.
  [[nodiscard]] const StreamTotals& past_totals() const noexcept { return past_totals_; }

 private:
  struct Slot {
    explicit Slot(std::size_t number_) : number(number_), escrow(listeners_max) {}

    static constexpr std::size_t listeners_max = std::size_t{1} << 20U;

    std::size_t number = 0;
    RespawnPolicy respawn{worker_respawn_settings};
    pid_t process = 0;
    std::int64_t started_ns = 0;
    std::uint64_t generation = 0;
    std::uint64_t starts = 0;
    bool ready = false;
    bool hung = false;  // and killed for it
    Descriptor control;
    std::unique_ptr<Watch> watch;
    std::vector<VoteAnswer> unsent_answers;
    Escrow escrow;
    std::vector<EscrowItem> inheritance;  // what was held when the process was started
    std::size_t bequeathed = 0;           // of these it has been given so many
    EventLoop::TimerId bequest_timer = EventLoop::no_timer;
    std::int64_t ready_ns = 0;
    RateLimit complaints;
    EventLoop::TimerId restart_timer = EventLoop::no_timer;
  };

  void start(Slot& slot);
  void start_program(Slot& slot);
  // Gives the new process what it inherits, as fast as it takes it.
  void bequeath(Slot& slot);
  // Closes the connections that workers die of, and says which ids still have one.
  std::vector<std::uint64_t> settle_escrow(Slot& slot);
  void restart_after(Slot& slot, std::chrono::milliseconds delay);
  void on_control(Slot& slot);
  void complain(Slot& slot, const char* what);
  void kill_hung_workers();
  void send_answers();
  void expect_answers(std::chrono::milliseconds delay);
  void on_message(Slot& slot, WorkerMessage& message);

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
  std::vector<Slot> slots_;
  std::uint64_t generations_ = 0;
  Kicks kicks_;
  StreamTotals past_totals_;
  std::chrono::milliseconds timeout_;
  std::int64_t heartbeats_read_ns_ = 0;
  bool for_good_ = false;
  EventLoop::TimerId answer_timer_ = EventLoop::no_timer;
  EventLoop::TimerId kill_timer_ = EventLoop::no_timer;
  EventLoop::TimerId heartbeat_timer_ = EventLoop::no_timer;
};

}  // namespace eradio
