#include "sources/pacer.h"

namespace eradio {

void Pacer::restart(std::int64_t now_ns) noexcept {
  start_ns_ = now_ns;
  frames_ = 0;
}

std::int64_t Pacer::deadline_ns() const noexcept {
  // Whole seconds apart, so that a year of samples times 10^9 does not overflow.
  const std::int64_t samples = frames_ * frame_samples_;
  return start_ns_ + samples / sample_rate_ * ns_per_second +
         samples % sample_rate_ * ns_per_second / sample_rate_;
}

void Pacer::frame_sent(std::int64_t now_ns) noexcept {
  if (now_ns - deadline_ns() > late_max_ns) {
    restart(now_ns);
  }
  ++frames_;
}

}  // namespace eradio
