#include "sources/play/read_ahead.h"

#include <algorithm>
#include <utility>

#include "common/descriptor.h"
#include "sources/mp3_encoder.h"
#include "sources/play/locations.h"

namespace eradio {
namespace {

constexpr auto ahead_samples_max = std::size_t{2} * Mp3Encoder::sample_rate;
// A network stream that breaks off before this much counts as one that cannot be played, or a
// server that hangs up at once would be asked again without a pause.
constexpr std::size_t network_samples_min = Mp3Encoder::sample_rate;
constexpr std::chrono::seconds rest_min{1};
constexpr std::chrono::seconds rest_max{30};

std::size_t samples_in(const ReadAhead::Item& item) {
  const auto* samples = std::get_if<StereoSamples>(&item);
  return samples == nullptr ? 0 : samples->size();
}

}  // namespace

ReadAhead::ReadAhead(std::vector<Track> tracks, const PlayOrder& order, LogLines& log, int wakeup)
    : tracks_(std::move(tracks)),
      order_(order),
      log_(log),
      wakeup_(wakeup),
      rest_(rest_min),
      thread_([this] { run(); }) {}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    cancelled_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ReadAhead::jump(std::int64_t position, int step) {
  {
    const std::lock_guard lock(mutex_);
    jump_ = Jump{.position = position, .step = step};
    cancelled_ = true;
    items_.clear();
    samples_ = 0;
  }
  changed_.notify_all();
}

std::optional<ReadAhead::Item> ReadAhead::take() {
  std::optional<Item> item;
  {
    const std::lock_guard lock(mutex_);
    if (items_.empty()) {
      return std::nullopt;
    }
    item = std::move(items_.front());
    items_.pop_front();
    samples_ -= samples_in(*item);
  }
  changed_.notify_all();
  return item;
}

bool ReadAhead::put(Item item) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return cancelled_ || samples_ < ahead_samples_max; });
    if (cancelled_) {
      return false;
    }
    samples_ += samples_in(item);
    items_.push_back(std::move(item));
  }
  wake(wakeup_);
  return true;
}

bool ReadAhead::take_jump(bool idle) {
  std::unique_lock lock(mutex_);
  if (idle) {
    changed_.wait(lock, [&] { return ending_ || jump_; });
  }
  if (jump_ && !ending_) {
    position_ = jump_->position;
    step_ = jump_->step;
    jump_.reset();
    cancelled_ = false;
    failures_ = 0;
    rest_ = rest_min;
  }
  return !ending_;
}

void ReadAhead::run() {
  bool idle = false;
  while (take_jump(idle)) {
    idle = false;
    std::optional<std::size_t> track = order_.track_at(position_);
    if (!track && step_ < 0) {  // before the first one: there is no other way than forward
      position_ = 0;
      step_ = 1;
      track = order_.track_at(position_);
    }
    if (!track) {
      idle = put(Stopped{.list_ended = true});
      continue;
    }
    switch (play_track(tracks_[*track])) {
      case Outcome::played:
        failures_ = 0;
        rest_ = rest_min;
        step_ = 1;
        ++position_;
        break;
      case Outcome::failed:
        go_on_after_failure();
        break;
      case Outcome::jumped:
        break;
    }
  }
}

ReadAhead::Outcome ReadAhead::play_track(const Track& track) {
  try {
    TrackDecoder decoder(track, cancelled_, log_);
    return read_track(track, decoder);
  } catch (const TrackError& error) {
    if (cancelled_) {
      return Outcome::jumped;
    }
    log_.add(SourceLogLevel::warning, "cannot play " + track.location + ": " + error.what());
    return Outcome::failed;
  }
}

ReadAhead::Outcome ReadAhead::read_track(const Track& track, TrackDecoder& decoder) {
  std::size_t total = 0;
  std::string name;
  bool more = true;
  while (more) {
    StereoSamples samples;
    more = decoder.read(samples);
    if (samples.size() == 0) {
      continue;
    }
    // Named when its first samples are there: a file that opens may still turn out to be broken.
    // Radios repeat their names all the time, and each "started" would clear the listeners' votes.
    const bool first = total == 0;
    total += samples.size();
    const bool named_again = decoder.take_name_change();
    if (first || (named_again && decoder.name() != name)) {
      name = decoder.name();
      if (!put(Started{.position = position_,
                       .uri = track.uri,
                       .name = name,
                       .live = decoder.is_live(),
                       .continued = !first})) {
        return Outcome::jumped;
      }
    }
    if (!put(std::move(samples))) {
      return Outcome::jumped;
    }
  }
  if (cancelled_) {
    return Outcome::jumped;
  }
  if (total == 0) {
    log_.add(SourceLogLevel::warning,
             "cannot play " + track.location + ": nothing in it can be decoded");
  }
  return total < (is_url(track.location) ? network_samples_min : 1) ? Outcome::failed
                                                                    : Outcome::played;
}

void ReadAhead::go_on_after_failure() {
  position_ += step_;
  if (++failures_ < order_.tracks()) {
    return;
  }
  failures_ = 0;
  const bool looping = order_.track_at(order_.tracks()).has_value();
  log_.add(SourceLogLevel::error,
           "nothing in the list can be played" +
               (looping ? "; trying again in " + std::to_string(rest_.count()) + " s" : ""));
  if (!looping || !put(Stopped{.list_ended = false})) {
    return;
  }
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, rest_, [&] { return cancelled_.load(); });
  rest_ = std::min(rest_ * 2, rest_max);
}

}  // namespace eradio
