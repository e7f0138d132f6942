// A worker's end of the control socket (common/worker_protocol.h): tells the master who joins,
// leaves and votes, gathered into few messages, gives it the listeners' descriptors, and hands on
// what the master says. Never blocks: what the master does not take yet is kept, in order.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/worker_protocol.h"

namespace eradio {

// What the master can tell a worker to do.
struct MasterOrders {
  // Or the master has gone.
  std::function<void()> stop;
  std::function<void()> hand_over;
  // To go on with a listener of the worker before; the descriptor is missing when this process
  // could not have it. And that there are no more.
  std::function<void(const EscrowItem&, Descriptor)> adopt;
  std::function<void()> adopt_end;
  // The master does not hold these: keep_for_later() is due.
  std::function<void(const std::vector<EscrowItem>&)> not_held;
  // Closes connections; returns how many.
  std::function<std::uint64_t(const KickOrder&)> kick;
  std::function<void(LogLevel)> set_log_level;
  std::function<void(int)> set_log_file;  // a descriptor, borrowed
};

class MasterLine {
 public:
  // Called with the outcome, once; never when the master does not answer.
  using Voted = std::function<void(VoteOutcome)>;

  // The loop is borrowed. Orders that are not given are ignored. `escrows`: false if the master
  // holds no listeners' sockets; then escrow() and release() do nothing.
  MasterLine(EventLoop& loop, Descriptor control, MasterOrders orders, bool escrows = true);
  ~MasterLine();

  // False when the master has gone.
  [[nodiscard]] bool say_ready(std::uint64_t generation);
  void joined(std::uint64_t listener_id);
  void left(std::uint64_t listener_id);
  // Gives the master a duplicate of a listener's socket, at once if it takes it. The socket is
  // borrowed until release().
  void escrow(const EscrowItem& item, int socket);
  void release(const EscrowItem& item);
  // The same for a client that the master could not take: it is given as soon as there is room, and
  // at the latest by hand_over().
  void keep_for_later(const EscrowItem& item, int socket);
  // Tells the master everything that it does not know yet, waiting for it if need be, and that the
  // slot is another's from now on. False when it cannot be told.
  [[nodiscard]] bool hand_over();
  // False, and `voted` is not called, while too many votes are unanswered.
  // `track_number`: StreamMetadata's, as the voter was told.
  [[nodiscard]] bool vote(std::uint64_t listener_id, std::uint64_t track_number, Voted voted);

 private:
  struct UnansweredVote {
    Voted voted;
    std::int64_t asked_ns = 0;
  };

  struct EscrowChange {
    EscrowItem item;
    int socket = -1;  // -1: it is not needed any more
  };

  void tell(const AudienceEvent& event);
  void fold();
  void flush();
  void flush_audience();
  void flush_escrow();
  void offer_again(std::uint64_t clients_max);
  void expect_flush(std::chrono::milliseconds delay);
  void on_control();
  void on_message(WorkerMessage message);
  void on_vote_answer(const VoteAnswer& answer);
  void carry_out(const KickOrder& order);
  void forget_old_votes(std::int64_t now_ns);

  EventLoop& loop_;
  Descriptor control_;
  MasterOrders orders_;
  bool escrows_;
  std::deque<EscrowChange> escrow_changes_;  // that the master does not know of yet
  std::size_t gives_waiting_ = 0;            // those of them that give a socket
  std::unordered_map<std::uint64_t, EscrowChange> kept_for_later_;  // by serial
  std::vector<AudienceEvent> untold_;
  std::size_t fold_at_;                            // events
  std::map<std::uint64_t, UnansweredVote> votes_;  // by token: the oldest first
  std::uint64_t tokens_ = 0;
  EventLoop::TimerId flush_timer_ = EventLoop::no_timer;
  Watch watch_;
};

}  // namespace eradio
