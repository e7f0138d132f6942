#include "sources/play/player.h"

#include <algorithm>
#include <utility>

#include "common/clock.h"

namespace eradio {
namespace {

// Further in, "previous" means the beginning of the same track.
constexpr auto restart_after_samples = std::int64_t{3} * Mp3Encoder::sample_rate;

}  // namespace

Player::Player(const Settings& settings, const PlayOrder& order, ReadAhead& read_ahead,
               LogLines& log, CommandReader& commands, SourceFrameWriter& server)
    : settings_(settings),
      order_(order),
      read_ahead_(read_ahead),
      log_(log),
      commands_(commands),
      server_(server),
      encoder_(settings.kilobits),
      pacer_(static_cast<std::int64_t>(Mp3Encoder::frame_samples), Mp3Encoder::sample_rate) {}

void Player::run() {
  while (server_there_) {
    send_log_lines();
    if (playing_ && !ended_ && !frame_) {
      make_frame();
    }
    std::optional<std::int64_t> deadline_ns;
    if (playing_ && frame_) {
      deadline_ns = settings_.paced ? pacer_.deadline_ns() : 0;
    }
    switch (commands_.wait(deadline_ns)) {
      case CommandReader::Event::command:
        obey(commands_.last_command());
        break;
      case CommandReader::Event::deadline:
        send_frame();
        break;
      case CommandReader::Event::woken:
        break;
      case CommandReader::Event::server_gone:
        return;
    }
  }
}

void Player::send_frame() {
  tell(server_.data(*frame_));
  pacer_.frame_sent(monotonic_ns());
  track_samples_ += static_cast<std::int64_t>(Mp3Encoder::frame_samples);
  frame_.reset();
}

void Player::make_frame() {
  while (!frame_ && !ended_ && fill()) {
    frame_ = encoder_.encode(left_, right_);  // nothing at first: the encoder looks ahead
    left_.clear();
    right_.clear();
  }
}

bool Player::fill() {
  while (left_.size() < Mp3Encoder::frame_samples) {
    const std::size_t missing = Mp3Encoder::frame_samples - left_.size();
    if (taken_used_ < taken_.size()) {
      const auto begin = static_cast<std::ptrdiff_t>(taken_used_);
      taken_used_ += std::min(missing, taken_.size() - taken_used_);
      const auto end = static_cast<std::ptrdiff_t>(taken_used_);
      left_.insert(left_.end(), taken_.left.begin() + begin, taken_.left.begin() + end);
      right_.insert(right_.end(), taken_.right.begin() + begin, taken_.right.begin() + end);
    } else if (silent_frames_left_ > 0) {
      left_.resize(Mp3Encoder::frame_samples);
      right_.resize(Mp3Encoder::frame_samples);
      --silent_frames_left_;
    } else if (stopping_) {
      finish_stopping();
      return false;
    } else if (auto item = read_ahead_.take()) {
      std::visit([this](auto&& what) { take(std::forward<decltype(what)>(what)); },
                 std::move(*item));
    } else {
      return false;
    }
  }
  return true;
}

void Player::take(ReadAhead::Started&& track) {
  if (!track.continued) {
    track_samples_ = 0;
  }
  position_ = track.position;
  track_ = std::move(track);
  say_started();
}

void Player::take(StereoSamples&& samples) {
  taken_ = std::move(samples);
  taken_used_ = 0;
}

void Player::take(ReadAhead::Stopped&& stopped) {
  stopping_ = stopped;
  if (on_air_) {
    // The frame that is half full, and then what the encoder holds back.
    silent_frames_left_ = Mp3Encoder::held_back_frames + (left_.empty() ? 0 : 1);
  }
}

void Player::finish_stopping() {
  ended_ = stopping_->list_ended;
  stopping_.reset();
  on_air_ = on_air_ || ended_;  // the end of the list is worth saying even if nothing in it played
  say_stopped();
}

void Player::obey(SourceCommand command) {
  switch (command) {
    case SourceCommand::play:
      return play();
    case SourceCommand::pause:
      return pause();
    case SourceCommand::previous:
      return previous();
    case SourceCommand::next:
      return next();
  }
}

void Player::play() {
  if (ended_) {
    playing_ = true;
    return jump(0, 1);
  }
  if (playing_) {
    return;
  }
  playing_ = true;
  if (track_ && track_->live) {
    jump(position_, 1);  // to what it plays now
  } else if (track_) {
    say_started();
  }
}

void Player::pause() {
  playing_ = false;
  say_stopped();
}

void Player::previous() {
  const bool well_in = track_samples_ > restart_after_samples;
  if (ended_ || well_in) {
    jump(position_, -1);
  } else {
    jump(order_.track_at(position_ - 1) ? position_ - 1 : position_, -1);
  }
}

void Player::next() {
  if (ended_) {
    return;
  }
  if (!playing_ && !order_.track_at(position_ + 1)) {
    ended_ = true;
    return;
  }
  jump(position_ + 1, 1);
}

void Player::jump(std::int64_t position, int step) {
  read_ahead_.jump(position, step);
  position_ = position;
  ended_ = false;
  track_.reset();
  track_samples_ = 0;
  taken_ = {};
  taken_used_ = 0;
  stopping_.reset();
  silent_frames_left_ = 0;
  left_.clear();
  right_.clear();
  frame_.reset();
}

void Player::say_started() {
  if (!on_air_) {
    pacer_.restart(monotonic_ns());
  }
  on_air_ = true;
  tell(server_.started(track_->uri, track_->name));
}

void Player::say_stopped() {
  if (on_air_) {
    on_air_ = false;
    tell(server_.stopped());
  }
}

void Player::send_log_lines() {
  for (const LogLine& line : log_.take_all()) {
    tell(server_.log(line.level, line.text));
  }
}

}  // namespace eradio
