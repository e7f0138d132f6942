// Decodes tracks in a thread of its own, up to two seconds ahead of the player: a slow disk or
// network neither delays a frame nor a command, and a track is opened while the one before it
// still sounds. Chooses the next track; skips what cannot be played.
//
// Invariants: (1) after jump() nothing that was read before it comes out of take(); (2) no more
// than ahead_samples_max and one packet's samples are kept; (3) when nothing at all can be played
// it rests, longer each time.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "sources/play/log_lines.h"
#include "sources/play/play_order.h"
#include "sources/play/stereo_samples.h"
#include "sources/play/track_decoder.h"
#include "sources/play/track_list.h"

namespace eradio {

class ReadAhead {
 public:
  // The samples after it belong to this track; or its name has changed.
  struct Started {
    std::int64_t position;  // in the play order
    std::string uri;
    std::string name;
    bool live;       // reading on after a pause would play what is long past
    bool continued;  // the same track under another name
  };
  // There is nothing more to play: for good, or until something can be read again.
  struct Stopped {
    bool list_ended;
  };
  using Item = std::variant<Started, StereoSamples, Stopped>;

  // Begins at position 0. `wakeup`: an eventfd that is raised when there is something to take;
  // borrowed, as is `log`.
  ReadAhead(std::vector<Track> tracks, const PlayOrder& order, LogLines& log, int wakeup);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  ~ReadAhead();

  // Goes on at another position, or at the nearest one in the direction of `step` (1 or -1) that
  // can be played.
  void jump(std::int64_t position, int step);
  // The next item; nothing when the decoder has not got so far.
  [[nodiscard]] std::optional<Item> take();

 private:
  enum class Outcome { played, failed, jumped };

  void run();
  // Takes over what jump() asked for; waits for it when `idle`. False when it is time to end.
  bool take_jump(bool idle);
  [[nodiscard]] Outcome play_track(const Track& track);
  [[nodiscard]] Outcome read_track(const Track& track, TrackDecoder& decoder);
  // What comes after a track that could not be played.
  void go_on_after_failure();
  // Waits for room and hands on; false when a jump or the end came instead.
  bool put(Item item);

  const std::vector<Track> tracks_;
  const PlayOrder order_;
  LogLines& log_;
  const int wakeup_;

  // Of the thread alone:
  std::int64_t position_ = 0;
  int step_ = 1;
  std::int64_t failures_ = 0;     // one after another
  std::chrono::seconds rest_{1};  // the next one, when nothing can be played

  // Shared, under the mutex:
  std::mutex mutex_;
  std::condition_variable changed_;  // a jump, the end, or room in the queue
  std::deque<Item> items_;
  std::size_t samples_ = 0;  // in items_
  struct Jump {
    std::int64_t position;
    int step;
  };
  std::optional<Jump> jump_;
  bool ending_ = false;

  std::atomic<bool> cancelled_ = false;  // set along with jump_ or ending_, for the decoder
  std::thread thread_;                   // last: it uses all of the above
};

}  // namespace eradio
