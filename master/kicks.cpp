#include "master/kicks.h"

#include <utility>
#include <vector>

namespace eradio {

void Kicks::expect(std::uint64_t token, std::set<std::size_t> slots, bool complete, Done done) {
  orders_.emplace(token, Order{.slots = std::move(slots),
                               .result = {.connections = 0, .complete = complete},
                               .done = std::move(done)});
  settle(token);
}

void Kicks::on_answer(std::size_t slot, const KickAnswer& answer) {
  const auto found = orders_.find(answer.token);
  if (found != orders_.end() && found->second.slots.erase(slot) > 0) {
    found->second.result.connections += answer.connections;
    settle(answer.token);
  }
}

void Kicks::on_worker_gone(std::size_t slot) {
  std::vector<std::uint64_t> tokens;
  for (auto& [token, order] : orders_) {
    if (order.slots.erase(slot) > 0) {
      order.result.complete = false;
      tokens.push_back(token);
    }
  }
  for (const std::uint64_t token : tokens) {
    settle(token);
  }
}

void Kicks::give_up(std::uint64_t token) {
  const auto found = orders_.find(token);
  if (found == orders_.end()) {
    return;
  }
  Order& order = found->second;
  order.result.complete = false;
  order.result.silent.assign(order.slots.begin(), order.slots.end());
  order.slots.clear();
  settle(token);
}

void Kicks::settle(std::uint64_t token) {
  const auto found = orders_.find(token);
  if (found == orders_.end() || !found->second.slots.empty()) {
    return;
  }
  const auto order = orders_.extract(found);  // `done` may ask for the next one
  order.mapped().done(order.mapped().result);
}

}  // namespace eradio
