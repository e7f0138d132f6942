// A source program run as the server runs it: its frames are parsed as they come, commands go to
// its standard input. Used by the tests of the three sources.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/descriptor.h"
#include "common/source_frame_parser.h"

namespace eradio::test {

struct SourceEvent {
  enum class Kind { log, data, started, stopped, broken };
  Kind kind;
  std::int64_t time_ns = 0;  // when it was read
  std::vector<std::byte> data{};
  std::string text{};  // of the log message, or what was broken
  TrackName track{};
};

class SourceProcess final : private SourceFrameSink {
 public:
  explicit SourceProcess(std::vector<std::string> command);
  ~SourceProcess() override;
  SourceProcess(const SourceProcess&) = delete;
  SourceProcess& operator=(const SourceProcess&) = delete;

  void send(SourceCommand command);
  // Reads until `done` holds, the output ends, or the time is up; says whether `done` holds.
  bool read_until(const std::function<bool()>& done,
                  std::chrono::milliseconds patience = std::chrono::seconds(20));
  void read_for(std::chrono::milliseconds time) {
    (void)read_until([] { return false; }, time);
  }
  // Stops reading for good, as a server does that has gone.
  void close_output() { output_.reset(); }
  void terminate() const;
  // Waits for its exit; its status, or 128 and the signal's number, or -1 when it does not end.
  int wait(std::chrono::milliseconds patience = std::chrono::seconds(10));

  [[nodiscard]] const std::vector<SourceEvent>& events() const { return events_; }
  [[nodiscard]] std::size_t count(SourceEvent::Kind kind) const;
  [[nodiscard]] std::vector<std::vector<std::byte>> data_frames() const;
  [[nodiscard]] std::vector<TrackName> tracks() const;
  [[nodiscard]] bool has_log(std::string_view part) const;
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  void log(SourceLogLevel level, std::string_view text) override;
  void data(FrameKind kind, std::span<const std::byte> frame) override;
  void started(const std::optional<TrackName>& track) override;
  void stopped() override;
  void broken(const BrokenSourceFrame& frame) override;

  Descriptor input_;
  Descriptor output_;
  pid_t process_ = -1;
  SourceFrameParser parser_;
  std::vector<SourceEvent> events_;
  bool ended_ = false;
};

}  // namespace eradio::test
