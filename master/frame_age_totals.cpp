#include "master/frame_age_totals.h"

#include <numeric>

namespace eradio {

std::uint64_t FrameAgeTotals::count() const noexcept {
  return std::accumulate(frames.begin(), frames.end(), std::uint64_t{0});
}

std::optional<double> FrameAgeTotals::mean_ms() const noexcept {
  const std::uint64_t all = count();
  if (all == 0) {
    return std::nullopt;
  }
  return static_cast<double>(sum_ns) / static_cast<double>(all) / static_cast<double>(ns_per_ms);
}

std::optional<double> FrameAgeTotals::quantile_ms(double part) const noexcept {
  const std::uint64_t all = count();
  if (all == 0) {
    return std::nullopt;
  }
  const double wanted = part * static_cast<double>(all);
  double before = 0;
  double lower_ms = 0;
  for (std::size_t place = 0; place < frame_age_bounds_ms.size(); ++place) {
    const auto here = static_cast<double>(frames[place]);
    const auto upper_ms = static_cast<double>(frame_age_bounds_ms[place]);
    if (here > 0 && before + here >= wanted) {
      return lower_ms + (upper_ms - lower_ms) * (wanted - before) / here;
    }
    before += here;
    lower_ms = upper_ms;
  }
  return lower_ms;
}

FrameAgeTotals& FrameAgeTotals::operator+=(const FrameAgeTotals& other) noexcept {
  for (std::size_t place = 0; place < frames.size(); ++place) {
    frames[place] += other.frames[place];
  }
  sum_ns += other.sum_ns;
  return *this;
}

FrameAgeTotals frame_age_totals(const FrameAges& ages) noexcept {
  FrameAgeTotals totals;
  for (std::size_t place = 0; place < totals.frames.size(); ++place) {
    totals.frames[place] = ages.frames[place].get();
  }
  totals.sum_ns = ages.sum_ns.get();
  return totals;
}

}  // namespace eradio
