// Decoded sound as the encoder takes it: 44.1 kHz, two channels, full scale being 1. Passed from
// the resampler through the read-ahead to the player.
#pragma once

#include <cstddef>
#include <vector>

namespace eradio {

struct StereoSamples {
  std::vector<float> left;
  std::vector<float> right;  // as long as left

  [[nodiscard]] std::size_t size() const noexcept { return left.size(); }
};

}  // namespace eradio
