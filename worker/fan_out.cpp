#include "worker/fan_out.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include "common/check.h"
#include "common/log.h"
#include "common/system_error.h"
#include "shm/peer_key_of.h"
#include "worker/bitrate.h"
#include "worker/continuation.h"
#include "worker/kernel_queue.h"

namespace eradio {
namespace {

// Older than any byte that may still be on its way.
constexpr std::int64_t long_ago_ns = 3600 * ns_per_second;

ListenerTotals totals_of(const Listener& listener) {
  return {.frames_sent = listener.frames_sent,
          .bytes_sent = listener.bytes_sent,
          .frames_skipped = listener.frames_skipped,
          .jumps = listener.jumps};
}

void log_departure(const Listener& listener, std::string_view why, std::int64_t now_ns) {
  if (log::is_on(LogLevel::info)) {
    log::event(LogLevel::info, "a listener has left",
               {{"listener", listener.id},
                {"peer", listener.peer.text()},
                {"port", listener.peer.port()},
                {"why", why},
                {"listened_ms", (now_ns - listener.joined_ns) / ns_per_ms},
                {"frames_sent", listener.frames_sent},
                {"bytes_sent", listener.bytes_sent},
                {"frames_skipped", listener.frames_skipped},
                {"jumps", listener.jumps}});
  }
}

// Of a connection that epoll says is over: the listener's doing, or an error such as a time-out.
std::string why_gone(int socket) {
  int error_number = 0;
  socklen_t length = sizeof error_number;
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error_number, &length) != 0 ||
      error_number == 0 || error_number == ECONNRESET || error_number == EPIPE) {
    return "closed by the listener";
  }
  return std::generic_category().message(error_number);
}

}  // namespace

void Listener::on_events(std::uint32_t events) { fan_out.on_socket_events(*this, events); }

FanOut::FanOut(EventLoop& loop, FrameStore& store, WorkerCounters& counters,
               WorkerListenerTable& table, GateLimits limits,
               std::chrono::milliseconds stall_timeout, Told joined, Told left, Clock clock)
    : loop_(loop),
      store_(store),
      counters_(counters),
      table_(table),
      limits_(limits),
      joined_(std::move(joined)),
      left_(std::move(left)),
      clock_(clock),
      stall_ns_max_(std::chrono::nanoseconds(stall_timeout).count()),
      send_buffer_for_bytes_(limits.queue_bytes_max) {
  set_pace({});
  sweep();
}

void FanOut::send_through(std::unique_ptr<SendRing> ring) {
  ERADIO_CHECK(listeners_.empty());
  ring_ = std::move(ring);
  collected_.reserve(SendRing::batch_max);
  counters_.sends_through_ring.set(1);
}

FanOut::~FanOut() {
  loop_.cancel(waiting_timer_);
  loop_.cancel(sweep_timer_);
}

void FanOut::join(Descriptor socket, const PeerAddress& peer, const ListenerRequest& request) {
  prepare_stream_socket(socket.number(), send_buffer_for_bytes_);
  set_peer_timeout(socket.number(), std::chrono::milliseconds(stall_ns_max_ / ns_per_ms));
  const auto bytes_before = bytes_taken(socket.number());
  auto joining = std::make_unique<Listener>(*this, std::move(socket), peer, request.id);
  joining->joined_ns = clock_();
  joining->lag_ns_max = request.lag_ns_max;
  joining->tcp = bytes_before.has_value();
  joining->record = table_.take({.id = request.id,
                                 .peer = peer_key_of(peer),
                                 .peer_port = peer.port(),
                                 .joined_ns = joining->joined_ns,
                                 .lag_ns_max = request.lag_ns_max,
                                 .bytes_before = bytes_before.value_or(0)},
                                {.header_position = ListenerRun::no_header});
  joining->serial = joining->record ? table_.serial(*joining->record) : 0;
  if (joining->record && !joining->tcp) {
    table_.write_taken(*joining->record, 0);
  }
  Listener& listener = take_in(std::move(joining));
  listener.next_frame = resumption(listener, listener.joined_ns);
  counters_.listeners_total.add(1);
  log::debug("listener {} has come from {}", listener.id, peer.text());
  joined_(listener);
  serve(listener, listener.joined_ns);
  write_progress(listener, 0, listener.joined_ns);
  free_departed();
}

