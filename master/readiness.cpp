#include "master/readiness.h"

#include <algorithm>

#include "common/clock.h"

namespace eradio {
namespace {

void look_at_source(const ServerStatus& status, std::vector<std::string>& reasons) {
  constexpr std::int64_t age_max_ns = std::chrono::nanoseconds(frame_age_max_when_ready).count();
  const SourceStatus& source = status.source;
  if (source.process == 0) {
    reasons.emplace_back("the source does not run");
  } else if (source.ending) {
    reasons.emplace_back("the source is being ended");
  } else if (source.has_stopped || source.told_to_pause) {
    return;
  } else if (source.last_frame_ns == 0) {
    reasons.emplace_back("the source has not sent a frame yet");
  } else if (const std::int64_t age_ns = status.now_ns - source.last_frame_ns;
             age_ns > age_max_ns) {
    reasons.push_back("the source has not sent a frame for " +
                      std::to_string(age_ns / ns_per_second) + " s");
  }
}

}  // namespace

std::vector<std::string> reasons_not_ready(const ServerStatus& status) {
  std::vector<std::string> reasons;
  look_at_source(status, reasons);
  if (std::none_of(status.workers.begin(), status.workers.end(), [](const WorkerStatus& worker) {
        return worker.process.process > 0 && worker.process.ready;
      })) {
    reasons.emplace_back("no worker serves");
  }
  return reasons;
}

}  // namespace eradio
