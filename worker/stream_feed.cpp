#include "worker/stream_feed.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "common/log.h"

namespace eradio {
StreamFeed::StreamFeed(EventLoop& loop, int wakeup, StreamSegmentReader& stream, FrameStore& store,
                       FanOut& fan_out, WorkerCounters& counters, StreamFeedSettings settings,
                       MetadataChanged metadata_changed)
    : loop_(loop),
      wakeup_(wakeup),
      stream_(stream),
      store_(store),
      fan_out_(fan_out),
      counters_(counters),
      schedule_(settings.coalesce, settings.gather_max),
      metadata_changed_(std::move(metadata_changed)),
      watch_(loop, wakeup, EPOLLIN, [this](std::uint32_t) { on_wakeup(); }) {
  begin();
  if (auto state = stream_.state().read()) {  // after the place in the ring was found, too
    metadata_ = std::move(state->metadata);
    metadata_sequence_ = state->sequence;
  } else {
    log::warning(
        "what is playing cannot be read from the shared memory; it will come with a change");
  }
}

void StreamFeed::begin() {
  stream_.ring().skip_to_old();
  RingReader ahead = stream_.ring();
  Record first;
  std::vector<std::byte> payload(ahead.payload_bytes_max());
  const auto header = stream_.header().read();
  // A header that the ring still has will come in its place among the frames. Looked for after the
  // place in the ring was found: stream_header.h.
  if (ahead.read(first, payload) != ReadResult::record ||
      (header && header->sequence < first.sequence)) {
    take_header();
  }
}

void StreamFeed::catch_up() {
  constexpr int turns_max = 1000;  // more than a ring has, unless the master is faster than we are
  for (int turn = 0; turn < turns_max && !take_records(); ++turn) {
    store_.begin_turn();
  }
  store_.begin_turn();
  next_to_pass_ = store_.next();
}

void StreamFeed::on_wakeup() {
  consume_wakeup(wakeup_);
  if (!take_records()) {
    wake(wakeup_);  // the rest after a pass
    return pass();
  }
  const auto frames = static_cast<std::int64_t>(store_.next() - next_to_pass_);
  if (frames == 0) {
    return;  // what is new is nothing that listeners are sent
  }
  const std::chrono::milliseconds wait = schedule_.fixed().value_or(std::chrono::milliseconds(0));
  if (wait.count() == 0) {
    pass(frames);
  } else if (gathering_ == EventLoop::no_timer) {
    gathering_ = loop_.call_after(wait, [this] { pass(); });
  }
}

bool StreamFeed::take_records() {
  // Bounded for records that are no frames, and for a writer that overtakes us again and again,
  // too.
  constexpr int reads_max = 4096;
  for (int reads = 0; reads < reads_max && !store_.turn_is_full(); ++reads) {
    Record record;
    const auto space = store_.next_space();
    switch (stream_.ring().read(record, space)) {
      case ReadResult::record:
        take_record(record, space.first(record.payload_bytes));
        break;
      case ReadResult::nothing_new:
        return true;
      case ReadResult::overtaken:
        skip_to_newest();
        break;
      case ReadResult::damaged:
        if (!std::exchange(damage_logged_, true)) {
          log::error("the ring holds a record that makes no sense; going on with the newest");
        }
        skip_to_newest();
        return true;  // and not at once again: it may still be the newest
    }
  }
  return false;
}

void StreamFeed::take_record(const Record& record, std::span<const std::byte> payload) {
  if (record.lost > 0) {
    counters_.records_lost_total.add(record.lost);
    if (loss_log_.admit(monotonic_ns())) {
      log::warning("{} records were overwritten before this worker could read them",
                   counters_.records_lost_total.get() -
                       std::exchange(losses_logged_, counters_.records_lost_total.get()));
    }
  }
  gap_ = gap_ || record.lost > 0;
  switch (record.type) {
    case RecordType::sync_point:
      return take_frame(record, payload, FrameKind::sync_point);
    case RecordType::dependent:
      return take_frame(record, payload, FrameKind::dependent);
    case RecordType::header:
      return take_frame(record, payload, FrameKind::header);
    case RecordType::metadata:
      if (auto metadata = decode_stream_metadata(payload)) {
        return change_metadata(record.sequence, std::move(*metadata));
      }
      break;
    case RecordType::padding:
      break;
  }
  log::error("record {} of the ring says nothing that can be understood", record.sequence);
}

void StreamFeed::take_frame(const Record& record, std::span<const std::byte> payload,
                            FrameKind kind) {
  if (record.sequence <= header_sequence_) {
    return;  // from before the header that take_header() has found, or that one
  }
  if (kind == FrameKind::header) {
    header_sequence_ = record.sequence;
    if (payload.empty()) {
      store_.forget_header();
    } else {
      store_.append(payload.size(), record.time_ns, kind, record.stream_position);
    }
    return;
  }
  if (payload.empty() || (gap_ && kind == FrameKind::dependent)) {
    return;
  }
  gap_ = false;
  store_.append(payload.size(), record.time_ns, kind, record.stream_position);
  bitrate_.add(payload.size(), record.time_ns);
  counters_.frames_received_total.add(1);
}

void StreamFeed::skip_to_newest() {
  gap_ = true;
  stream_.ring().skip_to_newest();
  take_header();  // what was skipped may have changed both
  if (auto state = stream_.state().read()) {
    change_metadata(state->sequence, std::move(state->metadata));
  }
}

void StreamFeed::take_header() {
  const auto header = stream_.header().read();
  if (!header || header->sequence <= header_sequence_) {
    return;  // one that is just being written comes as a record, too
  }
  const auto space = store_.next_space();
  if (header->bytes.size() > space.size()) {
    log::error("the stream's header in the shared memory is longer than any frame; ignored");
    return;
  }
  header_sequence_ = header->sequence;
  if (header->bytes.empty()) {
    store_.forget_header();
    return;
  }
  std::copy(header->bytes.begin(), header->bytes.end(), space.begin());
  store_.append(header->bytes.size(), monotonic_ns(), FrameKind::header, header->stream_position);
}

void StreamFeed::change_metadata(std::uint64_t sequence, StreamMetadata metadata) {
  if (sequence <= metadata_sequence_) {
    return;
  }
  metadata_sequence_ = sequence;
  if (metadata == metadata_) {
    return;
  }
  const bool another_track = metadata.track_number != metadata_.track_number ||
                             metadata.now_playing != metadata_.now_playing;
  if (another_track && track_passes_.admit(monotonic_ns())) {
    pass();  // the last frames of the track before
  }
  const StreamMetadata before = std::exchange(metadata_, std::move(metadata));
  metadata_changed_(before);
}

void StreamFeed::pass() {
  const std::int64_t begin_ns = monotonic_ns();
  fan_out_.set_pace(bitrate_.pace());
  fan_out_.pass();
  passed(begin_ns, 1);
}

void StreamFeed::pass(std::int64_t frames) {
  if (schedule_.fixed() || frames >= schedule_.frames_in_send()) {
    return pass();
  }
  const std::int64_t begin_ns = monotonic_ns();
  fan_out_.set_pace(bitrate_.pace());
  passed(begin_ns, fan_out_.pass_over(frames, schedule_.frames_in_send()));
  if (fan_out_.is_within_turn()) {
    gathering_ =
        loop_.call_after(std::chrono::nanoseconds(schedule_.patience_ns()), [this] { pass(); });
  }
}

void StreamFeed::passed(std::int64_t begin_ns, double part) {
  loop_.cancel(gathering_);
  next_to_pass_ = store_.next();
  schedule_.passed(begin_ns, monotonic_ns(), part, bitrate_.pace().frame_ns);
  fan_out_.set_gathering(schedule_.gathering_ns());
  counters_.pass_ns.set(static_cast<std::uint64_t>(schedule_.pass_ns()));
}

}  // namespace eradio
