// The source program's end of the source protocol: writes frames to standard output. Used by the
// sources that come with eradio and by tests; blocks while the pipe is full, as a source should.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "common/frame_kind.h"
#include "common/source_protocol.h"

namespace eradio {

class SourceFrameWriter {
 public:
  // `descriptor` is borrowed: standard output, in a source.
  explicit SourceFrameWriter(int descriptor) : descriptor_(descriptor) {}

  // Each returns false when the reader has gone (EPIPE; the caller ignores SIGPIPE): the source
  // should end. Other failures of write(2) throw std::system_error.
  [[nodiscard]] bool log(SourceLogLevel level, std::string_view text);
  [[nodiscard]] bool data(std::span<const std::byte> frame) {
    return data(FrameKind::sync_point, frame);
  }
  [[nodiscard]] bool data(FrameKind kind, std::span<const std::byte> frame);
  // URI and name longer than source_name_bytes_max are cut, between UTF-8 characters.
  [[nodiscard]] bool started(std::string_view uri, std::string_view name);
  // What is playing is not known.
  [[nodiscard]] bool started();
  [[nodiscard]] bool stopped();

 private:
  void begin(SourceFrameType type);
  void append(std::span<const std::byte> bytes);
  void append_name(std::string_view text);
  [[nodiscard]] bool finish();

  int descriptor_;
  std::vector<std::byte> buffer_;
};

}  // namespace eradio
