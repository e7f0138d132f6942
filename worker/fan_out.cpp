#include "worker/fan_out.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "common/check.h"
#include "common/log.h"
#include "common/system_error.h"
#include "shm/peer_key_of.h"
#include "worker/continuation.h"
#include "worker/kernel_queue.h"

namespace eradio {
namespace {

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

std::uint16_t milliseconds_of(std::int64_t ns) {
  return static_cast<std::uint16_t>(
      std::clamp<std::int64_t>(ns / ns_per_ms, 0, std::numeric_limits<std::uint16_t>::max()));
}

// A long pass takes longer than its frames may be old: the time is taken anew for so many.
constexpr std::size_t clock_stride = SendRing::batch_max;

// What has been on its way for less is no sign of a stall.
constexpr std::int64_t suspicious_ns = ns_per_second;

}  // namespace

FanOut::FanOut(EventLoop& loop, FrameStore& store, WorkerCounters& counters,
               WorkerListenerTable& table, GateLimits limits,
               std::chrono::milliseconds stall_timeout, Told joined, Told left, Clock clock)
    : loop_(loop),
      store_(store),
      counters_(counters),
      table_(table),
      sender_(store, counters, table, limits),
      joined_(std::move(joined)),
      left_(std::move(left)),
      clock_(clock),
      stall_ns_max_(std::chrono::nanoseconds(stall_timeout).count()),
      send_buffer_for_bytes_(limits.queue_bytes_max) {
  listeners_.reserve(table.records());  // memory that is not used yet costs nothing
  set_pace({});
  sweep();
}

void FanOut::send_through(std::unique_ptr<SendRing> ring) {
  ERADIO_CHECK(listeners_.empty());
  sender_.send_through(std::move(ring));
}

FanOut::~FanOut() {
  loop_.cancel(waiting_timer_);
  loop_.cancel(sweep_timer_);
}

void FanOut::join(Descriptor socket, const PeerAddress& peer, const ListenerRequest& request,
                  std::string_view head) {
  prepare_stream_socket(socket.number(), send_buffer_for_bytes_);
  set_peer_timeout(socket.number(), std::chrono::milliseconds(stall_ns_max_ / ns_per_ms));
  const auto bytes_before = bytes_taken(socket.number());
  const std::int64_t now_ns = clock_();
  const ListenerIdentity identity{.id = request.id,
                                  .peer = peer_key_of(peer),
                                  .joined_ns = now_ns,
                                  .lag_ns_max = request.lag_ns_max,
                                  .bytes_before = bytes_before ? *bytes_before + head.size() : 0,
                                  .peer_port = peer.port()};
  const auto record = table_.take(identity, {.header_position = ListenerRun::no_header});
  if (!record) {
    throw std::runtime_error("the listener table is full");
  }
  auto joining = std::make_unique<Listener>(*this, std::move(socket), *record);
  joining->lag_ms_max = milliseconds_of(request.lag_ns_max);
  joining->tcp = bytes_before.has_value();
  if (!head.empty()) {
    sender_.expect_head(*joining);
  }
  Listener& listener = take_in(std::move(joining));
  listener.next_frame = sender_.resumption(listener, now_ns);
  counters_.listeners_total.add(1);
  if (log::is_on(LogLevel::debug)) {
    log::debug("listener {} has come from {}", request.id, peer.text());
  }
  joined_(listener, identity);
  if (const int error = head.empty() ? 0 : sender_.send_head(listener, head); error != 0) {
    leave(listener, std::generic_category().message(error));
  } else {
    counters_.listeners.set(listeners_.size());  // until then it is a request that may be dropped
    serve(listener, now_ns);
    write_progress(listener, 0, now_ns);
  }
  free_departed();
}

Listener& FanOut::take_in(std::unique_ptr<Listener> listener) {
  // Edge-triggered: a listener costs epoll nothing until its socket, found full, takes more again.
  // What a listener sends is not even read: it stays in its kernel's buffers.
  try {
    loop_.add(listener->socket.number(), EPOLLOUT | EPOLLRDHUP | EPOLLET, *listener);
  } catch (const std::system_error&) {
    table_.give_back(listener->record);
    throw;
  }
  sender_.take_in(*listener);
  listener->place = static_cast<std::uint32_t>(listeners_.size());
  listeners_.push_back(std::move(listener));
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
  if (identity.peer != peer_key_of(peer)) {
    ::shutdown(socket.number(), SHUT_RDWR);
    table_.give_back(record);
    return "the listener table has another one's address there";
  }
  auto adopted = std::make_unique<Listener>(*this, std::move(socket), record);
  // Or it would be sent what is not in the store any more.
  adopted->lag_ms_max = milliseconds_of(std::min(identity.lag_ns_max, sender_.lag_ns_ceiling()));
  const ListenerTotals& before = estate->tally.totals;
  adopted->bytes_sent = before.bytes_sent;
  adopted->frames_sent = before.frames_sent;
  if (before.frames_skipped > 0 || before.jumps > 0) {
    adopted->trouble().frames_skipped = before.frames_skipped;
    adopted->trouble().jumps = static_cast<std::uint32_t>(before.jumps);
  }
  const std::int64_t now_ns = clock_();
  const auto taken = bytes_taken(adopted->socket.number());
  adopted->tcp = taken.has_value();
  std::string_view why = "nobody knows how much its socket has taken";
  if (taken && *taken < identity.bytes_before) {
    why = not_answered;
  } else if (taken || estate->bytes_taken) {
    adopted->bytes_sent = taken ? *taken - identity.bytes_before : *estate->bytes_taken;
    why = continue_listener(*adopted, *estate,
                            {.store = store_,
                             .old_frames = old_frames,
                             .resumption = sender_.resumption(*adopted, now_ns),
                             .now_ns = now_ns});
  }
  if (!why.empty()) {
    ::shutdown(adopted->socket.number(), SHUT_RDWR);
    log_departure(*adopted, why);
    table_.write_tally(record, {.totals = adopted->totals()});
    table_.give_back(record);
    return why;
  }
  try {
    Listener& listener = take_in(std::move(adopted));
    counters_.listeners.set(listeners_.size());
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
  serve_next(listeners_.size());
  // Once round in some seconds: who is last is not so for long, and frames come evenly to
  // everybody.
  next_in_pass_ += 1 + listeners_.size() / 128;
  begin_turn();
  free_departed();
}

double FanOut::pass_over(std::int64_t frames, std::int64_t of) {
  const auto all = static_cast<std::int64_t>(listeners_.size());
  if (all == 0) {
    pass();
    return 1;
  }
  // A few more than that: so each of them, too, goes once round in some seconds.
  const std::int64_t part = (all * frames + of - 1) / of + 1 + all / 128 / of;
  const auto count = static_cast<std::size_t>(std::min(part, all));
  serve_next(count);
  next_in_pass_ += count;
  passed_in_turn_ += count;
  if (passed_in_turn_ >= listeners_.size()) {
    begin_turn();
  }
  free_departed();
  return static_cast<double>(count) / static_cast<double>(all);
}

void FanOut::serve_next(std::size_t count) {
  counters_.passes_total.add(1);
  const std::size_t all = listeners_.size();
  next_in_pass_ = all > 0 ? next_in_pass_ % all : 0;
  const std::size_t to_end = std::min(count, all - next_in_pass_);
  serve(std::span(listeners_).subspan(next_in_pass_, to_end));
  serve(std::span(listeners_).first(count - to_end));
}

void FanOut::begin_turn() {
  passed_in_turn_ = 0;
  store_.begin_turn();
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

std::size_t FanOut::close_those(const std::function<bool(const ListenerIdentity&)>& chosen,
                                std::string_view why) {
  std::size_t closed = 0;
  for (const auto& listener : listeners_) {
    if (!listener->gone && chosen(table_.identity(listener->record))) {
      leave(*listener, why);
      ++closed;
    }
  }
  free_departed();
  return closed;
}

void FanOut::for_each(const std::function<void(const Listener&)>& look) const {
  for (const auto& listener : listeners_) {
    look(*listener);
  }
}

void FanOut::say_why_all_leave(std::string_view why) const {
  for (const auto& listener : listeners_) {
    log_departure(*listener, why);
  }
}

void FanOut::set_pace(const StreamPace& pace) {
  sender_.set_pace(pace);
  const std::uint64_t bytes = sender_.queue_bytes_max();
  if (bytes > send_buffer_for_bytes_ + send_buffer_for_bytes_ / 2) {
    send_buffer_for_bytes_ = bytes;
    for (const auto& listener : listeners_) {
      prepare_stream_socket(listener->socket.number(), bytes);
    }
  }
}

void FanOut::serve(std::span<const std::unique_ptr<Listener>> listeners) {
  while (!listeners.empty()) {
    const std::int64_t now_ns = clock_();
    const auto some = listeners.first(std::min(listeners.size(), clock_stride));
    sender_.begin_collecting();
    for (const auto& listener : some) {
      serve(*listener, now_ns);
    }
    for (const FrameSender::CollectedSend& sent : sender_.send_collected(now_ns)) {
      serve(*sent.listener, now_ns);  // there may be more, and what was begun may have to be kept
    }
    listeners = listeners.subspan(some.size());
  }
}

void FanOut::serve(Listener& listener, std::int64_t now_ns) {
  if (listener.gone) {
    return;
  }
  switch (sender_.serve(listener, now_ns)) {
    case SendProgress::done:
      break;
    case SendProgress::waits:
      let_wait(listener);
      break;
    case SendProgress::broken:
      leave(listener, std::generic_category().message(listener.error_number));
      break;
  }
}

void FanOut::let_wait(Listener& listener) {
  if (!listener.waits) {
    listener.waits = true;
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
  std::int64_t now_ns = clock_();
  waited_.swap(waiting_);  // who has to wait any longer enters himself again
  std::size_t served = 0;
  for (Listener* listener : waited_) {
    if (++served % clock_stride == 0) {
      now_ns = clock_();
    }
    listener->waits = false;
    serve(*listener, now_ns);
  }
  waited_.clear();
  free_departed();
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
  if (has_stalled(listener, queued, now_ns)) {
    leave(listener,
          "it has taken nothing for " + std::to_string(stall_ns_max_ / ns_per_second) + " s");
  }
}

bool FanOut::has_stalled(Listener& listener, std::uint64_t queued_bytes, std::int64_t now_ns) {
  const bool suspected = listener.known_trouble() && listener.known_trouble()->took_ns > 0;
  if (!suspected) {
    // Most have something on their way now and then, and that is all. Where it cannot be told how
    // old it is, it may be.
    const std::int64_t age_ns = sender_.lag_ns(listener, queued_bytes, now_ns);
    const bool is_new = age_ns > 0 && age_ns < std::min(suspicious_ns, stall_ns_max_ / 4);
    if (queued_bytes == 0 || is_new) {
      return false;
    }
  }
  ListenerTrouble& trouble = listener.trouble();
  // Of a Unix socket this is no number of bytes; but it changes whenever something is taken.
  const std::uint64_t taken = listener.bytes_sent - queued_bytes;
  if (!suspected || queued_bytes == 0 || taken != trouble.bytes_taken) {
    trouble.bytes_taken = taken;
    trouble.took_ns = queued_bytes == 0 ? 0 : now_ns;
    return false;
  }
  return now_ns - trouble.took_ns >= stall_ns_max_;
}

void FanOut::write_progress(const Listener& listener, std::uint64_t queued_bytes,
                            std::int64_t now_ns) {
  table_.write_progress(listener.record, {.lag_ns = sender_.lag_ns(listener, queued_bytes, now_ns),
                                          .queued_bytes = queued_bytes});
  sender_.note_tally(listener);
}

void FanOut::leave(Listener& listener, std::string_view why) {
  if (listener.gone) {
    return;
  }
  listener.gone = true;
  log_departure(listener, why);
  departed_.push_back(&listener);
}

void FanOut::log_departure(const Listener& listener, std::string_view why) const {
  if (log::is_on(LogLevel::info)) {
    const ListenerIdentity who = table_.identity(listener.record);
    const ListenerTotals totals = listener.totals();
    log::event(LogLevel::info, "a listener has left",
               {{"listener", who.id},
                {"peer", peer_address_of(who.peer).text()},
                {"port", who.peer_port},
                {"why", why},
                {"listened_ms", (clock_() - std::max<std::int64_t>(who.joined_ns, 0)) / ns_per_ms},
                {"frames_sent", totals.frames_sent},
                {"bytes_sent", totals.bytes_sent},
                {"frames_skipped", totals.frames_skipped},
                {"jumps", totals.jumps}});
  }
}

void FanOut::free_departed() {
  if (departed_.empty()) {
    return;
  }
  const std::int64_t now_ns = clock_();
  // All at once: thousands may leave who wait.
  std::erase_if(waiting_, [](const Listener* waiting) { return waiting->gone; });
  for (Listener* const listener : departed_) {
    listener->waits = false;
  }
  for (std::size_t i = 0; i < departed_.size(); ++i) {  // serve() may add to them
    Listener* const listener = departed_[i];
    loop_.remove(listener->socket.number(), *listener);
    sender_.forget(*listener);
    left_(*listener, table_.identity(listener->record));
    // The master holds a duplicate: closing this one alone would tell the listener nothing.
    ::shutdown(listener->socket.number(), SHUT_RDWR);
    // Nobody goes on with it: what counts are its totals.
    table_.write_tally(listener->record, {.totals = listener->totals()});
    table_.give_back(listener->record);
    const std::size_t place = listener->place;
    std::swap(listeners_[place], listeners_.back());
    listeners_[place]->place = static_cast<std::uint32_t>(place);
    listeners_.back()->socket.reset();
    if (listener->waits) {
      std::erase(waiting_, listener);
    }
    loop_.retire(std::move(listeners_.back()));
    listeners_.pop_back();
    // This turn must not pass by whoever is in that place now, nor be over too early.
    passed_in_turn_ -= passed_in_turn_ > 0 ? 1U : 0U;
    if (is_within_turn() && place < listeners_.size()) {
      serve(*listeners_[place], now_ns);
    }
  }
  departed_.clear();
  counters_.listeners.set(listeners_.size());
}

}  // namespace eradio
