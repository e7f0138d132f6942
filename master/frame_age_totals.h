// How old frames were when TCP took them, added up over workers that run and those that have ended:
// shm/frame_ages.h in plain numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "shm/frame_ages.h"

namespace eradio {

struct FrameAgeTotals {
  std::array<std::uint64_t, frame_age_bounds_ms.size() + 1> frames{};  // of each class alone
  std::uint64_t sum_ns = 0;

  [[nodiscard]] std::uint64_t count() const noexcept;
  // Nothing when there are no frames.
  [[nodiscard]] std::optional<double> mean_ms() const noexcept;
  // The age in milliseconds that this part (0 to 1) of the frames did not exceed. Within a class,
  // frames count as evenly spread, as in Prometheus' histogram_quantile(); of the last one, which
  // has no upper bound, the lower is told. Nothing when there are no frames.
  [[nodiscard]] std::optional<double> quantile_ms(double part) const noexcept;

  FrameAgeTotals& operator+=(const FrameAgeTotals& other) noexcept;
  bool operator==(const FrameAgeTotals&) const = default;
};

FrameAgeTotals frame_age_totals(const FrameAges& ages) noexcept;

}  // namespace eradio
