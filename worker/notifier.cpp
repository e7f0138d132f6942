#include "worker/notifier.h"

#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "common/clock.h"
#include "common/log.h"
#include "shm/peer_key_of.h"
#include "worker/event_stream_client.h"
#include "worker/websocket_client.h"
#include "worker/websocket_session.h"

namespace eradio {
namespace {

constexpr std::chrono::milliseconds sweep_interval{500};
constexpr int clients_between_looks = 16;  // at the clock

}  // namespace

Notifier::Notifier(EventLoop& loop, WorkerCounters& counters, WorkerListenerTable& table,
                   NewestNews newest_news, Told came, Told left, const NotifyLimits& limits)
    : loop_(loop),
      counters_(counters),
      table_(table),
      newest_news_(std::move(newest_news)),
      came_(std::move(came)),
      left_(std::move(left)),
      limits_(limits),
      track_rounds_(limits.track_rounds_max,
                    std::chrono::nanoseconds(limits.track_rounds_period).count()) {
  set_newest();
  begin_sweep();
}

Notifier::~Notifier() {
  loop_.cancel(slice_timer_);
  loop_.cancel(round_timer_);
  loop_.cancel(sweep_timer_);
  for (const auto& client : clients_) {
    loop_.remove(client->socket_.number(), *client);
  }
}

void Notifier::set_newest() {
  outdated_ = false;
  const News news = newest_news_();
  const std::string message = R"({"action":"notify","metadata":)" + news.metadata_json + "}";
  newest_ = {.number = news.number,
             .websocket = std::make_shared<const std::string>(
                 encode_websocket_frame(WebSocketOpcode::text, message)),
             .event = std::make_shared<const std::string>("data: " + message + "\n\n")};
}

void Notifier::publish(bool at_once) {
  outdated_ = true;
  const std::int64_t now_ns = monotonic_ns();
  if (at_once && track_rounds_.admit(now_ns)) {
    begin_round();
  } else if (at_once) {
    begin_round_at(now_ns + std::chrono::nanoseconds(limits_.track_rest).count());
  } else if (left_in_round_ == 0) {  // otherwise the end of the round sees to the next one
    begin_round_at(not_before_ns_);
  }
}

void Notifier::begin_round_at(std::int64_t when_ns) {
  const std::int64_t wait_ns = when_ns - monotonic_ns();
  if (wait_ns <= 0) {
    begin_round();
  } else if (round_timer_ == EventLoop::no_timer || when_ns < round_due_ns_) {
    loop_.cancel(round_timer_);
    round_due_ns_ = when_ns;
    round_timer_ = loop_.call_after(std::chrono::nanoseconds(wait_ns), [this] {
      round_timer_ = EventLoop::no_timer;
      begin_round();
    });
  }
}

// A round that runs already goes on with what is the newest now, until everybody has it.
void Notifier::begin_round() {
  loop_.cancel(round_timer_);
  set_newest();
  if (left_in_round_ == 0) {
    round_took_ns_ = 0;
  }
  left_in_round_ = clients_.size();
  run_slice();
}

void Notifier::end_round(std::int64_t now_ns) {
  left_in_round_ = 0;
  not_before_ns_ = now_ns + round_took_ns_ * limits_.round_rest;
  if (outdated_) {
    begin_round_at(not_before_ns_);
  }
}

void Notifier::run_slice() {
  loop_.cancel(slice_timer_);
  const std::int64_t begun_ns = monotonic_ns();
  const std::int64_t slice_ns = std::chrono::nanoseconds(limits_.slice).count();
  std::int64_t took_ns = 0;
  for (int looked_at = 1; left_in_round_ > 0 && !clients_.empty() && took_ns < slice_ns;
       ++looked_at) {
    next_in_round_ = next_in_round_ < clients_.size() ? next_in_round_ : 0;
    NotifyClient& client = *clients_[next_in_round_];
    client.offer();
    next_in_round_ += client.ended() ? 0U : 1U;  // where it was there is another one now
    if (--left_in_round_ == 0 && std::exchange(moved_in_round_, false)) {
      left_in_round_ = clients_.size();
    }
    if (looked_at % clients_between_looks == 0) {
      took_ns = monotonic_ns() - begun_ns;
    }
  }
  const std::int64_t now_ns = monotonic_ns();
  round_took_ns_ += now_ns - begun_ns;
  if (left_in_round_ > 0 && !clients_.empty()) {
    slice_timer_ = loop_.call_after(std::chrono::nanoseconds(0), [this] {
      slice_timer_ = EventLoop::no_timer;
      run_slice();
    });
  } else {
    end_round(now_ns);
  }
}

void Notifier::take_in(std::unique_ptr<NotifyClient> client) {
  client->place_ = clients_.size();
  unsettled_ += client->unsettled_ ? 1U : 0U;
  clients_.push_back(std::move(client));
}

void Notifier::add(std::unique_ptr<NotifyClient> client) {
  client->record_ = table_.take_notify_client({.peer = peer_key_of(client->peer_),
                                               .joined_ns = monotonic_ns(),
                                               .peer_port = client->peer_.port(),
                                               .kind = client->kind_});
  client->serial_ = client->record_ ? table_.serial(*client->record_) : 0;
  const NotifyClient& added = *client;
  take_in(std::move(client));
  came_(added);
}

std::string_view Notifier::adopt(Descriptor socket, const PeerAddress& peer, std::uint32_t record,
                                 std::uint64_t serial) {
  const auto estate = table_.adopt_notify_client(record, serial);
  if (!estate || !estate->progress) {
    ::shutdown(socket.number(), SHUT_RDWR);
    if (!estate) {
      return "the listener table says nothing about it that can be used";
    }
    table_.give_back(record);
    return "it was in the middle of a message";
  }
  TakenOver connection;
  connection.socket = std::move(socket);
  connection.peer = peer;
  std::unique_ptr<NotifyClient> client;
  try {
    if (estate->identity.kind == ClientKind::websocket) {
      client = std::make_unique<WebSocketClient>(*this, std::move(connection));
    } else {
      client = std::make_unique<EventStreamClient>(*this, std::move(connection));
    }
  } catch (const std::exception& error) {
    log::error("a client that is to be notified was dropped: {}", error.what());
    table_.give_back(record);
    return "its socket cannot be used";
  }
  client->record_ = record;
  client->serial_ = serial;
  client->unsettled_ = false;
  client->go_on(*estate->progress);
  news_for_adopted_ = news_for_adopted_ || client->seen_ < newest_.number;
  not_before_ns_ =
      std::max(not_before_ns_,
               client->progress_ns_ + std::chrono::nanoseconds(limits_.counts_interval).count());
  take_in(std::move(client));
  counters_.notify_clients.set(clients_.size());
  return {};
}

void Notifier::end_adoption() {
  if (std::exchange(news_for_adopted_, false)) {
    begin_round_at(not_before_ns_);
  }
}

void Notifier::on_unsettled(const NotifyClient& client) {
  ++unsettled_;
  if (client.record_) {
    table_.unsettle(*client.record_);
  }
}

void Notifier::on_settled(const NotifyClient& client, const NotifyProgress& progress) {
  --unsettled_;
  if (client.record_) {
    table_.settle(*client.record_, progress);
  }
}

// From here on the client is ours, whatever happens: our caller must not count it as gone.
void Notifier::begin_or_end(NotifyClient& client, const std::function<void()>& begin) {
  try {
    begin();
  } catch (const std::exception& error) {
    log::error("a client that is to be notified was dropped: {}", error.what());
    client.end();
  }
  counters_.notify_clients.set(clients_.size());  // until then it is a request that may be dropped
}

void Notifier::add_websocket(TakenOver connection) {
  const std::string early_bytes = std::move(connection.early_bytes);
  auto client = std::make_unique<WebSocketClient>(*this, std::move(connection));
  WebSocketClient& added = *client;
  add(std::move(client));
  begin_or_end(added, [&] { added.begin_with(early_bytes); });
}

void Notifier::add_event_stream(TakenOver connection) {
  auto client = std::make_unique<EventStreamClient>(*this, std::move(connection));
  NotifyClient& added = *client;
  add(std::move(client));
  begin_or_end(added, [&] { added.begin(); });
}

void Notifier::let_go(NotifyClient& client) {
  const std::size_t place = client.place_;
  std::swap(clients_[place], clients_.back());
  clients_[place]->place_ = place;
  unsettled_ -= client.unsettled_ ? 1U : 0U;
  left_(client);
  if (client.record_) {
    table_.give_back(*client.record_);
  }
  loop_.retire(std::move(clients_.back()));
  clients_.pop_back();
  counters_.notify_clients.set(clients_.size());
  moved_in_round_ = left_in_round_ > 0;
}

std::size_t Notifier::close_those_from(const PeerAddress::Bytes& address) {
  std::size_t closed = 0;
  // From the end: whoever ends is replaced by one that has been looked at.
  for (std::size_t left = clients_.size(); left > 0; --left) {
    NotifyClient& client = *clients_[left - 1];
    if (client.peer_.bytes() == address) {
      client.end();
      ++closed;
    }
  }
  return closed;
}

void Notifier::for_each(const std::function<void(const NotifyClient&)>& look) const {
  for (const auto& client : clients_) {
    look(*client);
  }
}

void Notifier::say_goodbye() {
  for (std::size_t left = clients_.size(); left > 0; --left) {
    clients_[left - 1]->say_goodbye();
  }
}

void Notifier::begin_sweep() {
  left_in_sweep_ = clients_.size();
  run_sweep();
}

// From the end: whoever ends is replaced by one that has been looked at. In slices, as the rounds:
// a crowd that came together has its deadlines together.
void Notifier::run_sweep() {
  const std::int64_t begun_ns = monotonic_ns();
  const std::int64_t slice_ns = std::chrono::nanoseconds(limits_.slice).count();
  std::int64_t now_ns = begun_ns;
  while (left_in_sweep_ > 0 && now_ns - begun_ns < slice_ns) {
    --left_in_sweep_;
    if (left_in_sweep_ < clients_.size()) {
      clients_[left_in_sweep_]->on_time(now_ns);
    }
    if (left_in_sweep_ % clients_between_looks == 0) {
      now_ns = monotonic_ns();
    }
  }
  if (left_in_sweep_ > 0) {
    sweep_timer_ = loop_.call_after(std::chrono::nanoseconds(0), [this] { run_sweep(); });
  } else {
    sweep_timer_ = loop_.call_after(sweep_interval, [this] { begin_sweep(); });
  }
}

}  // namespace eradio
