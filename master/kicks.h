// Kick orders on their way through the workers: each goes to every worker, and what they answer is
// added up. Only the bookkeeping; the supervisor sends and receives.
//
// Invariant: each order's `done` is called exactly once, when every worker that got it has answered
// or has ended, or when somebody gives it up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "common/worker_protocol.h"

namespace eradio {

struct KickResult {
  std::uint64_t connections = 0;      // that were closed
  bool complete = true;               // false: not every worker has said that it did as it was told
  std::vector<std::size_t> silent{};  // slots of those that run, and have not said so in time
};

class Kicks {
 public:
  using Done = std::function<void(const KickResult&)>;

  // For the next order.
  [[nodiscard]] std::uint64_t make_token() noexcept { return ++tokens_; }
  // The order has gone to these workers; `complete`: and to all that there are.
  void expect(std::uint64_t token, std::set<std::size_t> slots, bool complete, Done done);
  // What is not expected is ignored.
  void on_answer(std::size_t slot, const KickAnswer& answer);
  void on_worker_gone(std::size_t slot);
  // Nobody waits any longer for those who have not answered this order.
  void give_up(std::uint64_t token);

 private:
  struct Order {
    std::set<std::size_t> slots;  // that have not answered yet
    KickResult result;
    Done done;
  };
  using Orders = std::map<std::uint64_t, Order>;  // by token

  void settle(std::uint64_t token);

  Orders orders_;
  std::uint64_t tokens_ = 0;
};

}  // namespace eradio
