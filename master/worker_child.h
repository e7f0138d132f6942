// One worker process from its start to its end, and the master's end of its control socket. What
// the process says goes to whoever made this; which slot it serves, and what follows it, is the
// supervisor's business.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "common/child_process.h"
#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/worker_protocol.h"
#include "master/escrow.h"
#include "master/master_state.h"

namespace eradio {

// An open program file, which stays what it is whatever is installed in its place.
struct OpenProgram {
  Descriptor file;  // none if it could not be opened
  std::int64_t opened_ns = 0;
};
using WorkerProgram = std::shared_ptr<const OpenProgram>;

class WorkerChild {
 public:
  // Called for each message that it sends, until it has ended; nothing: for one that cannot be
  // understood.
  using Heard = std::function<void(WorkerChild&, WorkerMessage*)>;

  // Starts `program`, whose descriptors are all but the control socket, and which comes from
  // `file`. The loop is borrowed. Throws std::system_error; then no process is left.
  WorkerChild(EventLoop& loop, ChildProgram program, WorkerProgram file, std::uint64_t generation,
              Heard heard);
  // Goes on with one that another master has started. Throws std::runtime_error.
  WorkerChild(EventLoop& loop, const SavedWorker& saved, Heard heard);
  // Leaves the process alone.
  ~WorkerChild();
  WorkerChild(const WorkerChild&) = delete;
  WorkerChild& operator=(const WorkerChild&) = delete;

  [[nodiscard]] pid_t process() const noexcept { return process_; }
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
  [[nodiscard]] std::int64_t started_ns() const noexcept { return started_ns_; }
  // nullptr if another master has started it.
  [[nodiscard]] const WorkerProgram& program() const noexcept { return program_; }
  // As it has said; of a process that serves.
  [[nodiscard]] const SpokenProtocol& protocol() const noexcept { return protocol_; }
  // Where messages to it go: common/worker_protocol.h.
  [[nodiscard]] int control() const noexcept { return control_.number(); }

  void kill() const noexcept;
  // After it has been reaped.
  void kill_what_it_left() const noexcept;
  // What it has said before it ended, now that it has.
  void hear_last_words();
  // From now on it says nothing that matters, and is told nothing more.
  void forget();

  // Whether it has said so: then it can be given the slot.
  [[nodiscard]] bool stands_by() const noexcept { return stands_by_; }
  // Gives it the slot, and these items of the escrow, as fast as it takes them. The escrow is
  // borrowed; what is released from it meanwhile is left out.
  void bequeath(const Escrow& escrow, std::vector<EscrowItem> items, LogLevel log_level);
  [[nodiscard]] bool is_heir() const noexcept { return escrow_ != nullptr || adopt_end_told_; }
  // Names what the escrow did not take, as soon as it reads.
  void tell_not_held(std::span<const EscrowItem> items);
  // Has it offer so many of these again.
  void ask_again(std::size_t clients_max);
  // Tells it to hand over, once it has been given everything.
  void hand_over();
  // Of the escrow, what has been sent to it: what it has died of may be there, and nowhere else.
  // Once it has lived with it, that need not be known any more.
  [[nodiscard]] std::span<const EscrowItem> given() const noexcept {
    return std::span(inheritance_).first(bequeathed_);
  }
  void forget_given() noexcept;

  // Answers of one turn go together; they are kept while the process does not read its messages.
  // False when that is so for long: the oldest were dropped.
  bool answer_vote(const VoteAnswer& answer);

 private:
  void on_control();
  // False when there are no more.
  bool hear_one();
  // What it is to be told, in order, as fast as it takes it.
  void send_orders();
  [[nodiscard]] SendResult send_next_order();
  [[nodiscard]] SendResult send_next_items();
  void send_answers();
  void expect_answers(std::chrono::milliseconds delay);

  EventLoop& loop_;
  Heard heard_;
  Descriptor control_;
  pid_t process_ = 0;
  WorkerProgram program_;
  std::uint64_t generation_;
  std::int64_t started_ns_;
  SpokenProtocol protocol_;
  const Escrow* escrow_ = nullptr;
  LogLevel log_level_{};
  bool stands_by_ = false;
  bool log_level_told_ = false;
  bool adopt_end_told_ = false;
  bool hand_over_wanted_ = false;
  std::vector<EscrowItem> inheritance_;
  std::size_t bequeathed_ = 0;  // of these it has been given so many
  std::vector<EscrowItem> untold_not_held_;
  std::vector<VoteAnswer> unsent_answers_;
  EventLoop::TimerId order_timer_ = EventLoop::no_timer;
  EventLoop::TimerId answer_timer_ = EventLoop::no_timer;
  std::unique_ptr<Watch> watch_;
};

}  // namespace eradio
