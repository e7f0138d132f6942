// How old frames were when they arrived, over any number of listeners: counts in steps of a tenth
// of a millisecond. Filled by StreamCheck, read by tests and the benchmark.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace eradio::testing {

class AgeHistogram {
 public:
  void add(std::int64_t age_ns) {
    const auto step = static_cast<std::size_t>(std::max<std::int64_t>(age_ns, 0) / step_ns);
    ++counts_[std::min(step, counts_.size() - 1)];
    ++total_;
    max_ns_ = std::max(max_ns_, age_ns);
  }
  void clear() { *this = AgeHistogram(); }

  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
  [[nodiscard]] double max_ms() const noexcept { return static_cast<double>(max_ns_) / 1e6; }
  // The age that `fraction` of the frames did not exceed; what is over 5 s counts as the maximum.
  [[nodiscard]] double quantile_ms(double fraction) const {
    const auto wanted = static_cast<std::uint64_t>(fraction * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t step = 0; step + 1 < counts_.size(); ++step) {
      seen += counts_[step];
      if (seen > wanted) {
        return static_cast<double>((step + 1) * step_ns) / 1e6;
      }
    }
    return max_ms();
  }

 private:
  static constexpr std::int64_t step_ns = 100'000;
  static constexpr std::size_t steps = 50'000;

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(steps + 1);
  std::uint64_t total_ = 0;
  std::int64_t max_ns_ = 0;
};

}  // namespace eradio::testing
