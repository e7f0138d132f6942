#include "sources/play/log_lines.h"

#include "common/descriptor.h"
#include "sources/play/locations.h"

namespace eradio {

void LogLines::add(SourceLogLevel level, std::string_view text) {
  {
    const std::lock_guard lock(mutex_);
    lines_.push_back({.level = level, .text = to_utf8(text)});
  }
  wake(wakeup_);
}

std::vector<LogLine> LogLines::take_all() {
  const std::lock_guard lock(mutex_);
  return std::exchange(lines_, {});
}

}  // namespace eradio
