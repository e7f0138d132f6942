#include "sources/play/play_order.h"

#include <numeric>
#include <random>
#include <utility>

namespace eradio {

std::optional<std::size_t> PlayOrder::track_at(std::int64_t position) const {
  if (tracks_ == 0) {
    return std::nullopt;
  }
  if (!settings_.loop && (position < 0 || position >= tracks_)) {
    return std::nullopt;
  }
  const std::int64_t in_round = (position % tracks_ + tracks_) % tracks_;
  if (!settings_.shuffle) {
    return static_cast<std::size_t>(in_round);
  }
  const std::int64_t round = (position - in_round) / tracks_;
  std::vector<std::size_t> order = shuffled(round);
  // Not the same track twice in a row where one round meets the next. With two tracks there would
  // be no other order left, and no shuffling.
  if (tracks_ > 2 && order.front() == shuffled(round - 1).back()) {
    std::swap(order[0], order[1]);
  }
  return order[static_cast<std::size_t>(in_round)];
}

std::vector<std::size_t> PlayOrder::shuffled(std::int64_t round) const {
  std::vector<std::size_t> order(static_cast<std::size_t>(tracks_));
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::seed_seq seed{static_cast<std::uint32_t>(settings_.seed),
                     static_cast<std::uint32_t>(settings_.seed >> 32U),
                     static_cast<std::uint32_t>(round),
                     static_cast<std::uint32_t>(static_cast<std::uint64_t>(round) >> 32U)};
  std::mt19937_64 random(seed);
  for (std::size_t i = order.size(); i > 1; --i) {
    std::uniform_int_distribution<std::size_t> any(0, i - 1);
    std::swap(order[i - 1], order[any(random)]);
  }
  return order;
}

}  // namespace eradio
