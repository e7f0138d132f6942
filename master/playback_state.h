// Whether the stream is playing, from what the source says and does. Pure. It outlives the source:
// a source that is started again is told to play if the one before it was playing.
#pragma once

#include <optional>
#include <utility>

#include "shm/now_playing.h"

namespace eradio {

class PlaybackState {
 public:
  // The same track again is another one: votes against it count anew.
  const NowPlaying& on_started(const std::optional<TrackName>& track) {
    said_ = true;
    was_playing_ = true;
    now_ = {.playing = true, .track = track};
    return now_;
  }
  // These return what is to be published, or nothing when nothing has changed.
  std::optional<NowPlaying> on_stopped() {
    said_ = true;
    was_playing_ = false;
    return change({});
  }
  // A source that has not said anything yet and sends data is playing something unknown.
  std::optional<NowPlaying> on_data() {
    if (said_) {
      return std::nullopt;
    }
    said_ = true;
    was_playing_ = true;
    NowPlaying unknown;
    unknown.playing = true;
    return change(std::move(unknown));
  }
  std::optional<NowPlaying> on_source_exit() {
    said_ = false;
    return change({});
  }

  // Goes on as another master knew it.
  void resume(NowPlaying now, bool said, bool was_playing) {
    now_ = std::move(now);
    said_ = said;
    was_playing_ = was_playing;
  }
  // Whether this source has said whether it is playing.
  [[nodiscard]] bool said() const noexcept { return said_; }
  // What the next source must be told to do.
  [[nodiscard]] bool was_playing() const noexcept { return was_playing_; }
  [[nodiscard]] const NowPlaying& now() const noexcept { return now_; }

 private:
  std::optional<NowPlaying> change(NowPlaying next) {
    if (next == now_) {
      return std::nullopt;
    }
    now_ = std::move(next);
    return now_;
  }

  NowPlaying now_;
  bool said_ = false;
  bool was_playing_ = false;
};

}  // namespace eradio
