#include "tests/faults/disturbances.h"

#include <algorithm>

#include "common/clock.h"

namespace eradio::testing {
namespace {

constexpr std::int64_t established_ns = 500 * ns_per_ms;

// How long afterwards a connection may still end because of it.
constexpr std::int64_t lasting_ns(Disturbance kind) {
  switch (kind) {
    case Disturbance::planned:
      return 20 * ns_per_second;  // with many workers on a busy machine
    case Disturbance::stopped:
      return 5 * ns_per_second;  // until it is taken for dead
    case Disturbance::killed:
      return ns_per_second;
  }
  return 0;
}

}  // namespace

bool Disturbances::excuse(const Loss& loss) const {
  return std::any_of(past_.begin(), past_.end(), [&](const Past& past) {
    const bool near =
        past.begin_ns <= loss.ended_ns && loss.ended_ns - past.begin_ns <= lasting_ns(past.kind);
    if (!loss.head_ns) {
      return near;
    }
    return near && past.kind != Disturbance::planned &&
           (loss.fragile || past.begin_ns - *loss.head_ns < established_ns);
  });
}

bool Disturbances::is_established(const Loss& loss) {
  return loss.head_ns && loss.ended_ns - *loss.head_ns >= established_ns;
}

std::size_t Disturbances::deaths_max() const {
  return static_cast<std::size_t>(std::count_if(past_.begin(), past_.end(), [](const Past& past) {
    return past.kind != Disturbance::planned;
  }));
}

}  // namespace eradio::testing
