#include "master/programme.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "common/clock.h"
#include "common/log.h"

namespace eradio {
namespace {

constexpr std::chrono::milliseconds vote_timer_interval{20};
constexpr std::ptrdiff_t waiting_votes_max = 1000;  // of a worker; more are answered at once

std::int64_t in_ns(std::chrono::milliseconds time) {
  return std::chrono::nanoseconds(time).count();
}

}  // namespace

Programme::Programme(EventLoop& loop, Publisher& publisher, ProgrammeSettings settings, Skip skip,
                     Answer answer)
    : loop_(loop),
      publisher_(publisher),
      settings_(settings),
      skip_(std::move(skip)),
      answer_(std::move(answer)),
      vetoes_(settings.veto_ratio, settings.workers) {}

Programme::~Programme() {
  loop_.cancel(gather_timer_);
  loop_.cancel(return_timer_);
  loop_.cancel(vote_timer_);
}

SavedProgramme Programme::save() const {
  const auto now_playing = encode_now_playing(now_playing_);
  SavedProgramme saved;
  saved.track_number = track_number_;
  saved.now_playing.assign(reinterpret_cast<const char*>(now_playing.data()), now_playing.size());
  const auto published = encode_stream_metadata(published_);
  saved.published.assign(reinterpret_cast<const char*>(published.data()), published.size());
  vetoes_.save(saved);
  return saved;
}

DecodedProgramme decode_programme(const SavedProgramme& saved) {
  auto now_playing = decode_now_playing(std::as_bytes(std::span(saved.now_playing)));
  auto published = decode_stream_metadata(std::as_bytes(std::span(saved.published)));
  if (!now_playing || !published) {
    throw std::runtime_error("the running server's state does not say what is playing");
  }
  return {.now_playing = *std::move(now_playing), .published = *std::move(published)};
}

void Programme::resume(const SavedProgramme& saved) {
  DecodedProgramme decoded = decode_programme(saved);
  now_playing_ = std::move(decoded.now_playing);
  track_number_ = saved.track_number;
  vetoes_.resume(saved, now_playing_.playing);
  published_ = std::move(decoded.published);
  news_due_ = true;  // what the other one has not published any more, if there is any
}

void Programme::change(double veto_ratio, std::size_t workers) {
  vetoes_.set_ratio(veto_ratio);
  vetoes_.make_slots(workers);
  skip_if_due();
}

void Programme::frame(FrameKind kind, std::span<const std::byte> frame) {
  if (news_due_) {
    publish();
  }
  publisher_.frame(kind, frame);
}

// Tracks with nothing of them in between make one piece of news: a source may spam.
void Programme::now_playing(const NowPlaying& now_playing) {
  now_playing_ = now_playing;
  news_due_ = true;
  if (now_playing.playing) {
    ++track_number_;
    vetoes_.start_track();
  } else {
    vetoes_.stop();
  }
}

void Programme::flush() {
  if (news_due_) {
    publish();
  }
  publisher_.flush();
}

void Programme::on_audience(std::size_t slot, std::span<const AudienceEvent> events) {
  bool voted = false;
  for (const AudienceEvent& event : events) {
    switch (event.type) {
      case AudienceEventType::joined:
        if (!vetoes_.join(slot, event.listener_id)) {
          complain(slot, "has more listeners than it can have");
        }
        break;
      case AudienceEventType::left:
        if (!vetoes_.leave(slot, event.listener_id)) {
          complain(slot, "says that a listener left who was not there");
        }
        break;
      case AudienceEventType::vote:
        vote(slot, event, true);
        voted = true;
        break;
    }
  }
  settle_waiting_votes();
  if (voted || return_timer_ == EventLoop::no_timer) {
    skip_if_due();
  }
  on_counts();
}

void Programme::complain(std::size_t slot, const char* what) {
  if (complaints_.admit(monotonic_ns())) {
    log::error("worker {}: {}; ignored", slot, what);
  }
}

void Programme::on_worker_gone(std::size_t slot, std::span<const std::uint64_t> kept) {
  vetoes_.keep_only(slot, kept);
  std::erase_if(waiting_votes_, [&](const WaitingVote& vote) { return vote.slot == slot; });
  on_counts();
  // Most of its listeners are about to come back: that they are missing is no reason to skip.
  loop_.cancel(return_timer_);
  return_timer_ = loop_.call_after(settings_.return_patience, [this] {
    return_timer_ = EventLoop::no_timer;
    skip_if_due();
  });
}

void Programme::vote(std::size_t slot, const AudienceEvent& event, bool may_wait) {
  // A vote that was cast before this track began is against the one before, which has gone.
  if (now_playing_.playing && event.track_number != track_number_ &&
      vetoes_.is_listening(event.listener_id)) {
    answer_(slot, {.token = event.token, .outcome = VoteOutcome::counted});
    return;
  }
  const VoteOutcome outcome = vetoes_.vote(event.listener_id);
  const auto of_this_worker = [&](const WaitingVote& waiting) { return waiting.slot == slot; };
  if (outcome == VoteOutcome::no_such_listener && may_wait &&
      std::count_if(waiting_votes_.begin(), waiting_votes_.end(), of_this_worker) <
          waiting_votes_max) {
    waiting_votes_.push_back({.slot = slot,
                              .event = event,
                              .until_ns = monotonic_ns() + in_ns(settings_.vote_patience)});
    expect_waiting_votes();
    return;
  }
  answer_(slot, {.token = event.token, .outcome = outcome});
}

void Programme::settle_waiting_votes() {
  const std::int64_t now_ns = monotonic_ns();
  for (WaitingVote& waiting : std::exchange(waiting_votes_, {})) {
    const bool in_time = now_ns < waiting.until_ns;
    if (in_time && !vetoes_.is_listening(waiting.event.listener_id)) {
      waiting_votes_.push_back(waiting);
    } else {
      vote(waiting.slot, waiting.event, false);
    }
  }
}

void Programme::expect_waiting_votes() {
  if (vote_timer_ != EventLoop::no_timer) {
    return;
  }
  vote_timer_ = loop_.call_after(vote_timer_interval, [this] {
    vote_timer_ = EventLoop::no_timer;
    settle_waiting_votes();
    skip_if_due();
    on_counts();
    if (!waiting_votes_.empty()) {
      expect_waiting_votes();
    }
  });
}

void Programme::skip_if_due() {
  if (vetoes_.skip_is_due()) {
    log::info("{} of {} listeners want the next track", vetoes_.vetoes(), vetoes_.listeners());
    skip_();
  }
}

void Programme::on_counts() {
  if (gather_timer_ != EventLoop::no_timer ||
      (published_.listeners == vetoes_.listeners() && published_.vetoes == vetoes_.vetoes())) {
    return;
  }
  const std::int64_t wait_ns = published_ns_ + in_ns(settings_.gather) - monotonic_ns();
  if (wait_ns > 0) {
    gather_timer_ = loop_.call_after(std::chrono::nanoseconds(wait_ns), [this] {
      gather_timer_ = EventLoop::no_timer;
      on_counts();
    });
    return;
  }
  publish();
  publisher_.flush();
}

void Programme::publish() {
  news_due_ = false;
  StreamMetadata metadata{.now_playing = now_playing_,
                          .track_number = track_number_,
                          .listeners = vetoes_.listeners(),
                          .vetoes = vetoes_.vetoes()};
  if (metadata == published_) {
    return;  // each record is something new: who knows the newest is not told again
  }
  published_ = std::move(metadata);
  published_ns_ = monotonic_ns();
  publisher_.metadata(published_);
}

}  // namespace eradio
