#include "tests/link/lag_measurement.h"

#include <stdexcept>

namespace eradio::testing {

LagMeasurement::LagMeasurement(EmulatedLinks& links, std::uint16_t port,
                               const std::vector<LagListener>& listeners) {
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const auto link = static_cast<int>(i);
    links.set(link, listeners[i].link);
    ages_.push_back(std::make_unique<AgeHistogram>());
    crowd_.add({.endpoint = EmulatedLinks::server(link, port),
                .target = listeners[i].target,
                .socket = links.far(link),
                .ages = ages_.back().get()});
  }
}

void LagMeasurement::wait_for_all() {
  if (!crowd_.run_until_all_listen(std::chrono::seconds(20))) {
    throw std::runtime_error("not all listeners could join");
  }
}

std::vector<LagResult> LagMeasurement::measure(std::chrono::milliseconds time) {
  std::vector<LagResult> results(ages_.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    ages_[i]->clear();
    results[i] = {.frames = heard_by(i).frames(),
                  .missed = heard_by(i).missed(),
                  .jumps = heard_by(i).jumps().size()};
  }
  crowd_.run_for(time);
  for (std::size_t i = 0; i < results.size(); ++i) {
    results[i] = {.p50_ms = ages_[i]->quantile_ms(0.5),
                  .p99_ms = ages_[i]->quantile_ms(0.99),
                  .max_ms = ages_[i]->max_ms(),
                  .frames = heard_by(i).frames() - results[i].frames,
                  .missed = heard_by(i).missed() - results[i].missed,
                  .jumps = heard_by(i).jumps().size() - results[i].jumps};
  }
  return results;
}

std::string LagMeasurement::fault() const {
  return crowd_.ended() > 0 ? std::to_string(crowd_.ended()) + " listeners were lost"
                            : crowd_.fault();
}

}  // namespace eradio::testing
