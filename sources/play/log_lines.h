// Log messages on their way from any thread to the one that writes to the server. Used by the play
// source: by its decoder's thread, by FFmpeg's log, and by the player that sends them.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/source_protocol.h"

namespace eradio {

struct LogLine {
  SourceLogLevel level;
  std::string text;  // UTF-8
};

class LogLines {
 public:
  // `wakeup`: an eventfd that is raised for each line; borrowed.
  explicit LogLines(int wakeup) noexcept : wakeup_(wakeup) {}

  // From any thread.
  void add(SourceLogLevel level, std::string_view text);
  [[nodiscard]] std::vector<LogLine> take_all();

 private:
  int wakeup_;
  std::mutex mutex_;
  std::vector<LogLine> lines_;
};

}  // namespace eradio