Listener& FanOut::take_in(std::unique_ptr<Listener> listener) {
  // Edge-triggered: a listener costs epoll nothing until its socket, found full, takes more again.
  // What a listener sends is not even read: it stays in its kernel's buffers.
  try {
    loop_.add(listener->socket.number(), EPOLLOUT | EPOLLRDHUP | EPOLLET, *listener);
  } catch (const std::system_error&) {
    if (listener->record) {
      table_.give_back(*listener->record);
    }
    throw;
  }
  listener->in_ring = ring_ && listener->tcp && ring_->remember(listener->socket.number());
  listener->place = static_cast<std::uint32_t>(listeners_.size());
  listener->took_ns = clock_();
  listeners_.push_back(std::move(listener));
  counters_.listeners.set(listeners_.size());
  return *listeners_.back();
}

std::string_view FanOut::adopt(Descriptor socket, const PeerAddress& peer, std::uint32_t record,
                               std::uint64_t serial, const OldFrames* old_frames) {
  const auto estate = table_.adopt(record, serial);
  if (!estate) {
    ::shutdown(socket.number(), SHUT_RDWR);
    return "the listener table says nothing about it that can be used";
  }
  const ListenerIdentity& identity = estate->identity;
  auto adopted = std::make_unique<Listener>(*this, std::move(socket), peer, identity.id);
  adopted->joined_ns = identity.joined_ns;
  adopted->lag_ns_max = identity.lag_ns_max;
  adopted->record = record;
  adopted->serial = serial;
  const ListenerTotals& before = estate->tally.totals;
  adopted->bytes_sent = before.bytes_sent;
  adopted->frames_sent = before.frames_sent;
  adopted->frames_skipped = before.frames_skipped;
  adopted->jumps = static_cast<std::uint32_t>(before.jumps);
  const std::int64_t now_ns = clock_();
  const auto taken = bytes_taken(adopted->socket.number());
  adopted->tcp = taken.has_value();
  std::string_view why = "nobody knows how much its socket has taken";
  if (taken ? *taken >= identity.bytes_before : estate->bytes_taken.has_value()) {
    adopted->bytes_sent = taken ? *taken - identity.bytes_before : *estate->bytes_taken;
    why = continue_listener(*adopted, *estate,
                            {.store = store_,
                             .old_frames = old_frames,
                             .resumption = resumption(*adopted, now_ns),
                             .now_ns = now_ns});
  }
  if (!why.empty()) {
    ::shutdown(adopted->socket.number(), SHUT_RDWR);
    log_departure(*adopted, why, now_ns);
    table_.write_tally(record, {.totals = totals_of(*adopted)});
    table_.give_back(record);
    return why;
  }
  try {
    Listener& listener = take_in(std::move(adopted));
    serve(listener, now_ns);
    write_progress(listener, 0, now_ns);
  } catch (const std::system_error& error) {
    log::error("a listener was dropped: {}", error.what());
    return "its socket cannot be used";
  }
  free_departed();
  return {};
}

void FanOut::pass() {
  counters_.passes_total.add(1);
  const std::size_t count = listeners_.size();
  first_in_pass_ = first_in_pass_ + 1 < count ? first_in_pass_ + 1 : 0;
  serve(std::span(listeners_).subspan(first_in_pass_));
  serve(std::span(listeners_).first(first_in_pass_));
  store_.begin_turn();
  free_departed();
}

void FanOut::on_socket_events(Listener& listener, std::uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0) {
    leave(listener, why_gone(listener.socket.number()));
  } else if ((events & EPOLLOUT) != 0 && !listener.writable) {
    listener.writable = true;
    serve(listener, clock_());
  }
  free_departed();
}

std::size_t FanOut::close_those(const std::function<bool(const Listener&)>& chosen,
                                std::string_view why) {
  std::size_t closed = 0;
  for (const auto& listener : listeners_) {
    if (!listener->gone && chosen(*listener)) {
      leave(*listener, why);
      ++closed;
    }
  }
  free_departed();
  return closed;
}

void FanOut::say_why_all_leave(std::string_view why) const {
  const std::int64_t now_ns = clock_();
  for (const auto& listener : listeners_) {
    log_departure(*listener, why, now_ns);
  }
}

void FanOut::set_pace(const StreamPace& pace) {
  pace_ = pace;
  if (!limits_.queue_follows_pace) {
    return;
  }
  const std::uint64_t bytes = automatic_queue_bytes(pace);
  limits_.queue_bytes_max = bytes;
  if (bytes > send_buffer_for_bytes_ + send_buffer_for_bytes_ / 2) {
    send_buffer_for_bytes_ = bytes;
    for (const auto& listener : listeners_) {
      prepare_stream_socket(listener->socket.number(), bytes);
    }
  }
}

