#include "sources/play/ffmpeg_log.h"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <string>

#include "common/check.h"
#include "common/clock.h"
#include "common/rate_limit.h"

extern "C" {
#include <libavutil/log.h>
}

namespace eradio {
namespace {

// FFmpeg's callback has no argument of ours, so what it needs is the process's, as the callback is.
struct Receiver {
  std::mutex mutex;
  LogLines* lines = nullptr;
  RateLimit rate;
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
  if (!to.rate.admit(monotonic_ns())) {
    return;
  }
  if (const int left_out = to.rate.take_left_out(); left_out > 0) {
    to.lines->add(SourceLogLevel::debug,
                  "FFmpeg had " + std::to_string(left_out) + " more messages");
  }
  // What is an error to a decoder is a broken file to a radio; its warnings are mostly guesses
  // about durations.
  to.lines->add(level <= AV_LOG_ERROR ? SourceLogLevel::warning : SourceLogLevel::debug, line);
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
