// How old frames were when they arrived, over any number of listeners: counts in steps of a tenth
// of a millisecond, above 5 s in steps of 10 ms. Filled by StreamCheck, read by tests and the
// benchmarks; ListenerCrowd counts listeners' longest pauses in it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace eradio::testing {

class AgeHistogram {
 public:
  void add(std::int64_t age_ns) {
    ++counts_[std::min(step_of(std::max<std::int64_t>(age_ns, 0)), counts_.size() - 1)];
    ++total_;
    max_ns_ = std::max(max_ns_, age_ns);
  }
  void clear() { *this = AgeHistogram(); }

  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
  [[nodiscard]] double max_ms() const noexcept { return static_cast<double>(max_ns_) / 1e6; }
  // The age that `fraction` of the frames did not exceed; what is over 65 s counts as the maximum.
  [[nodiscard]] double quantile_ms(double fraction) const {
    const auto wanted = static_cast<std::uint64_t>(fraction * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t step = 0; step + 1 < counts_.size(); ++step) {
      seen += counts_[step];
      if (seen > wanted) {
        return std::min(max_ms(), static_cast<double>(end_ns(step)) / 1e6);
      }
    }
    return max_ms();
  }

 private:
  static constexpr std::size_t fine_steps = 50'000;
  static constexpr std::int64_t fine_step_ns = 100'000;
  static constexpr std::size_t coarse_steps = 6'000;
  static constexpr std::int64_t coarse_step_ns = 10'000'000;
  static constexpr std::int64_t fine_end_ns = fine_steps * fine_step_ns;

  static std::size_t step_of(std::int64_t age_ns) {
    return age_ns < fine_end_ns
               ? static_cast<std::size_t>(age_ns / fine_step_ns)
               : fine_steps + static_cast<std::size_t>((age_ns - fine_end_ns) / coarse_step_ns);
  }
  // The ages that are counted in the step are less than this.
  static std::int64_t end_ns(std::size_t step) {
    const auto next = static_cast<std::int64_t>(step + 1);
    return step < fine_steps ? next * fine_step_ns
                             : fine_end_ns + (next - std::int64_t{fine_steps}) * coarse_step_ns;
  }

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(fine_steps + coarse_steps + 1);
  std::uint64_t total_ = 0;
  std::int64_t max_ns_ = 0;
};

}  // namespace eradio::testing