void FanOut::serve(std::span<const std::unique_ptr<Listener>> listeners) {
  // A long pass takes longer than its frames may be old: the time is taken anew now and then.
  constexpr std::size_t stride = SendRing::batch_max;
  while (!listeners.empty()) {
    const std::int64_t now_ns = clock_();
    const auto some = listeners.first(std::min(listeners.size(), stride));
    collecting_ = ring_ != nullptr;
    for (const auto& listener : some) {
      serve(*listener, now_ns);
    }
    collecting_ = false;
    send_collected(now_ns);
    listeners = listeners.subspan(some.size());
  }
}

void FanOut::serve(Listener& listener, std::int64_t now_ns) {
  if (!listener.gone && listener.writable) {  // EPOLLOUT brings back those whose sockets are full
    send_what_may_be_sent(listener, now_ns);
  }
  // Whatever was begun, just now or long ago, must be there to be finished.
  if (!listener.collected && listener.begun_bytes > 0 && store_.leaves_soon(listener.next_frame)) {
    keep_rest(listener);
  }
}

void FanOut::send_what_may_be_sent(Listener& listener, std::int64_t now_ns) {
  if (listener.kept_rest) {
    send_kept_rest(listener, now_ns);
    if (listener.kept_rest) {
      return;
    }
  }
  while (listener.writable && !listener.gone && !listener.collected &&
         listener.next_frame < store_.next()) {
    if (ask_gate(listener, now_ns) == GateDecision::send) {
      send_frames(listener, now_ns);
    } else if (listener.next_frame < store_.next()) {
      let_wait(listener);
      return;
    }
  }
}

void FanOut::send_collected(std::int64_t now_ns) {
  if (collected_.empty()) {
    return;
  }
  const auto results = ring_->submit();
  counters_.send_calls_total.add(1);
  for (std::size_t i = 0; i < collected_.size(); ++i) {
    const CollectedSend& send = collected_[i];
    send.listener->collected = false;
    take_sent_frames(*send.listener, send.position,
                     take_send_result(*send.listener, send.bytes, results[i]), now_ns);
    serve(*send.listener, now_ns);  // there may be more, and what was begun may have to be kept
  }
  collected_.clear();
  if (ring_->broken() != 0) {
    do_without_ring();
  }
}

void FanOut::do_without_ring() {
  log::warning("io_uring fails ({}): each frame is sent by itself from now on",
               std::generic_category().message(ring_->broken()));
  for (const auto& listener : listeners_) {
    listener->in_ring = false;
  }
  ring_.reset();
  counters_.sends_through_ring.set(0);
}

void FanOut::let_wait(Listener& listener) {
  if (!std::exchange(listener.waits, true)) {
    waiting_.push_back(&listener);
  }
  if (waiting_timer_ == EventLoop::no_timer) {
    waiting_timer_ = loop_.call_after(std::chrono::nanoseconds(look_interval_ns), [this] {
      waiting_timer_ = EventLoop::no_timer;
      serve_waiting();
    });
  }
}

void FanOut::serve_waiting() {
  const std::int64_t now_ns = clock_();
  waited_.swap(waiting_);  // who has to wait any longer enters himself again
  for (Listener* listener : waited_) {
    listener->waits = false;
    serve(*listener, now_ns);
  }
  waited_.clear();
  free_departed();
}

