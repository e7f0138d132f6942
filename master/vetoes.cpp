#include "master/vetoes.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "common/check.h"

namespace eradio {

Vetoes::Vetoes(double ratio, std::size_t slots) : slots_(slots) { set_ratio(ratio); }

void Vetoes::set_ratio(double ratio) {
  ERADIO_CHECK(ratio > 0 && ratio <= 1);
  ratio_ = ratio;
}

bool Vetoes::join(std::size_t slot, std::uint64_t id) {
  Slot& worker = slots_.at(slot);
  if (worker.all >= connections_max) {
    return false;
  }
  ++worker.all;
  ++worker.connections[id];
  ++ids_[id].connections;
  return true;
}

bool Vetoes::leave(std::size_t slot, std::uint64_t id) {
  Slot& worker = slots_.at(slot);
  const auto found = worker.connections.find(id);
  if (found == worker.connections.end()) {
    return false;
  }
  --worker.all;
  if (--found->second == 0) {
    worker.connections.erase(found);
  }
  remove_connections(id, 1);
  return true;
}

void Vetoes::keep_only(std::size_t slot, std::span<const std::uint64_t> ids) {
  Slot kept;
  for (const std::uint64_t id : ids) {
    ++kept.all;
    ++kept.connections[id];
    ++ids_[id].connections;
  }
  for (const auto& [id, connections] :
       std::exchange(slots_.at(slot), std::move(kept)).connections) {
    remove_connections(id, connections);
  }
}

void Vetoes::remove_connections(std::uint64_t id, std::uint64_t connections) {
  const auto found = ids_.find(id);
  ERADIO_CHECK(found != ids_.end() && found->second.connections >= connections);
  found->second.connections -= connections;
  if (found->second.connections == 0) {
    vetoes_ -= found->second.voted ? 1U : 0U;
    ids_.erase(found);
  }
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
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    for (const auto& [id, count] : slots_[slot].connections) {
      saved.connections.push_back({.slot = slot, .listener_id = id, .count = count});
    }
  }
  for (const auto& [id, state] : ids_) {
    if (state.voted) {
      saved.voters.push_back(id);
    }
  }
  saved.skipped = skipped_;
}

void Vetoes::resume(const SavedProgramme& saved, bool playing) {
  for (const SavedConnections& connections : saved.connections) {
    for (std::uint64_t i = 0; i < connections.count; ++i) {
      if (connections.slot >= slots_.size() || !join(connections.slot, connections.listener_id)) {
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
