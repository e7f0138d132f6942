#include "tests/faults/disturbances.h"

#include <algorithm>

#include "common/clock.h"

namespace eradio::testing {
std::int64_t Disturbances::lasts_until_ns(const Past& past) {
  constexpr std::int64_t longest_ns = 60 * ns_per_second;   // with many workers
  constexpr std::int64_t untold_ns = 10 * ns_per_second;    // with a few
  constexpr std::int64_t hand_over_ns = 3 * ns_per_second;  // of a worker that is left over
  constexpr std::int64_t taken_for_dead_ns = 5 * ns_per_second;
  switch (past.kind) {
    case Disturbance::planned:
      return past.end_ns ? std::min(*past.end_ns + hand_over_ns, past.begin_ns + longest_ns)
                         : past.begin_ns + untold_ns;
    case Disturbance::stopped:
      return past.begin_ns + taken_for_dead_ns;
    case Disturbance::killed:
      return past.begin_ns + ns_per_second;
  }
  return 0;
}

bool Disturbances::excuse(const Loss& loss) const {
  return std::any_of(past_.begin(), past_.end(), [&](const Past& past) {
    if (loss.ended_ns < past.begin_ns || loss.ended_ns > lasts_until_ns(past)) {
      return false;
    }
    return !loss.answered || (loss.fragile && past.kind != Disturbance::planned);
  });
}

std::size_t Disturbances::deaths_max() const {
  return static_cast<std::size_t>(std::count_if(past_.begin(), past_.end(), [](const Past& past) {
    return past.kind != Disturbance::planned;
  }));
}

}  // namespace eradio::testing
