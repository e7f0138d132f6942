// How old frames were when TCP took their last byte: a histogram that a worker fills and others
// read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/clock.h"
#include "shm/shared_counter.h"

namespace eradio {

// The upper bounds, included, of all classes but the last, which has none.
constexpr std::array<std::int64_t, 14> frame_age_bounds_ms{1,   2,   5,   10,  25,  50,   100,
                                                           150, 200, 250, 350, 500, 1000, 2500};

struct FrameAges {
  std::array<SharedCounter, frame_age_bounds_ms.size() + 1> frames;  // of each class alone
  SharedCounter sum_ns;

  void add(std::int64_t age_ns) noexcept {
    std::size_t place = 0;
    while (place < frame_age_bounds_ms.size() && age_ns > frame_age_bounds_ms[place] * ns_per_ms) {
      ++place;
    }
    frames[place].add(1);
    sum_ns.add(static_cast<std::uint64_t>(age_ns > 0 ? age_ns : 0));
  }
};

}  // namespace eradio
