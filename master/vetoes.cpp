#include "master/vetoes.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <utility>

#include "common/check.h"

namespace eradio {

Vetoes::Vetoes(double ratio, std::size_t slots) {
  set_ratio(ratio);
  make_slots(slots);
}

void Vetoes::make_slots(std::size_t slots) {
  ERADIO_CHECK(slots <= std::numeric_limits<std::uint16_t>::max());
  all_connections_.resize(std::max(all_connections_.size(), slots));
}

void Vetoes::set_ratio(double ratio) {
  ERADIO_CHECK(ratio > 0 && ratio <= 1);
  ratio_ = ratio;
}

bool Vetoes::join(std::size_t slot, std::uint64_t id) {
  if (all_connections_.at(slot) >= connections_max) {
    return false;
  }
  ++all_connections_[slot];
  const auto listener = ids_.try_emplace(id, Id{.slot = static_cast<std::uint16_t>(slot)}).first;
  set_connections(slot, listener, connections(slot, listener) + 1);
  return true;
}

bool Vetoes::leave(std::size_t slot, std::uint64_t id) {
  const auto listener = ids_.find(id);
  if (listener == ids_.end() || connections(slot, listener) == 0) {
    return false;
  }
  --all_connections_.at(slot);
  set_connections(slot, listener, connections(slot, listener) - 1);
  erase_if_gone(listener);
  return true;
}

void Vetoes::keep_only(std::size_t slot, std::span<const std::uint64_t> ids) {
  std::vector<std::uint64_t> kept(ids.begin(), ids.end());
  std::sort(kept.begin(), kept.end());
  all_connections_.at(slot) = kept.size();
  auto next = kept.cbegin();
  // How many of them carry this id; all that are less have been asked for.
  const auto count_of = [&](std::uint64_t id) {
    const auto begin = std::exchange(next, std::upper_bound(next, kept.cend(), id));
    return static_cast<std::uint32_t>(next - begin);
  };
  for (const std::uint64_t id : kept) {
    ids_.try_emplace(id, Id{.slot = static_cast<std::uint16_t>(slot)});
  }
  for (auto listener = ids_.begin(); listener != ids_.end();) {
    set_connections(slot, listener, count_of(listener->first));
    listener = erase_if_gone(listener);
  }
}

std::uint32_t Vetoes::connections(std::size_t slot, Ids::const_iterator of) const {
  const Id& listener = of->second;
  if (listener.slot == slot) {
    return listener.connections;
  }
  const auto found = listener.elsewhere ? elsewhere_.find({of->first, slot}) : elsewhere_.end();
  return found != elsewhere_.end() ? found->second : 0;
}

void Vetoes::set_connections(std::size_t slot, Ids::iterator of, std::uint32_t connections) {
  Id& listener = of->second;
  if (listener.slot == slot) {
    listener.connections = connections;
  } else if (connections > 0) {
    elsewhere_[{of->first, slot}] = connections;
    listener.elsewhere = true;
  } else if (listener.elsewhere) {
    elsewhere_.erase({of->first, slot});
  }
  if (!listener.elsewhere) {
    return;
  }
  const auto other = elsewhere_.lower_bound({of->first, 0});
  listener.elsewhere = other != elsewhere_.end() && other->first.first == of->first;
  if (listener.connections == 0 && listener.elsewhere) {  // that worker is its own from now on
    listener.slot = static_cast<std::uint16_t>(other->first.second);
    listener.connections = other->second;
    const auto another = elsewhere_.erase(other);
    listener.elsewhere = another != elsewhere_.end() && another->first.first == of->first;
  }
}

Vetoes::Ids::iterator Vetoes::erase_if_gone(Ids::iterator listener) {
  if (listener->second.connections > 0) {
    return std::next(listener);
  }
  vetoes_ -= listener->second.voted ? 1U : 0U;
  return ids_.erase(listener);
}

VoteOutcome Vetoes::vote(std::uint64_t id) {
  const auto found = ids_.find(id);
  if (found == ids_.end()) {
    return VoteOutcome::no_such_listener;
  }
  if (!playing_) {
    return VoteOutcome::nothing_plays;
  }
  vetoes_ += found->second.voted ? 0U : 1U;
  found->second.voted = true;
  return VoteOutcome::counted;
}

void Vetoes::start_track() {
  clear_votes();
  playing_ = true;
}

void Vetoes::stop() {
  clear_votes();
  playing_ = false;
}

void Vetoes::clear_votes() {
  if (vetoes_ > 0) {
    for (auto& [id, state] : ids_) {
      state.voted = false;
    }
  }
  vetoes_ = 0;
  skipped_ = false;
}

void Vetoes::save(SavedProgramme& saved) const {
  for (const auto& [id, listener] : ids_) {
    saved.connections.push_back(
        {.slot = listener.slot, .listener_id = id, .count = listener.connections});
    if (listener.voted) {
      saved.voters.push_back(id);
    }
  }
  for (const auto& [id_and_slot, connections] : elsewhere_) {
    saved.connections.push_back(
        {.slot = id_and_slot.second, .listener_id = id_and_slot.first, .count = connections});
  }
  saved.skipped = skipped_;
}

void Vetoes::resume(const SavedProgramme& saved, bool playing) {
  for (const SavedConnections& connections : saved.connections) {
    for (std::uint64_t i = 0; i < connections.count; ++i) {
      if (connections.slot >= all_connections_.size() ||
          !join(connections.slot, connections.listener_id)) {
        throw std::runtime_error("the running server's state has more listeners than can be true");
      }
    }
  }
  playing_ = playing;
  for (const std::uint64_t id : saved.voters) {
    static_cast<void>(vote(id));
  }
  skipped_ = saved.skipped;
}

bool Vetoes::skip_is_due() {
  if (!playing_ || skipped_ || vetoes_ < vetoes_needed(ratio_, ids_.size())) {
    return false;
  }
  skipped_ = true;
  return true;
}

std::uint64_t Vetoes::vetoes_needed(double ratio, std::uint64_t listeners) {
  // 0.1 × 30 is a little more than 3 in floating point, and must not need 4.
  constexpr double tolerance = 1e-9;
  const double needed = std::ceil(ratio * static_cast<double>(listeners) - tolerance);
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::max(needed, 0.0)));
}

}  // namespace eradio
