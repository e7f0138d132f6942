// How long to wait before a child that died is started again. Pure: lifetimes in, delays out. The
// supervisor (workers) and the source process each keep one for every child.
#pragma once

#include <algorithm>
#include <chrono>

namespace eradio {

struct RespawnSettings {
  std::chrono::milliseconds first_delay;   // after a death that is no part of a series
  std::chrono::milliseconds second_delay;  // after the next one; from then on doubled
  std::chrono::milliseconds delay_max;
  std::chrono::milliseconds long_life;  // whoever lived so long did not die young: the series ends
};

// A worker is replaced at once, since its listeners wait; one that keeps dying is not started in a
// tight loop.
constexpr RespawnSettings worker_respawn_settings{.first_delay = std::chrono::milliseconds(0),
                                                  .second_delay = std::chrono::milliseconds(100),
                                                  .delay_max = std::chrono::seconds(5),
                                                  .long_life = std::chrono::milliseconds(500)};

// The contract, section 2: `source_restart_delay`, doubling up to 30 s, reset after a life of 30 s.
constexpr RespawnSettings source_respawn_settings(std::chrono::milliseconds restart_delay) {
  const std::chrono::milliseconds longest = std::chrono::seconds(30);
  return {.first_delay = restart_delay,
          .second_delay = std::min(2 * restart_delay, std::max(restart_delay, longest)),
          .delay_max = std::max(restart_delay, longest),
          .long_life = longest};
}

class RespawnPolicy {
 public:
  explicit RespawnPolicy(const RespawnSettings& settings) : settings_(settings) {}

  // The child has died after `lifetime`: how long to wait before the next one.
  [[nodiscard]] std::chrono::milliseconds on_death(std::chrono::milliseconds lifetime) {
    if (lifetime >= settings_.long_life) {
      next_delay_ = settings_.second_delay;
      return settings_.first_delay;
    }
    const auto delay = first_ ? settings_.first_delay : next_delay_;
    next_delay_ = first_ ? settings_.second_delay : std::min(2 * next_delay_, settings_.delay_max);
    first_ = false;
    return delay;
  }

 private:
  RespawnSettings settings_;
  bool first_ = true;
  std::chrono::milliseconds next_delay_{0};
};

}  // namespace eradio
