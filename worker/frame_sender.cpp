#include "worker/frame_sender.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "common/check.h"
#include "common/log.h"
#include "worker/bitrate.h"
#include "worker/kernel_queue.h"

namespace eradio {
namespace {

// Older than any byte that may still be on its way.
constexpr std::int64_t long_ago_ns = 3600 * ns_per_second;

}  // namespace

FrameSender::FrameSender(FrameStore& store, WorkerCounters& counters, WorkerListenerTable& table,
                         const GateLimits& limits)
    : store_(store), counters_(counters), table_(table), limits_(limits) {}

void FrameSender::send_through(std::unique_ptr<SendRing> ring) {
  ring_ = std::move(ring);
  collected_.reserve(SendRing::batch_max);
  counters_.sends_through_ring.set(1);
}

void FrameSender::set_pace(const StreamPace& pace) {
  pace_ = pace;
  if (limits_.queue_follows_pace) {
    limits_.queue_bytes_max = automatic_queue_bytes(pace);
  }
}

void FrameSender::set_gathering(std::int64_t ns) noexcept {
  gathering_ = ns > 0;
  limits_.newest_age_ns_min = newest_age_ns_min + ns;
}

void FrameSender::take_in(Listener& listener) const {
  listener.in_ring = ring_ && listener.tcp && ring_->remember(listener.socket.number());
}

void FrameSender::forget(const Listener& listener) const noexcept {
  if (ring_ && listener.in_ring) {
    ring_->forget(listener.socket.number());
  }
}

void FrameSender::begin_collecting() noexcept {
  collected_.clear();
  collecting_ = ring_ != nullptr;
}

std::span<const FrameSender::CollectedSend> FrameSender::send_collected(std::int64_t now_ns) {
  collecting_ = false;
  if (collected_.empty()) {
    return collected_;
  }
  const auto results = ring_->submit();
  counters_.send_calls_total.add(1);
  for (std::size_t i = 0; i < collected_.size(); ++i) {
    const CollectedSend& send = collected_[i];
    send.listener->collected = false;
    take_sent_frames(*send.listener, take_send_result(*send.listener, send.bytes, results[i]),
                     now_ns);
  }
  if (ring_->broken() != 0) {
    log::warning("io_uring fails ({}): each frame is sent by itself from now on",
                 std::generic_category().message(ring_->broken()));
    ring_.reset();
    counters_.sends_through_ring.set(0);
  }
  return collected_;
}

SendProgress FrameSender::serve(Listener& listener, std::int64_t now_ns) {
  // EPOLLOUT brings back those whose sockets are full.
  const SendProgress progress =
      listener.writable ? send_what_may_be_sent(listener, now_ns) : SendProgress::done;
  // Whatever was begun, just now or long ago, must be there to be finished.
  if (!listener.collected && listener.begun_bytes > 0 && store_.leaves_soon(listener.next_frame)) {
    keep_rest(listener);
  }
  return listener.error_number == 0 ? progress : SendProgress::broken;
}

SendProgress FrameSender::send_what_may_be_sent(Listener& listener, std::int64_t now_ns) {
  if (listener.kept_rest() != nullptr) {
    send_kept_rest(listener, now_ns);
    if (listener.kept_rest() != nullptr) {
      return SendProgress::done;
    }
  }
  while (listener.writable && listener.error_number == 0 && !listener.collected &&
         listener.next_frame < store_.next()) {
    if (ask_gate(listener, now_ns) == GateDecision::send) {
      send_frames(listener, now_ns);
    } else if (listener.next_frame < store_.next()) {
      return SendProgress::waits;
    }
  }
  return SendProgress::done;
}

GateDecision FrameSender::ask_gate(Listener& listener, std::int64_t now_ns) {
  bool looked = false;
  while (listener.next_frame < store_.next()) {
    if (listener.resumes && !may_resume_at(listener.next_frame)) {
      skip_to(listener, resumption(listener, now_ns));
      continue;
    }
    const bool in_store = listener.next_frame >= store_.oldest();
    ERADIO_CHECK(in_store || listener.begun_bytes == 0);  // keep_rest() has seen to that
    const FrameStore::Frame& frame = store_.frame(listener.next_frame);
    const GateDecision decision = listener.gate.decide(
        limits_, pace_,
        {.now_ns = now_ns,
         .lag_ns = in_store ? now_ns - frame.time_ns : INT64_MAX,
         .lag_ns_max = lag_ns_max(listener),
         .frame_bytes = frame.bytes,
         .batch_bytes = batch_bytes(frame),
         .is_new = is_new(listener.next_frame) || listener.next_frame + 1 == store_.next(),
         .frame_begun = listener.begun_bytes > 0,
         .looked = looked});
    if (decision == GateDecision::skip) {
      skip(listener, now_ns);
    } else if (decision == GateDecision::look) {
      look(listener, now_ns);
      looked = true;
    } else {
      return decision;
    }
  }
  return GateDecision::wait;
}

void FrameSender::look(Listener& listener, std::int64_t now_ns) {
  const int socket = listener.socket.number();
  // A broken socket is let through: send() will say what is wrong with it.
  const std::uint64_t queued = queued_bytes(socket).value_or(0);
  const FrameStore::Frame& next = store_.frame(listener.next_frame);
  KernelLook look{.now_ns = now_ns,
                  .queued_bytes = queued,
                  .acked_bytes = listener.bytes_sent - std::min(queued, listener.bytes_sent),
                  .oldest_age_ns = oldest_queued_age_ns(listener, queued, now_ns),
                  .backlog_bytes = store_.end() - next.begin,
                  .batch_bytes = batch_bytes(next),
                  .path = std::nullopt};
  if (listener.tcp && listener.gate.needs_path(pace_, look)) {
    look.path = network_path(socket);
  }
  listener.gate.looked(limits_, pace_, look);
  counters_.queue_looks_total.add(1);
}

std::int64_t FrameSender::oldest_queued_age_ns(const Listener& listener, std::uint64_t queued_bytes,
                                               std::int64_t now_ns) const {
  // A Unix socket's queue is counted with the kernel's overhead: no byte of the stream can be told
  // by it. Of a new listener's queue a part is the response's head.
  if (queued_bytes == 0 || listener.bytes_sent == 0 || !listener.tcp) {
    return 0;
  }
  const std::uint64_t acked = listener.bytes_sent - std::min(queued_bytes, listener.bytes_sent);
  const UnbrokenRun run_before =
      listener.known_trouble() ? listener.known_trouble()->run_before : UnbrokenRun{};
  if (acked < run_before.begin) {
    return long_ago_ns;
  }
  const UnbrokenRun& run = acked >= listener.run.begin ? listener.run : run_before;
  const std::uint64_t position = acked + run.offset;
  // Before the beginning of the stream, modulo 2^64: a header.
  const bool in_stream = store_.oldest() < store_.next() && position < store_.stream_end();
  return now_ns - std::max(in_stream ? store_.time_at(position) : 0, run.since_ns);
}

void FrameSender::skip(Listener& listener, std::int64_t now_ns) {
  listener.resumes = true;
  // However often it skips while it waits, the listener hears one jump; before its first frame
  // none.
  if (listener.frames_sent > 0) {
    ListenerTrouble& trouble = listener.trouble();
    trouble.jumps += trouble.jumped ? 0 : 1;
    trouble.jumped = true;
  }
  const std::uint64_t target = resumption(listener, now_ns);
  ERADIO_CHECK(target > listener.next_frame);  // or the gate would say the same again, for ever
  skip_to(listener, target);
}

void FrameSender::skip_to(Listener& listener, std::uint64_t target) {
  const std::uint64_t skipped = target - listener.next_frame;
  listener.next_frame = target;
  if (listener.has_jumped()) {  // what came before its first frame, a listener does not miss
    listener.trouble().frames_skipped += skipped;
  }
}

std::uint64_t FrameSender::resumption(const Listener& listener, std::int64_t now_ns) const {
  const std::uint64_t sync_point = store_.newest_sync_point();
  if (sync_point == 0 || sync_point < listener.next_frame) {
    return store_.next();
  }
  const bool newest = sync_point + 1 == store_.next();
  const std::int64_t age_ns_max = newest ? limits_.newest_age_ns_max(listener.lag_ns_max())
                                         : std::max(limits_.lag_ns_ceiling, listener.lag_ns_max());
  return now_ns - store_.frame(sync_point).time_ns <= age_ns_max ? sync_point : store_.next();
}

bool FrameSender::may_resume_at(std::uint64_t number) const {
  return number >= store_.oldest() && number > store_.header_number() &&
         store_.frame(number).kind == FrameKind::sync_point;
}

std::int64_t FrameSender::lag_ns_max(const Listener& listener) const {
  const std::uint64_t sync_point = store_.newest_sync_point();
  // Without a newer sync point to go on with, a listener would lose more than it is behind.
  const bool worth_it = sync_point > listener.next_frame ||
                        (sync_point == listener.next_frame && sync_point + 1 == store_.next());
  return worth_it ? listener.lag_ns_max() : std::max(limits_.lag_ns_ceiling, listener.lag_ns_max());
}

std::uint64_t FrameSender::last_admitted(const Listener& listener) const {
  const FrameStore::Frame& first = store_.frame(listener.next_frame);
  if (listener.begun_bytes > 0) {
    return listener.next_frame + 1;  // what comes behind it is for the gate to decide
  }
  const std::uint64_t room = listener.gate.room(limits_, pace_, batch_bytes(first));
  const std::uint64_t start = first.begin + listener.begun_bytes;
  if (store_.end() - start <= room && store_.newest_gap() <= listener.next_frame) {
    return store_.next();
  }
  // One frame at least, however large; only what lies behind is held to the limit.
  std::uint64_t behind = listener.next_frame + 1;
  while (behind < store_.next() && !store_.is_behind_gap(behind) &&
         store_.frame(behind).begin + store_.frame(behind).bytes - start <= room) {
    ++behind;
  }
  return behind;
}

void FrameSender::send_frames(Listener& listener, std::int64_t now_ns) {
  if (listener.resumes && send_header(listener, now_ns)) {
    return;  // and ask the gate again
  }
  const std::uint64_t behind = last_admitted(listener);
  const FrameStore::Frame& last = store_.frame(behind - 1);
  const std::uint64_t start = store_.frame(listener.next_frame).begin + listener.begun_bytes;
  const std::size_t count = last.begin + last.bytes - start;
  const std::uint64_t stream_position =
      store_.frame(listener.next_frame).stream_position + listener.begun_bytes;
  if (stream_position - listener.bytes_sent != listener.run.offset || !listener.run_noted) {
    begin_run(listener, stream_position, 0, now_ns);
  }
  if (collecting_ && listener.in_ring) {
    ring_->add(listener.socket.number(), {store_.at(start), count});
    collected_.push_back({.listener = &listener, .bytes = count});
    listener.collected = true;
    return;
  }
  take_sent_frames(listener, send_bytes(listener, store_.at(start), count), now_ns);
}

void FrameSender::begin_run(Listener& listener, std::uint64_t stream_position,
                            std::uint32_t header_bytes, std::int64_t now_ns) {
  const std::uint64_t bytes_before = listener.bytes_sent + header_bytes;
  if (listener.bytes_sent > listener.run.begin) {  // or nothing of it was sent
    listener.trouble().run_before = listener.run;
  }
  listener.run = {
      .begin = listener.bytes_sent, .offset = stream_position - bytes_before, .since_ns = now_ns};
  listener.run_noted = true;
  const bool has_newest_header = store_.header() != nullptr &&
                                 (header_bytes > 0 || listener.header == store_.header_version());
  table_.write_run(
      listener.record,
      {.bytes_before = bytes_before,
       .stream_position = stream_position,
       .header_position = has_newest_header ? store_.header_position() : ListenerRun::no_header,
       .header_bytes = header_bytes},
      {.stream_position = stream_position - listener.begun_bytes, .totals = listener.totals()});
}

void FrameSender::note_tally(const Listener& listener) {
  // Of one that is in the middle of a kept rest, keep_rest() has seen to it; one that waits for a
  // frame that is not there any more will skip it.
  if (listener.run_noted && listener.kept_rest() == nullptr &&
      listener.next_frame >= store_.oldest()) {
    const std::uint64_t position = listener.next_frame < store_.next()
                                       ? store_.frame(listener.next_frame).stream_position
                                       : store_.stream_end();
    table_.write_tally(listener.record, {.stream_position = position, .totals = listener.totals()});
  }
}

bool FrameSender::send_header(Listener& listener, std::int64_t now_ns) {
  const auto& header = store_.header();
  if (header == nullptr || listener.header == store_.header_version()) {
    return false;
  }
  begin_run(listener, store_.frame(listener.next_frame).stream_position,
            static_cast<std::uint32_t>(header->size()), now_ns);
  const std::size_t sent = send_bytes(listener, header->data(), header->size());
  if (sent > 0) {
    listener.header = store_.header_version();
    listener.bytes_sent += sent;
    if (sent < header->size()) {
      listener.trouble().kept_rest =
          std::make_unique<KeptRest>(KeptRest{.bytes = header, .sent = sent});
    }
  }
  return true;
}

void FrameSender::take_sent_frames(Listener& listener, std::size_t bytes, std::int64_t now_ns) {
  if (bytes == 0) {
    return;
  }
  listener.resumes = false;
  listener.forget_jump();
  if (listener.bytes_sent == listener.run.begin) {
    listener.run.since_ns = now_ns;  // it may have waited for its socket since it was begun
  }
  listener.bytes_sent += bytes;
  while (bytes > 0) {
    const FrameStore::Frame& frame = store_.frame(listener.next_frame);
    const std::size_t rest = frame.bytes - listener.begun_bytes;
    if (frame.kind == FrameKind::header) {
      const bool newest = listener.next_frame == store_.header_number();
      listener.header = newest ? store_.header_version() : 0;
    }
    if (bytes < rest) {
      listener.begun_bytes += static_cast<std::uint32_t>(bytes);
      break;
    }
    counters_.frame_ages.add(now_ns - frame.time_ns);
    bytes -= rest;
    listener.begun_bytes = 0;
    ++listener.next_frame;
    ++listener.frames_sent;
  }
}

void FrameSender::keep_rest(Listener& listener) {
  ERADIO_CHECK(listener.next_frame >= store_.oldest());
  note_tally(listener);
  const FrameStore::Frame& frame = store_.frame(listener.next_frame);
  const std::byte* rest = store_.at(frame.begin + listener.begun_bytes);
  listener.trouble().kept_rest =
      std::make_unique<KeptRest>(KeptRest{.bytes = std::make_shared<const std::vector<std::byte>>(
                                              rest, rest + (frame.bytes - listener.begun_bytes)),
                                          .of_frame = true,
                                          .time_ns = frame.time_ns});
  listener.begun_bytes = 0;
  ++listener.next_frame;
}

void FrameSender::send_kept_rest(Listener& listener, std::int64_t now_ns) {
  KeptRest& rest = *listener.kept_rest();
  const std::size_t sent =
      send_bytes(listener, rest.bytes->data() + rest.sent, rest.bytes->size() - rest.sent);
  listener.bytes_sent += sent;
  rest.sent += sent;
  if (rest.sent < rest.bytes->size()) {
    return;
  }
  if (rest.of_frame) {
    listener.frames_sent += 1;
    counters_.frame_ages.add(now_ns - rest.time_ns);
  }
  listener.trouble().kept_rest.reset();
}

void FrameSender::expect_head(const Listener& listener) {
  if (!listener.tcp) {  // of TCP the kernel knows it
    table_.write_sending(listener.record);
  }
}

int FrameSender::send_head(const Listener& listener, std::string_view head) {
  const ssize_t sent =
      ::send(listener.socket.number(), head.data(), head.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent != std::ssize(head)) {
    return sent < 0 ? errno : ENOBUFS;
  }
  if (!listener.tcp) {
    table_.write_taken(listener.record, 0);
  }
  return 0;
}

std::size_t FrameSender::send_bytes(Listener& listener, const std::byte* bytes, std::size_t count) {
  if (!listener.tcp) {  // of TCP the kernel knows it
    table_.write_sending(listener.record);
  }
  const ssize_t result =
      ::send(listener.socket.number(), bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
  counters_.send_calls_total.add(1);
  if (!listener.tcp) {
    table_.write_taken(listener.record, listener.bytes_sent + static_cast<std::uint64_t>(
                                                                  std::max<ssize_t>(result, 0)));
  }
  return take_send_result(listener, count, result < 0 ? -errno : result);
}

std::size_t FrameSender::take_send_result(Listener& listener, std::size_t count,
                                          std::int64_t result) {
  counters_.sends_total.add(1);
  if (result < 0) {
    if (result == -EAGAIN || result == -ENOBUFS) {
      listener.writable = false;
    } else if (result != -EINTR) {
      listener.error_number = static_cast<std::uint8_t>(-result);
    }
    return 0;
  }
  const auto sent = static_cast<std::size_t>(result);
  if (sent < count) {
    listener.writable = false;  // the next send would fail: let EPOLLOUT say when not
  }
  listener.gate.sent(sent);
  return sent;
}

std::int64_t FrameSender::lag_ns(const Listener& listener, std::uint64_t queued_bytes,
                                 std::int64_t now_ns) const {
  const std::int64_t oldest_ns = oldest_queued_age_ns(listener, queued_bytes, now_ns);
  if (oldest_ns == long_ago_ns) {
    return now_ns - listener.known_trouble()->run_before.since_ns;  // at least
  }
  if (oldest_ns == 0 && listener.next_frame < store_.next()) {
    return now_ns - store_.time_of(listener.next_frame);
  }
  return oldest_ns;
}

}  // namespace eradio
