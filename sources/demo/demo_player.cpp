#include "sources/demo/demo_player.h"

#include <cstdlib>

#include "common/clock.h"

namespace eradio {
namespace {

// What to add to a monotonic time to get the wall clock's.
std::int64_t wall_clock_offset_ns() {
  timespec wall{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  return std::int64_t{wall.tv_sec} * ns_per_second + wall.tv_nsec - monotonic_ns();
}

}  // namespace

DemoPlayer::DemoPlayer(const Settings& settings, CommandReader& commands, SourceFrameWriter& server)
    : settings_(settings),
      commands_(commands),
      server_(server),
      encoder_(settings.kilobits),
      music_(Mp3Encoder::sample_rate),
      pacer_(static_cast<std::int64_t>(Mp3Encoder::frame_samples), Mp3Encoder::sample_rate),
      left_(Mp3Encoder::frame_samples),
      right_(Mp3Encoder::frame_samples) {
  music_.change_track(demo_tracks()[track_]);
}

void DemoPlayer::run() {
  pacer_.restart(monotonic_ns());
  bool server_there = say_started();
  while (server_there) {
    std::optional<std::int64_t> deadline_ns;
    if (playing_) {
      deadline_ns = settings_.paced ? pacer_.deadline_ns() : 0;
    }
    switch (commands_.wait(deadline_ns)) {
      case CommandReader::Event::command:
        server_there = obey(commands_.last_command());
        break;
      case CommandReader::Event::deadline:
        server_there = send_frame();
        break;
      case CommandReader::Event::woken:
        break;
      case CommandReader::Event::server_gone:
        return;
    }
  }
}

bool DemoPlayer::send_frame() {
  if (track_samples_ >= settings_.track_seconds * Mp3Encoder::sample_rate && !change_track(1)) {
    return false;
  }
  const bool sent = server_.data(make_frame());
  // Unpaced, the stream's own time goes on as if every frame had been sent when it was due.
  pacer_.frame_sent(settings_.paced ? monotonic_ns() : pacer_.deadline_ns());
  track_samples_ += static_cast<std::int64_t>(Mp3Encoder::frame_samples);
  return sent;
}

std::span<const std::byte> DemoPlayer::make_frame() {
  const std::optional<std::size_t> pip_at = find_pip(pacer_.deadline_ns());
  music_.render(left_, right_, pip_at);
  auto frame = encoder_.encode(left_, right_);
  while (!frame) {  // at the start only: the encoder looks ahead
    music_.render(left_, right_, std::nullopt);
    frame = encoder_.encode(left_, right_);
  }
  return *frame;
}

std::optional<std::size_t> DemoPlayer::find_pip(std::int64_t due_ns) {
  // Held while it is about right: reading two clocks jitters, and at a frame's edge that would
  // drop a pip or make it twice. Asked for at all since the wall clock may be set.
  const std::int64_t offset_ns = wall_clock_offset_ns();
  if (std::abs(offset_ns - wall_offset_ns_) > ns_per_ms) {
    wall_offset_ns_ = offset_ns;
  }
  const std::int64_t wall_ns = due_ns + wall_offset_ns_;
  const std::int64_t to_second_ns = (ns_per_second - wall_ns % ns_per_second) % ns_per_second;
  const std::int64_t sample = to_second_ns * Mp3Encoder::sample_rate / ns_per_second;
  if (sample < static_cast<std::int64_t>(left_.size())) {
    return static_cast<std::size_t>(sample);
  }
  return std::nullopt;
}

bool DemoPlayer::obey(SourceCommand command) {
  switch (command) {
    case SourceCommand::play:
      if (playing_) {
        return true;
      }
      playing_ = true;
      pacer_.restart(monotonic_ns());
      return say_started();
    case SourceCommand::pause:
      if (!playing_) {
        return true;
      }
      playing_ = false;
      return server_.stopped();
    case SourceCommand::previous:
      return change_track(-1);
    case SourceCommand::next:
      return change_track(1);
  }
  return true;
}

bool DemoPlayer::change_track(int steps) {
  const std::size_t count = demo_tracks().size();
  track_ = (track_ + count + static_cast<std::size_t>(steps)) % count;
  track_samples_ = 0;
  music_.change_track(demo_tracks()[track_]);
  return !playing_ || say_started();  // paused, it says so when it goes on
}

bool DemoPlayer::say_started() {
  const DemoTrack& track = demo_tracks()[track_];
  return server_.started(track.uri, track.name);
}

}  // namespace eradio
