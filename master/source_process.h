// The source program: started, read, told what to do, restarted when it dies or breaks the
// protocol. Its frames go to a SourceOutput; its standard error and its log messages go to the log.
//
// States: stopped → running → ending (told to end, or its output is closed) → stopped → running …
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/log.h"
#include "common/source_frame_parser.h"
#include "common/source_protocol.h"
#include "master/master_state.h"
#include "master/playback_state.h"
#include "master/respawn_policy.h"
#include "master/source_output.h"

namespace eradio {

struct SourceSettings {
  std::vector<std::string> command_line;
  std::vector<std::string> environment;  // "NAME=value", beside those of the master
  std::size_t frame_bytes_max = 0;
  std::chrono::milliseconds restart_delay{1000};
};

class SourceProcess final : private SourceFrameSink {
 public:
  // Loop and output are borrowed.
  SourceProcess(EventLoop& loop, SourceOutput& output, SourceSettings settings);
  ~SourceProcess() override;

  void start();
  // Instead of start(): goes on with the source of another master. Throws std::runtime_error.
  void resume(const SavedSource& saved);
  [[nodiscard]] SavedSource save() const;
  // From now on; another command line is another source: the one that runs is ended.
  void change(SourceSettings settings);
  // Ends it, if it runs, and starts what the settings say, at once.
  void replace();
  // False, and logged, when the source does not run or does not read its commands.
  bool command(SourceCommand command);
  // SIGTERM now, SIGKILL after `grace`; it is not started again.
  void stop_for_good(std::chrono::milliseconds grace);

  // The process has been reaped; false if it is none of ours.
  bool on_exited(pid_t process, int wait_status);
  [[nodiscard]] bool running() const noexcept { return process_ > 0; }
  // It has been told to end, or its output has ended, and it still runs.
  [[nodiscard]] bool ending() const noexcept { return running() && (!frames_watch_ || changing_); }
  [[nodiscard]] SourceStatus status() const;

 private:
  void log(SourceLogLevel level, std::string_view text) override;
  void data(FrameKind kind, std::span<const std::byte> frame) override;
  void started(const std::optional<TrackName>& track) override;
  void stopped() override;
  void broken(const BrokenSourceFrame& frame) override;

  void count(FrameKind kind, std::size_t bytes);
  void start_program();
  void watch_output();
  void publish(const std::optional<NowPlaying>& now_playing);
  // Reads what is there, `reads_max` times at most; false once there is nothing more to come.
  bool read_output(int reads_max);
  void on_output();
  void on_error_output(bool all);
  void log_error_lines();
  void log_error_text(std::string_view text);
  // Asks it to end, and sees to it that it does.
  void end(std::chrono::milliseconds grace);
  void signal_group(int signal_number) const;
  void restart_after(std::chrono::milliseconds delay);

  EventLoop& loop_;
  SourceOutput& output_;
  SourceSettings settings_;
  RespawnPolicy respawn_;
  PlaybackState playback_;
  std::optional<SourceFrameParser> parser_;  // of the source that runs now
  pid_t process_ = 0;
  std::int64_t started_ns_ = 0;
  std::uint64_t starts_ = 0;
  bool for_good_ = false;
  bool changing_ = false;      // it was ended for another
  bool header_holds_ = false;  // of the source that runs now
  bool told_to_pause_ = false;
  std::int64_t last_frame_ns_ = 0;
  SourceCounters counters_;
  Descriptor commands_;
  Descriptor frames_;
  Descriptor errors_;
  std::optional<Watch> frames_watch_;
  std::optional<Watch> errors_watch_;
  std::string error_line_;  // the start of a line whose end has not come yet
  EventLoop::TimerId kill_timer_ = EventLoop::no_timer;
  EventLoop::TimerId restart_timer_ = EventLoop::no_timer;
  std::array<std::byte, 65536> buffer_{};
};

}  // namespace eradio
