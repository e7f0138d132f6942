// When the passes over the listeners begin. By load: at once when a frame has come, while passes
// take less than a part of the time; when they would take more, frames wait for each other, so that
// one send does for several. A listener costs a pass much the same, however many small frames it
// gets in it (docs/benchmarks.md), so the load on a worker stays at that part, and lag grows
// instead. When a pass ends, no frame is older than `gather_max` because of that; where passes
// take so long that it would be, they follow each other without a pause.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace eradio {

class PassSchedule {
 public:
  // Of a worker's time, so much may be spent with passes before frames are gathered. What is left
  // is for joins, requests and notifications, and for other programs of the machine.
  static constexpr double busy_share = 0.5;

  // `fixed`: how long each frame waits for the next, whatever the load; nothing: by load.
  PassSchedule(std::optional<std::chrono::milliseconds> fixed, std::chrono::milliseconds gather_max)
      : fixed_(fixed), gather_max_ns_(std::chrono::nanoseconds(gather_max).count()) {}

  // When the pass is to begin for frames that are there at `now_ns`, of which the first was made at
  // `oldest_ns`, and for what comes until then.
  [[nodiscard]] std::int64_t begin_ns(std::int64_t now_ns, std::int64_t oldest_ns) const noexcept {
    if (fixed_) {
      return now_ns + std::chrono::nanoseconds(*fixed_).count();
    }
    const auto apart_ns = static_cast<std::int64_t>(static_cast<double>(pass_ns_) / busy_share);
    const std::int64_t latest_ns = oldest_ns + gather_max_ns_ - pass_ns_;
    return std::max(now_ns, std::min(last_begin_ns_ + apart_ns, latest_ns));
  }

  // A pass took from then to then.
  void passed(std::int64_t begin_ns, std::int64_t end_ns) noexcept {
    // Over some passes, and never more than makes a difference: in one of them the process may have
    // been without a processor.
    constexpr int smoothing = 8;
    pass_ns_ += (std::min(end_ns - begin_ns, gather_max_ns_) - pass_ns_) / smoothing;
    last_begin_ns_ = begin_ns;
  }
  // How long a pass takes, as far as gather_max.
  [[nodiscard]] std::int64_t pass_ns() const noexcept { return pass_ns_; }

 private:
  std::optional<std::chrono::milliseconds> fixed_;
  std::int64_t gather_max_ns_;
  std::int64_t pass_ns_ = 0;
  std::int64_t last_begin_ns_ = 0;
};

}  // namespace eradio
