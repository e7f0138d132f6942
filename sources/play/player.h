// The play source itself: takes decoded sound from the read-ahead, encodes it, sends each frame
// when it is due, and does what the server commands. The only one that writes to the server.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/source_frame_writer.h"
#include "sources/command_reader.h"
#include "sources/mp3_encoder.h"
#include "sources/pacer.h"
#include "sources/play/log_lines.h"
#include "sources/play/play_order.h"
#include "sources/play/read_ahead.h"

namespace eradio {

class Player {
 public:
  struct Settings {
    int kilobits = 128;
    bool paced = true;
  };

  // All borrowed but the settings.
  Player(const Settings& settings, const PlayOrder& order, ReadAhead& read_ahead, LogLines& log,
         CommandReader& commands, SourceFrameWriter& server);

  // Plays, or waits for a command to, until the server has gone.
  void run();

 private:
  // Makes frame_ if there are samples for it.
  void make_frame();
  // Fills the samples of the next frame; false when they are not all there yet.
  [[nodiscard]] bool fill();
  void take(ReadAhead::Started&& track);
  void take(StereoSamples&& samples);
  void take(ReadAhead::Stopped&& stopped);
  // The encoder has given back everything: tells the server.
  void finish_stopping();

  void send_frame();
  void obey(SourceCommand command);
  void play();
  void pause();
  void previous();
  void next();
  void jump(std::int64_t position, int step);
  void say_started();
  void say_stopped();
  void send_log_lines();
  // Every write to the server goes through here.
  void tell(bool written) noexcept { server_there_ = server_there_ && written; }

  Settings settings_;
  const PlayOrder& order_;
  ReadAhead& read_ahead_;
  LogLines& log_;
  CommandReader& commands_;
  SourceFrameWriter& server_;
  Mp3Encoder encoder_;
  Pacer pacer_;

  bool server_there_ = true;
  bool playing_ = true;                      // not paused
  bool ended_ = false;                       // the list is at its end; "play" begins it again
  bool on_air_ = false;                      // the server was told that the stream has started
  std::optional<ReadAhead::Started> track_;  // the present one, if known
  std::int64_t position_ = 0;                // of the present or the next track
  std::int64_t track_samples_ = 0;           // sent of the present track

  std::vector<float> left_;  // of the next frame, as many as there are
  std::vector<float> right_;
  StereoSamples taken_;  // from the read-ahead
  std::size_t taken_used_ = 0;
  std::optional<ReadAhead::Stopped> stopping_;       // its reason, while the encoder is emptied
  std::size_t silent_frames_left_ = 0;               // to empty it with
  std::optional<std::span<const std::byte>> frame_;  // waits for its time
};

}  // namespace eradio
