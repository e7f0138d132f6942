#include "sources/play/ffmpeg_log.h"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <string>

#include "common/check.h"
#include "common/clock.h"

extern "C" {
#include <libavutil/log.h>
}

namespace eradio {
namespace {

constexpr int lines_max = 10;  // in each period; how many more there were is said afterwards
constexpr std::int64_t period_ns = 10 * ns_per_second;

// FFmpeg's callback has no argument of ours, so what it needs is the process's, as the callback is.
struct Receiver {
  std::mutex mutex;
  LogLines* lines = nullptr;
  std::int64_t period_start_ns = 0;
  int lines_in_period = 0;
};

Receiver& receiver() {
  static Receiver the_receiver;
  return the_receiver;
}

// "mp3: Header missing", without the address that FFmpeg's own lines have.
std::string format(void* object, const char* text, std::va_list arguments) {
  std::array<char, 500> buffer{};
  const int length = std::vsnprintf(buffer.data(), buffer.size(), text, arguments);
  std::string line(buffer.data(), length < 0 ? 0 : std::char_traits<char>::length(buffer.data()));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) {
    line.pop_back();
  }
  const AVClass* description = object == nullptr ? nullptr : *static_cast<AVClass**>(object);
  if (description != nullptr && description->item_name != nullptr && !line.empty()) {
    line.insert(0, std::string(description->item_name(object)) + ": ");
  }
  return line;
}

void receive(void* object, int level, const char* text, std::va_list arguments) {
  if (level > AV_LOG_WARNING) {
    return;
  }
  const std::string line = format(object, text, arguments);
  Receiver& to = receiver();
  const std::lock_guard lock(to.mutex);
  if (to.lines == nullptr || line.empty()) {
    return;
  }
  const std::int64_t now_ns = monotonic_ns();
  if (now_ns - to.period_start_ns > period_ns) {
    if (to.lines_in_period > lines_max) {
      to.lines->add(
          SourceLogLevel::debug,
          "FFmpeg had " + std::to_string(to.lines_in_period - lines_max) + " more messages");
    }
    to.period_start_ns = now_ns;
    to.lines_in_period = 0;
  }
  if (++to.lines_in_period <= lines_max) {
    // What is an error to a decoder is a broken file to a radio; its warnings are mostly guesses
    // about durations.
    to.lines->add(level <= AV_LOG_ERROR ? SourceLogLevel::warning : SourceLogLevel::debug, line);
  }
}

}  // namespace

FfmpegLog::FfmpegLog(LogLines& lines) {
  Receiver& to = receiver();
  {
    const std::lock_guard lock(to.mutex);
    ERADIO_CHECK(to.lines == nullptr);
    to.lines = &lines;
  }
  ::av_log_set_callback(receive);
}

FfmpegLog::~FfmpegLog() {
  ::av_log_set_callback(::av_log_default_callback);
  const std::lock_guard lock(receiver().mutex);
  receiver().lines = nullptr;
}

}  // namespace eradio
