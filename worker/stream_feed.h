// Takes what is new out of the ring into the frame store and starts the passes over the listeners:
// at each wake-up by the master, or a little later if frames are to be gathered (`coalesce`,
// pass_schedule.h). Also measures the stream's pace for the gate.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "common/event_loop.h"
#include "common/rate_limit.h"
#include "shm/scoreboard.h"
#include "shm/stream_segment.h"
#include "worker/bitrate.h"
#include "worker/fan_out.h"
#include "worker/frame_store.h"
#include "worker/pass_schedule.h"

namespace eradio {

struct StreamFeedSettings {
  // How long a frame waits for the next; nothing: by load, so that none gets older than gather_max
  // (pass_schedule.h).
  std::optional<std::chrono::milliseconds> coalesce{};
  std::chrono::milliseconds gather_max{100};
};

class StreamFeed {
 public:
  // Called when the metadata have changed: behind the pass with the last frame before the change,
  // and before the pass with the first one after it.
  using MetadataChanged = std::function<void(const StreamMetadata& before)>;

  // All borrowed; `wakeup` is the eventfd that the master writes to.
  StreamFeed(EventLoop& loop, int wakeup, StreamSegmentReader& stream, FrameStore& store,
             FanOut& fan_out, WorkerCounters& counters, StreamFeedSettings settings,
             MetadataChanged metadata_changed);

  [[nodiscard]] const StreamMetadata& metadata() const noexcept { return metadata_; }
  // The sequence of their record in the ring, the same in every worker; 0: there was none yet.
  [[nodiscard]] std::uint64_t metadata_sequence() const noexcept { return metadata_sequence_; }
  // Takes all that the ring has now, without a pass: listeners who are taken over may be in the
  // middle of it. Before anything else.
  void catch_up();

 private:
  void on_wakeup();
  // Returns false when the turn is full and there may be more.
  bool take_records();
  void take_record(const Record& record, std::span<const std::byte> payload);
  void take_frame(const Record& record, std::span<const std::byte> payload, FrameKind kind);
  // What was lost leaves nobody behind it who could decode a dependent frame.
  void skip_to_newest();
  // Goes to the place in the ring to begin at, and takes the header that is needed there.
  void begin();
  // The header that the frames need which are read next, as the shared memory says.
  void take_header();
  // What is older than what holds already is ignored.
  void change_metadata(std::uint64_t sequence, StreamMetadata metadata);
  // Over all listeners.
  void pass();
  // Over as many as so many frames make, by load.
  void pass(std::int64_t frames);
  void passed(std::int64_t begin_ns, double part);

  EventLoop& loop_;
  int wakeup_;
  StreamSegmentReader& stream_;
  FrameStore& store_;
  FanOut& fan_out_;
  WorkerCounters& counters_;
  PassSchedule schedule_;
  std::uint64_t next_to_pass_ = 1;  // frames in the store from there on have begun no pass yet
  BitrateMeter bitrate_;
  MetadataChanged metadata_changed_;
  StreamMetadata metadata_;
  std::uint64_t metadata_sequence_ = 0;
  // A source that changes its track all the time does not get a pass for each.
  static constexpr int track_passes_max = 20;
  static constexpr std::int64_t track_passes_period_ns = 100 * ns_per_ms;
  RateLimit track_passes_{track_passes_max, track_passes_period_ns};
  EventLoop::TimerId gathering_ = EventLoop::no_timer;  // a pass over all when it is time
  bool gap_ = true;                                     // before the next frame
  std::uint64_t header_sequence_ = 0;  // of the newest header; what comes before it is not for it
  bool damage_logged_ = false;
  RateLimit loss_log_;
  std::uint64_t losses_logged_ = 0;  // of records_lost_total
  Watch watch_;
};

}  // namespace eradio
