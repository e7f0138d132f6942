// What is on, and who listens: joins what the source says with what listeners do, and publishes
// both together as the stream's metadata. A new track is published at once, in its place between
// the frames; changes of the counts are gathered. Carries out the listeners' votes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "common/event_loop.h"
#include "common/rate_limit.h"
#include "common/worker_protocol.h"
#include "master/publisher.h"
#include "master/source_output.h"
#include "master/vetoes.h"
#include "master/worker_events.h"

namespace eradio {

struct ProgrammeSettings {
  double veto_ratio = 0.5;
  std::size_t workers = 1;
  std::chrono::milliseconds gather{50};  // counts are published no more often
  // How long a vote waits for the join of its listener, which comes by another worker's line.
  std::chrono::milliseconds vote_patience{250};
  // How long the listeners of a worker that has died get to come back, before it counts that they
  // have left.
  std::chrono::milliseconds return_patience{3000};
};

// What a state says of it, decoded.
struct DecodedProgramme {
  NowPlaying now_playing;
  StreamMetadata published;
};
// Throws std::runtime_error.
DecodedProgramme decode_programme(const SavedProgramme& saved);

class Programme final : public SourceOutput, public WorkerEvents {
 public:
  // `skip`: tells the source to go on to the next track. `answer`: sends an answer to a worker.
  using Skip = std::function<void()>;
  using Answer = std::function<void(std::size_t slot, const VoteAnswer& answer)>;

  // Loop and publisher are borrowed.
  Programme(EventLoop& loop, Publisher& publisher, ProgrammeSettings settings, Skip skip,
            Answer answer);
  ~Programme() override;

  // As another master knew it; before anything else. Throws std::runtime_error.
  void resume(const SavedProgramme& saved);
  [[nodiscard]] SavedProgramme save() const;

  // From now on. Fewer workers: those that are too many are gone.
  void change(double veto_ratio, std::size_t workers);

  // What the source does.
  void frame(FrameKind kind, std::span<const std::byte> frame) override;
  void now_playing(const NowPlaying& now_playing) override;
  void flush() override;

  // What was published last.
  [[nodiscard]] const StreamMetadata& metadata() const noexcept { return published_; }

  // What listeners do.
  void on_audience(std::size_t slot, std::span<const AudienceEvent> events) override;
  void on_worker_gone(std::size_t slot, std::span<const std::uint64_t> kept) override;

 private:
  struct WaitingVote {
    std::size_t slot = 0;
    AudienceEvent event;
    std::int64_t until_ns = 0;
  };

  void complain(std::size_t slot, const char* what);
  void vote(std::size_t slot, const AudienceEvent& event, bool may_wait);
  // Votes whose listener has come by now, or will not come any more.
  void settle_waiting_votes();
  void expect_waiting_votes();
  // The counts may have changed: sees to it that they are published.
  void on_counts();
  void skip_if_due();
  void publish();

  EventLoop& loop_;
  Publisher& publisher_;
  ProgrammeSettings settings_;
  Skip skip_;
  Answer answer_;
  Vetoes vetoes_;
  NowPlaying now_playing_;
  std::uint64_t track_number_ = 0;
  bool news_due_ = false;  // of the source's, to be published before the next frame
  StreamMetadata published_;
  std::int64_t published_ns_ = 0;
  std::vector<WaitingVote> waiting_votes_;
  RateLimit complaints_;
  EventLoop::TimerId gather_timer_ = EventLoop::no_timer;
  EventLoop::TimerId return_timer_ = EventLoop::no_timer;  // runs: leaves skip nothing
  EventLoop::TimerId vote_timer_ = EventLoop::no_timer;
};

}  // namespace eradio
