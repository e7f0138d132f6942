// Sends what FFmpeg's libraries have to say to the server's log, few lines and short ones: a broken
// file can make a decoder complain thousands of times. One object, for as long as FFmpeg is used.
#pragma once

#include "sources/play/log_lines.h"

namespace eradio {

class FfmpegLog {
 public:
  // Takes over FFmpeg's log, which belongs to the whole process; `lines` is borrowed.
  explicit FfmpegLog(LogLines& lines);
  FfmpegLog(const FfmpegLog&) = delete;
  FfmpegLog& operator=(const FfmpegLog&) = delete;
  // Gives FFmpeg its own log back.
  ~FfmpegLog();
};

}  // namespace eradio
