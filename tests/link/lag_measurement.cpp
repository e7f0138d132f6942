#include "tests/link/lag_measurement.h"

#include <algorithm>
#include <stdexcept>

namespace eradio::testing {

LagMeasurement::LagMeasurement(EmulatedLinks& links, std::uint16_t port,
                               const std::vector<LagListener>& listeners) {
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const auto link = static_cast<int>(i);
    links.set(link, listeners[i].link);
    Listener& listener = listeners_.emplace_back();
    listener.what = listeners[i];
    listener.options = {.endpoint = EmulatedLinks::server(link, port),
                        .target = listeners[i].target,
                        .socket = links.far(link),
                        .ages = listener.ages.get(),
                        .foreign = listeners[i].foreign};
    listener.connection = &crowd_.add(listener.options);
  }
}

void LagMeasurement::wait_for_all() {
  if (!crowd_.run_until_all_listen(std::chrono::seconds(20))) {
    throw std::runtime_error("not all listeners could join");
  }
}

void LagMeasurement::run_for(std::chrono::milliseconds time) {
  [[maybe_unused]] const bool done = crowd_.run_until(
      [this] {
        rejoin_ended();
        return false;
      },
      time);
}

void LagMeasurement::rejoin_ended() {
  if (crowd_.ended() == ended_seen_) {
    return;
  }
  ended_seen_ = crowd_.ended();
  for (Listener& listener : listeners_) {
    // Whoever heard nothing was not dropped: the server has gone, or refuses him.
    if (!has_ended(listener) || !listener.what.rejoins ||
        listener.connection->check().frames() == 0) {
      continue;
    }
    listener.before = counts(listener);
    ++listener.before.drops;
    ++listener.before.jumps;
    listener.connection = &crowd_.add(listener.options);
  }
}

bool LagMeasurement::has_ended(const Listener& listener) {
  return listener.connection->state() == CrowdListener::State::ended;
}

LagResult LagMeasurement::counts(const Listener& listener) {
  LagResult sum = listener.before;
  const StreamCheck& check = listener.connection->check();
  sum.frames += check.frames();
  sum.missed += check.missed();
  sum.jumps += check.jumps().size();
  return sum;
}

std::vector<LagResult> LagMeasurement::measure(std::chrono::milliseconds time) {
  std::vector<LagResult> before;
  for (const Listener& listener : listeners_) {
    listener.ages->clear();
    before.push_back(counts(listener));
  }
  run_for(time);
  std::vector<LagResult> results;
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    const AgeHistogram& ages = *listeners_[i].ages;
    const LagResult now = counts(listeners_[i]);
    results.push_back({.p50_ms = ages.quantile_ms(0.5),
                       .p99_ms = ages.quantile_ms(0.99),
                       .max_ms = ages.max_ms(),
                       .frames = now.frames - before[i].frames,
                       .missed = now.missed - before[i].missed,
                       .jumps = now.jumps - before[i].jumps,
                       .drops = now.drops - before[i].drops});
  }
  return results;
}

std::string LagMeasurement::fault() const {
  const auto lost = std::count_if(listeners_.begin(), listeners_.end(), has_ended);
  return lost > 0 ? std::to_string(lost) + " listeners were lost" : crowd_.fault();
}

}  // namespace eradio::testing
