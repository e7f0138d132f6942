// The pipe source itself: reads an encoder's stream, cuts it into frames and passes them on; obeys
// play and pause. Writes to the server only when there is room, so that it can be told to stop at
// any time.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "common/rate_limit.h"
#include "common/source_frame_writer.h"
#include "sources/pipe/frame_finder.h"

namespace eradio {

class PipeSource final : private FoundFrameSink {
 public:
  struct Settings {
    StreamFormat format = StreamFormat::automatic;
    std::string name;  // both empty: it is not known what plays
    std::string uri;
  };
  // All borrowed; -1 where there is none.
  struct Descriptors {
    int input;         // the encoder's stream
    int input_closed;  // readable when no more is going to be written to `input`
    int commands;      // from the server
    int stop_signal;   // readable when the program is to end: a signalfd
    int output;        // to the server, as the writer has it
  };
  enum class End { input_ended, server_gone, told_to_stop };

  PipeSource(Settings settings, const Descriptors& descriptors, SourceFrameWriter& server);

  // Passes frames on until there are no more.
  End run();
  // Says why the stream has ended, and that it has stopped.
  End finish(SourceLogLevel level, std::string_view reason);

 private:
  using Message = std::function<bool(SourceFrameWriter&)>;

  void found_frame(StreamFormat format, std::span<const std::byte> frame) override;
  void skipped(std::uint64_t offset, std::uint64_t bytes) override;
  void no_frames_since(std::uint64_t offset, std::uint64_t bytes) override;
  void truncated(std::uint64_t offset, std::uint64_t bytes) override;

  // Waits for one thing to happen and does it. True when the loop is to end, with the reason in
  // end_.
  bool step();
  void read_input();
  void end_input();
  void take_command();
  void say_started();
  void say_stopped();
  void warn_of_reservoir(std::span<const std::byte> frame);
  void report(std::string text);

  Settings settings_;
  Descriptors descriptors_;
  SourceFrameWriter& server_;
  FrameFinder finder_;
  std::deque<Message> messages_;  // to the server; input is read only when there are none
  bool playing_ = true;
  bool on_air_ = false;  // the server was told that the stream has started
  bool input_ended_ = false;
  bool reservoir_reported_ = false;
  RateLimit log_rate_;
  End end_ = End::input_ended;
};

}  // namespace eradio