GateDecision FanOut::ask_gate(Listener& listener, std::int64_t now_ns) {
  bool looked = false;
  while (listener.next_frame < store_.next()) {
    if (listener.resumes && !may_resume_at(listener.next_frame)) {
      skip_to(listener, resumption(listener, now_ns));
      continue;
    }
    const bool in_store = listener.next_frame >= store_.oldest();
    ERADIO_CHECK(in_store || listener.begun_bytes == 0);  // keep_rest() has seen to that
    const FrameStore::Frame& frame = store_.frame(listener.next_frame);
    const GateDecision decision =
        listener.gate.decide(limits_, pace_,
                             {.now_ns = now_ns,
                              .lag_ns = in_store ? now_ns - frame.time_ns : INT64_MAX,
                              .lag_ns_max = lag_ns_max(listener),
                              .frame_bytes = frame.bytes,
                              .batch_bytes = batch_bytes(frame),
                              .is_new = store_.is_of_turn(listener.next_frame) ||
                                        listener.next_frame + 1 == store_.next(),
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

void FanOut::look(Listener& listener, std::int64_t now_ns) {
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

std::int64_t FanOut::oldest_queued_age_ns(const Listener& listener, std::uint64_t queued_bytes,
                                          std::int64_t now_ns) const {
  // A Unix socket's queue is counted with the kernel's overhead: no byte of the stream can be told
  // by it. Of a new listener's queue a part is the response's head.
  if (queued_bytes == 0 || listener.bytes_sent == 0 || !listener.tcp) {
    return 0;
  }
  const std::uint64_t acked = listener.bytes_sent - std::min(queued_bytes, listener.bytes_sent);
  if (acked < listener.run_before.begin) {
    return long_ago_ns;
  }
  const UnbrokenRun& run = acked >= listener.run.begin ? listener.run : listener.run_before;
  const std::uint64_t position = acked + run.offset;
  // Before the first frame that the store has seen, modulo 2^64: a header.
  const std::int64_t made_ns = position < store_.end() ? store_.time_at(position) : 0;
  return now_ns - std::max(made_ns, run.since_ns);
}

void FanOut::skip(Listener& listener, std::int64_t now_ns) {
  listener.resumes = true;
  // However often it skips while it waits, the listener hears one jump; before its first frame
  // none.
  if (listener.frames_sent > 0 && !std::exchange(listener.jumped, true)) {
    listener.jumps += 1;
  }
  const std::uint64_t target = resumption(listener, now_ns);
  ERADIO_CHECK(target > listener.next_frame);  // or the gate would say the same again, for ever
  skip_to(listener, target);
}

void FanOut::skip_to(Listener& listener, std::uint64_t target) {
  const std::uint64_t skipped = target - listener.next_frame;
  listener.next_frame = target;
  if (listener.jumped) {  // what came before its first frame, a listener does not miss
    listener.frames_skipped += skipped;
  }
}

std::uint64_t FanOut::resumption(const Listener& listener, std::int64_t now_ns) const {
  const std::uint64_t sync_point = store_.newest_sync_point();
  if (sync_point == 0 || sync_point < listener.next_frame) {
    return store_.next();
  }
  const bool newest = sync_point + 1 == store_.next();
  const std::int64_t age_ns_max = newest ? newest_age_ns_max(listener.lag_ns_max)
                                         : std::max(limits_.lag_ns_ceiling, listener.lag_ns_max);
  return now_ns - store_.frame(sync_point).time_ns <= age_ns_max ? sync_point : store_.next();
}

bool FanOut::may_resume_at(std::uint64_t number) const {
  return number >= store_.oldest() && number > store_.header_number() &&
         store_.frame(number).kind == FrameKind::sync_point;
}

std::int64_t FanOut::lag_ns_max(const Listener& listener) const {
  const std::uint64_t sync_point = store_.newest_sync_point();
  // Without a newer sync point to go on with, a listener would lose more than it is behind.
  const bool worth_it = sync_point > listener.next_frame ||
                        (sync_point == listener.next_frame && sync_point + 1 == store_.next());
  return worth_it ? listener.lag_ns_max : std::max(limits_.lag_ns_ceiling, listener.lag_ns_max);
}

std::uint64_t FanOut::last_admitted(const Listener& listener) const {
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

void FanOut::send_frames(Listener& listener, std::int64_t now_ns) {
  if (listener.resumes && send_header(listener, now_ns)) {
    return;  // and ask the gate again
  }
  const std::uint64_t behind = last_admitted(listener);
  const FrameStore::Frame& last = store_.frame(behind - 1);
  const std::uint64_t start = store_.frame(listener.next_frame).begin + listener.begun_bytes;
  const std::size_t count = last.begin + last.bytes - start;
  const std::uint64_t stream_position =
      store_.frame(listener.next_frame).stream_position + listener.begun_bytes;
  if (stream_position - listener.bytes_sent != listener.stream_offset || !listener.run_noted) {
    note_run(listener, stream_position, 0);
  }
  if (collecting_ && listener.in_ring) {
    ring_->add(listener.socket.number(), {store_.at(start), count});
    collected_.push_back({.listener = &listener, .position = start, .bytes = count});
    listener.collected = true;
    return;
  }
  take_sent_frames(listener, start, send_bytes(listener, store_.at(start), count), now_ns);
}

void FanOut::take_sent_frames(Listener& listener, std::uint64_t position, std::size_t bytes,
                              std::int64_t now_ns) {
  if (bytes > 0) {
    listener.resumes = false;
    listener.jumped = false;
  }
  account_sent(listener, position, bytes, now_ns);
}

void FanOut::note_run(Listener& listener, std::uint64_t stream_position,
                      std::uint64_t header_bytes) {
  const std::uint64_t bytes_before = listener.bytes_sent + header_bytes;
  listener.stream_offset = stream_position - bytes_before;
  listener.run_noted = true;
  if (listener.record) {
    const bool has_newest_header =
        store_.header() != nullptr &&
        (header_bytes > 0 || listener.header_number == store_.header_number());
    table_.write_run(
        *listener.record,
        {.bytes_before = bytes_before,
         .stream_position = stream_position,
         .header_position = has_newest_header ? store_.header_position() : ListenerRun::no_header,
         .header_bytes = header_bytes},
        {.stream_position = stream_position - listener.begun_bytes, .totals = totals_of(listener)});
  }
}

void FanOut::note_tally(const Listener& listener) {
  // Of one that is in the middle of a kept rest, keep_rest() has seen to it; one that waits for a
  // frame that is not there any more will skip it.
  if (listener.record && listener.run_noted && !listener.kept_rest &&
      listener.next_frame >= store_.oldest()) {
    const std::uint64_t position = listener.next_frame < store_.next()
                                       ? store_.frame(listener.next_frame).stream_position
                                       : store_.stream_end();
    table_.write_tally(*listener.record,
                       {.stream_position = position, .totals = totals_of(listener)});
  }
}

bool FanOut::send_header(Listener& listener, std::int64_t now_ns) {
  const auto& header = store_.header();
  if (header == nullptr || listener.header_number == store_.header_number()) {
    return false;
  }
  note_run(listener, store_.frame(listener.next_frame).stream_position, header->size());
  const std::size_t sent = send_bytes(listener, header->data(), header->size());
  if (sent > 0) {
    listener.header_number = store_.header_number();
    listener.run_before = listener.run;
    listener.run = {
        .begin = listener.bytes_sent,
        .offset = store_.frame(listener.next_frame).begin - listener.bytes_sent - header->size(),
        .since_ns = now_ns};
    listener.bytes_sent += sent;
    if (sent < header->size()) {
      listener.kept_rest = std::make_unique<KeptRest>(KeptRest{.bytes = header, .sent = sent});
    }
  }
  return true;
}

void FanOut::account_sent(Listener& listener, std::uint64_t position, std::size_t bytes,
                          std::int64_t now_ns) {
  if (bytes > 0 && position - listener.bytes_sent != listener.run.offset) {
    listener.run_before = listener.run;
    listener.run = {
        .begin = listener.bytes_sent, .offset = position - listener.bytes_sent, .since_ns = now_ns};
  }
  listener.bytes_sent += bytes;
  std::uint64_t frames = 0;
  while (bytes > 0) {
    const FrameStore::Frame& frame = store_.frame(listener.next_frame);
    const std::size_t rest = frame.bytes - listener.begun_bytes;
    if (frame.kind == FrameKind::header) {
      listener.header_number = listener.next_frame;
    }
    if (bytes < rest) {
      listener.begun_bytes += static_cast<std::uint32_t>(bytes);
      break;
    }
    counters_.frame_ages.add(now_ns - frame.time_ns);
    bytes -= rest;
    listener.begun_bytes = 0;
    ++listener.next_frame;
    ++frames;
  }
  listener.frames_sent += frames;
}

void FanOut::keep_rest(Listener& listener) {
  ERADIO_CHECK(listener.next_frame >= store_.oldest());
  note_tally(listener);
  const FrameStore::Frame& frame = store_.frame(listener.next_frame);
  const std::byte* rest = store_.at(frame.begin + listener.begun_bytes);
  listener.kept_rest =
      std::make_unique<KeptRest>(KeptRest{.bytes = std::make_shared<const std::vector<std::byte>>(
                                              rest, rest + (frame.bytes - listener.begun_bytes)),
                                          .of_frame = true,
                                          .time_ns = frame.time_ns});
  listener.begun_bytes = 0;
  ++listener.next_frame;
}

void FanOut::send_kept_rest(Listener& listener, std::int64_t now_ns) {
  KeptRest& rest = *listener.kept_rest;
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
  listener.kept_rest.reset();
}

std::size_t FanOut::send_bytes(Listener& listener, const std::byte* bytes, std::size_t count) {
  const bool noted = !listener.tcp && listener.record;  // of TCP the kernel knows it
  if (noted) {
    table_.forget_taken(*listener.record);
  }
  const ssize_t result =
      ::send(listener.socket.number(), bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
  counters_.send_calls_total.add(1);
  if (noted) {
    table_.write_taken(*listener.record, listener.bytes_sent + static_cast<std::uint64_t>(
                                                                   std::max<ssize_t>(result, 0)));
  }
  return take_send_result(listener, count, result < 0 ? -errno : result);
}

std::size_t FanOut::take_send_result(Listener& listener, std::size_t count, std::int64_t result) {
  counters_.sends_total.add(1);
  if (result < 0) {
    if (result == -EAGAIN || result == -ENOBUFS) {
      listener.writable = false;
    } else if (result != -EINTR) {
      leave(listener, std::generic_category().message(static_cast<int>(-result)));
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

void FanOut::sweep() {
  constexpr std::size_t parts = 20;
  constexpr std::chrono::milliseconds interval{50};
  const std::int64_t now_ns = clock_();
  const std::size_t count = listeners_.size();
  for (std::size_t left = (count + parts - 1) / parts; left > 0; --left) {
    next_in_sweep_ = next_in_sweep_ + 1 < count ? next_in_sweep_ + 1 : 0;
    examine(*listeners_[next_in_sweep_], now_ns);
  }
  free_departed();
  sweep_timer_ = loop_.call_after(interval, [this] { sweep(); });
}

void FanOut::hand_over() {
  const std::int64_t now_ns = clock_();
  for (const auto& listener : listeners_) {
    write_progress(*listener, queued_bytes(listener->socket.number()).value_or(0), now_ns);
  }
}

void FanOut::examine(Listener& listener, std::int64_t now_ns) {
  const std::uint64_t queued = queued_bytes(listener.socket.number()).value_or(0);
  write_progress(listener, queued, now_ns);
  // Of a Unix socket this is no number of bytes; but it changes whenever something is taken.
  const std::uint64_t taken = listener.bytes_sent - queued;
  if (queued == 0 || taken != listener.bytes_taken) {
    listener.bytes_taken = taken;
    listener.took_ns = now_ns;
  } else if (now_ns - listener.took_ns >= stall_ns_max_) {
    leave(listener,
          "it has taken nothing for " + std::to_string(stall_ns_max_ / ns_per_second) + " s");
  }
}

void FanOut::write_progress(const Listener& listener, std::uint64_t queued_bytes,
                            std::int64_t now_ns) {
  if (!listener.record) {
    return;
  }
  std::int64_t lag_ns = oldest_queued_age_ns(listener, queued_bytes, now_ns);
  if (lag_ns == long_ago_ns) {
    lag_ns = now_ns - listener.run_before.since_ns;  // at least
  }
  if (lag_ns == 0 && listener.next_frame >= store_.oldest() &&
      listener.next_frame < store_.next()) {
    lag_ns = now_ns - store_.frame(listener.next_frame).time_ns;
  }
  table_.write_progress(*listener.record,
                        {.updated_ns = now_ns, .lag_ns = lag_ns, .queued_bytes = queued_bytes});
  note_tally(listener);
}

void FanOut::leave(Listener& listener, std::string_view why) {
  if (std::exchange(listener.gone, true)) {
    return;
  }
  log_departure(listener, why, clock_());
  departed_.push_back(&listener);
}

void FanOut::free_departed() {
  for (Listener* listener : departed_) {
    loop_.remove(listener->socket.number(), *listener);
    if (listener->in_ring) {
      ring_->forget(listener->socket.number());
    }
    left_(*listener);
    // The master holds a duplicate: closing this one alone would tell the listener nothing.
    ::shutdown(listener->socket.number(), SHUT_RDWR);
    if (listener->record) {
      // Nobody goes on with it: what counts are its totals.
      table_.write_tally(*listener->record, {.totals = totals_of(*listener)});
      table_.give_back(*listener->record);
    }
    const std::size_t place = listener->place;
    std::swap(listeners_[place], listeners_.back());
    listeners_[place]->place = static_cast<std::uint32_t>(place);
    listeners_.back()->socket.reset();
    if (listener->waits) {
      std::erase(waiting_, listener);
    }
    loop_.retire(std::move(listeners_.back()));
    listeners_.pop_back();
  }
  if (!departed_.empty()) {
    departed_.clear();
    counters_.listeners.set(listeners_.size());
  }
}

}  // namespace eradio
