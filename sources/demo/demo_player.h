// The demo source itself: lets the music be encoded frame by frame, sends each when it is due, and
// does what the server commands. Everything it needs is handed in by main().
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/source_frame_writer.h"
#include "sources/command_reader.h"
#include "sources/demo/demo_music.h"
#include "sources/mp3_encoder.h"
#include "sources/pacer.h"

namespace eradio {

class DemoPlayer {
 public:
  struct Settings {
    int kilobits = 128;
    std::int64_t track_seconds = 30;
    bool paced = true;
  };

  DemoPlayer(const Settings& settings, CommandReader& commands, SourceFrameWriter& server);

  // Plays until the server has gone.
  void run();

 private:
  // These return false when the server has gone.
  [[nodiscard]] bool send_frame();
  [[nodiscard]] bool obey(SourceCommand command);
  [[nodiscard]] bool change_track(int steps);
  [[nodiscard]] bool say_started();

  // One frame of music, with a pip if a full second of the wall clock lies in it.
  std::span<const std::byte> make_frame();
  [[nodiscard]] std::optional<std::size_t> find_pip(std::int64_t due_ns);

  Settings settings_;
  CommandReader& commands_;
  SourceFrameWriter& server_;
  Mp3Encoder encoder_;
  DemoMusic music_;
  Pacer pacer_;
  std::vector<float> left_;
  std::vector<float> right_;
  std::size_t track_ = 0;            // index into demo_tracks()
  std::int64_t track_samples_ = 0;   // sent of it
  std::int64_t wall_offset_ns_ = 0;  // wall clock minus monotonic clock
  bool playing_ = true;
};

}  // namespace eradio
