#include "master/vetoes.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "common/check.h"

namespace eradio {

Vetoes::Vetoes(double ratio, std::size_t slots) {
  set_ratio(ratio);
  make_slots(slots);
}

void Vetoes::make_slots(std::size_t slots) {
  audiences_.resize(std::max(audiences_.size(), slots));
}

void Vetoes::set_ratio(double ratio) {
  ERADIO_CHECK(ratio > 0 && ratio <= 1);
  ratio_ = ratio;
}

void Vetoes::Audience::add(std::uint64_t id) {
  ++connections;
  if (!ids.insert(id).second) {
    ++further[id];
  }
}

bool Vetoes::join(std::size_t slot, std::uint64_t id) {
  Audience& audience = audiences_.at(slot);
  if (audience.connections >= connections_max) {
    return false;
  }
  listeners_ += is_listening(id) ? 0U : 1U;
  audience.add(id);
  return true;
}

bool Vetoes::leave(std::size_t slot, std::uint64_t id) {
  Audience& audience = audiences_.at(slot);
  if (!audience.ids.contains(id)) {
    return false;
  }
  --audience.connections;
  if (const auto further = audience.further.find(id); further == audience.further.end()) {
    audience.ids.erase(id);
    forget_if_gone(id);
  } else if (--further->second == 0) {
    audience.further.erase(further);
  }
  return true;
}

void Vetoes::keep_only(std::size_t slot, std::span<const std::uint64_t> ids) {
  const Audience before = std::exchange(audiences_.at(slot), {});
  Audience& now = audiences_[slot];
  for (const std::uint64_t id : ids) {
    listeners_ += before.ids.contains(id) || is_listening(id) ? 0U : 1U;
    now.add(id);
  }
  for (const std::uint64_t id : before.ids) {
    if (!now.ids.contains(id)) {  // most are: so all audiences are not asked for each
      forget_if_gone(id);
    }
  }
}

bool Vetoes::is_listening(std::uint64_t id) const {
  return std::any_of(audiences_.begin(), audiences_.end(),
                     [&](const Audience& audience) { return audience.ids.contains(id); });
}

void Vetoes::forget_if_gone(std::uint64_t id) {
  if (!is_listening(id)) {
    --listeners_;
    voters_.erase(id);
  }
}

VoteOutcome Vetoes::vote(std::uint64_t id) {
  if (!is_listening(id)) {
    return VoteOutcome::no_such_listener;
  }
  if (!playing_) {
    return VoteOutcome::nothing_plays;
  }
  voters_.insert(id);
  return VoteOutcome::counted;
}

void Vetoes::start_track() {
  voters_.clear();
  skipped_ = false;
  playing_ = true;
}

void Vetoes::stop() {
  voters_.clear();
  skipped_ = false;
  playing_ = false;
}

void Vetoes::save(SavedProgramme& saved) const {
  for (std::size_t slot = 0; slot < audiences_.size(); ++slot) {
    const Audience& audience = audiences_[slot];
    for (const std::uint64_t id : audience.ids) {
      const auto further = audience.further.find(id);
      saved.connections.push_back(
          {.slot = slot,
           .listener_id = id,
           .count = 1 + (further != audience.further.end() ? further->second : 0U)});
    }
  }
  saved.voters.assign(voters_.begin(), voters_.end());
  saved.skipped = skipped_;
}

void Vetoes::resume(const SavedProgramme& saved, bool playing) {
  for (const SavedConnections& connections : saved.connections) {
    for (std::uint64_t i = 0; i < connections.count; ++i) {
      if (connections.slot >= audiences_.size() ||
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
  if (!playing_ || skipped_ || vetoes() < vetoes_needed(ratio_, listeners_)) {
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
