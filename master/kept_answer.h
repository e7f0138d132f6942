// An answer that is found at most ten times a second, however often it is asked for: who asks all
// the time gets the same again, and does not hold up the source. Pure, the time is passed in.
#pragma once

#include <cstdint>
#include <optional>

#include "common/clock.h"

namespace eradio {

template <typename Answer>
class KeptAnswer {
 public:
  static constexpr std::int64_t kept_ns = 100 * ns_per_ms;

  // `find()` makes a new one, when the last is too old.
  template <typename Find>
  const Answer& get(std::int64_t now_ns, Find find) {
    if (!answer_ || now_ns - found_ns_ >= kept_ns) {
      answer_ = find();
      found_ns_ = now_ns;
    }
    return *answer_;
  }

 private:
  std::optional<Answer> answer_;
  std::int64_t found_ns_ = 0;
};

}  // namespace eradio
