#include "worker/worker.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <unordered_map>

#include <malloc.h>

#include "common/clock.h"
#include "common/log.h"
#include "shm/metadata_json.h"
#include "shm/peer_key_of.h"
#include "worker/api_routes.h"
#include "worker/notify_routes.h"
#include "worker/stream_route.h"

namespace eradio {
namespace {

constexpr std::chrono::milliseconds heartbeat_interval{250};
constexpr std::int64_t request_grace_ns = 100 * ns_per_ms;  // at a hand-over

GateLimits gate_limits(const WorkerSettings& settings) {
  return {.queue_bytes_max = settings.sndbuf_bytes,
          .queue_follows_pace = settings.sndbuf_bytes == 0,
          .lag_ns_ceiling = settings.max_lag_ceiling_ms * ns_per_ms};
}

StreamFeedSettings feed_settings(const WorkerSettings& settings) {
  constexpr std::chrono::milliseconds gather_max{100};
  if (settings.coalesce_ms >= 0) {
    return {.coalesce = std::chrono::milliseconds(settings.coalesce_ms)};
  }
  // As a fixed one: what waits must not get too old by that.
  return {.gather_max = std::min(gather_max, std::chrono::milliseconds(settings.max_lag_ms / 2))};
}

// Nothing when the connection is broken.
std::optional<PeerAddress> peer_of(const Descriptor& socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::getpeername(socket.number(), generic, &length) != 0) {
    return std::nullopt;
  }
  return PeerAddress::from_sockaddr(generic, length);
}

// How many connections there can be until descriptors run short. What is kept is for files, and for
// connections that come while others are closed.
std::size_t find_room(const WorkerSettings& settings) {
  constexpr std::size_t kept_max = 64;
  constexpr std::size_t part_kept = 8;
  constexpr std::size_t own = 16;  // shared memory, the line to the master, the loop
  const std::size_t limit = descriptor_limit();
  const std::size_t used =
      std::min(limit / part_kept, kept_max) + own + settings.own_sockets + settings.shared_sockets;
  return limit - std::min(limit, used);
}

std::vector<Descriptor> take_listening_sockets(const WorkerSettings& settings) {
  std::vector<Descriptor> sockets;
  const auto count = static_cast<int>(settings.own_sockets + settings.shared_sockets);
  sockets.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    sockets.emplace_back(worker_descriptor::first_listening_socket + i);
  }
  return sockets;
}

void set_log_file(int descriptor) {
  try {
    log_to_file(descriptor);
  } catch (const std::system_error& error) {
    log::error("the log stays where it was: {}", error.what());
  }
}

}  // namespace

Worker::Worker(const WorkerSettings& settings, const Sandbox& sandbox,
               std::unique_ptr<SendRing> ring)
    : settings_(settings),
      sandbox_(sandbox),
      room_(find_room(settings)),
      wakeup_(worker_descriptor::wakeup),
      listening_sockets_(take_listening_sockets(settings)),
      stream_(Descriptor(worker_descriptor::stream)),
      scoreboard_(Descriptor(worker_descriptor::scoreboard_front),
                  Descriptor(worker_descriptor::scoreboard), settings.slot),
      listener_table_(Descriptor(worker_descriptor::listeners), settings.generation),
      store_(std::max<std::size_t>(settings.max_frame_bytes, stream_metadata_bytes_max),
             std::chrono::nanoseconds(std::chrono::milliseconds(settings.max_lag_ceiling_ms) +
                                      std::chrono::seconds(1))
                 .count()),
      connection_counts_(scoreboard_, settings.max_connections_per_ip),
      master_(loop_, Descriptor(worker_descriptor::control),
              {.stop = [this] { stop(); },
               .hand_over = [this] { hand_over(); },
               .adopt = [this](const EscrowItem& item,
                               Descriptor socket) { adopt(item, std::move(socket)); },
               .adopt_end = [this] { end_adoption(); },
               .not_held = [this](const auto& items) { on_not_held(items); },
               .kick = [this](const KickOrder& order) { return kick(order); },
               .set_log_level = set_log_level,
               .set_log_file = set_log_file},
              settings.escrow),
      fan_out_(
          loop_, store_, scoreboard_.counters(), listener_table_, gate_limits(settings),
          std::chrono::milliseconds(settings.stall_timeout_ms),
          [this](const Listener& listener, const ListenerIdentity& who) {
            on_joined(listener, who);
          },
          [this](const Listener& listener, const ListenerIdentity& who) {
            on_left(listener, who);
          }),
      feed_(loop_, wakeup_.number(), stream_, store_, fan_out_, scoreboard_.counters(),
            feed_settings(settings), [this](const StreamMetadata& before) { on_metadata(before); }),
      notifier_(
          loop_, scoreboard_.counters(), listener_table_,
          [this] {
            return News{.number = feed_.metadata_sequence() + 1,  // 0 is for who knows nothing
                        .metadata_json = metadata_json(feed_.metadata())};
          },
          [this](const NotifyClient& client) { on_notify_client_came(client); },
          [this](const NotifyClient& client) { on_notify_client_left(client); }),
      connections_(loop_, server_, {}, [this](const PeerAddress& peer) { on_closed(peer); }),
      refusals_(loop_, server_),
      acceptor_(
          loop_,
          [this](Descriptor socket, const PeerAddress& peer) {
            on_accepted(std::move(socket), peer);
          },
          [this] { return make_room(); }) {
  if (ring) {
    fan_out_.send_through(std::move(ring));
  }
  add_stream_route(server_, fan_out_, scoreboard_,
                   {.path = settings.stream_path,
                    .content_type = settings.content_type,
                    .max_listeners = settings.max_listeners,
                    .max_lag = std::chrono::milliseconds(settings.max_lag_ms),
                    .max_lag_ceiling = std::chrono::milliseconds(settings.max_lag_ceiling_ms),
                    .max_lag_floor = 2 * feed_settings(settings).coalesce.value_or(
                                             std::chrono::milliseconds(0))});
  add_api_routes(
      server_, [this]() -> const StreamMetadata& { return feed_.metadata(); }, master_);
  add_notify_routes(server_, notifier_);
  server_.keep_connections_while([this] { return !descriptors_are_short(); });
  HttpFields file_fields{{"Referrer-Policy", "no-referrer"}};
  if (!settings.content_security_policy.empty()) {
    file_fields.set("Content-Security-Policy", settings.content_security_policy);
  }
  try {
    server_.serve_files(
        settings.webroot, std::move(file_fields),
        sandbox_.files ? StaticFiles::Reach::this_directory : StaticFiles::Reach::any_file);
  } catch (const std::system_error& error) {
    log::error("no files are served: {}", error.what());  // the stream is what matters
  }
}

WorkerEnd Worker::run() {
  auto& counters = scoreboard_.counters();
  counters.process_id.set(static_cast<std::uint64_t>(::getpid()));
  counters.generation.set(settings_.generation);
  counters.system_calls_filtered.set(sandbox_.system_calls ? 1 : 0);
  counters.files_confined.set(sandbox_.files ? 1 : 0);
  beat();
  old_frames_.emplace(stream_.ring());
  feed_.catch_up();
  loop_.run();
  return end_;
}

void Worker::serve() {
  for (std::size_t i = 0; i < listening_sockets_.size(); ++i) {
    acceptor_.add(listening_sockets_[i].number(), i >= settings_.own_sockets);
  }
  ::malloc_trim(0);  // what it took to start is not needed any more
  if (!master_.say_ready(settings_.generation)) {
    log::error("the master has gone");
    loop_.stop();
    return;
  }
  wake(wakeup_.number());  // there may be a frame in the ring already
}

EscrowItem Worker::escrow_item(const Listener& listener, const ListenerIdentity& who) const {
  return {.listener_id = who.id,
          .serial = listener_table_.serial(listener.record),
          .record = listener.record};
}

void Worker::on_joined(const Listener& listener, const ListenerIdentity& who) {
  master_.joined(who.id);
  master_.escrow(escrow_item(listener, who), listener.socket.number());
}

void Worker::on_left(const Listener& listener, const ListenerIdentity& who) {
  master_.release(escrow_item(listener, who));
  master_.left(who.id);
  on_closed(peer_address_of(who.peer));
}

void Worker::on_notify_client_came(const NotifyClient& client) {
  if (client.record()) {
    master_.escrow({.serial = client.serial(), .record = *client.record(), .kind = client.kind()},
                   client.socket());
  }
}

void Worker::on_notify_client_left(const NotifyClient& client) {
  if (client.record()) {
    master_.release({.serial = client.serial(), .record = *client.record(), .kind = client.kind()});
  }
  on_closed(client.peer());
}

// So seldom that going over everybody costs less than to know the sockets by their records.
void Worker::on_not_held(const std::vector<EscrowItem>& items) {
  std::unordered_map<std::uint64_t, const EscrowItem*> by_serial;
  for (const EscrowItem& item : items) {
    by_serial.emplace(item.serial, &item);
  }
  const auto look = [&](std::uint64_t serial, int socket) {
    if (const auto found = by_serial.find(serial); found != by_serial.end()) {
      master_.keep_for_later(*found->second, socket);
    }
  };
  fan_out_.for_each([&](const Listener& listener) {
    look(listener_table_.serial(listener.record), listener.socket.number());
  });
  notifier_.for_each([&](const NotifyClient& client) {
    if (client.record()) {
      look(client.serial(), client.socket());
    }
  });
}

void Worker::adopt(const EscrowItem& item, Descriptor socket) {
  auto& counters = scoreboard_.counters();
  if (!old_frames_) {
    log::error("the master gives a client after the end of the adoption; ignored");
    return;
  }
  const bool listens = item.kind == ClientKind::listener;
  const auto peer = socket ? peer_of(socket) : std::nullopt;
  if (socket && !peer) {
    forget(item);  // it has broken its connection off while nobody served it
    return;
  }
  std::string_view why = "this process may have no more descriptors";
  if (peer) {
    connection_counts_.add_inherited(*peer);
    counters.connections.set(connection_counts_.open());
    why = listens
              ? fan_out_.adopt(std::move(socket), *peer, item.record, item.serial, &*old_frames_)
              : notifier_.adopt(std::move(socket), *peer, item.record, item.serial);
    if (why.empty()) {
      (listens ? counters.adopted_total : counters.notify_adopted_total).add(1);
      return;
    }
    on_closed(*peer);
  }
  forget(item);
  if (why == FanOut::not_answered) {
    return;  // it has been counted among the requests that were dropped
  }
  if (listens) {
    counters.not_adopted_total.add(1);
    log::warning("listener {} was closed when this worker took over: {}", item.listener_id, why);
  } else {
    counters.notify_not_adopted_total.add(1);
    log::warning("a client that is notified was closed when this worker took over: {}", why);
  }
}

void Worker::forget(const EscrowItem& item) {
  master_.release(item);
  if (item.kind == ClientKind::listener) {
    master_.left(item.listener_id);
  }
}

void Worker::end_adoption() {
  if (!old_frames_) {
    log::error("the master has ended the adoption a second time; ignored");
    return;
  }
  listener_table_.forget_estates();
  old_frames_.reset();
  const auto& counters = scoreboard_.counters();
  if (counters.adopted_total.get() + counters.not_adopted_total.get() > 0) {
    log::info("listeners of the worker before: {} go on, {} were closed",
              counters.adopted_total.get(), counters.not_adopted_total.get());
  }
  if (counters.notify_adopted_total.get() + counters.notify_not_adopted_total.get() > 0) {
    log::info("WebSockets and event streams of the worker before: {} go on, {} were closed",
              counters.notify_adopted_total.get(), counters.notify_not_adopted_total.get());
  }
  notifier_.end_adoption();
  serve();
  if (hand_over_wanted_) {
    hand_over();
  }
}

void Worker::on_accepted(Descriptor socket, const PeerAddress& peer) {
  auto& counters = scoreboard_.counters();
  counters.accepted_total.add(1);
  if (descriptors_are_short()) {
    make_room();
  }
  if (!connection_counts_.add(peer)) {
    counters.refused_total.add(1);
    refusals_.refuse(std::move(socket), peer,
                     {.status = 503,
                      .text = "the limit of " + std::to_string(settings_.max_connections_per_ip) +
                              " connections from one address, or one IPv6 /64, is reached",
                      .retry_after = retry_after});
    return;
  }
  connections_.adopt(std::move(socket), peer);
  counters.connections.set(connection_counts_.open());
}

bool Worker::descriptors_are_short() const noexcept {
  return connection_counts_.open() + refusals_.count() >= room_;
}

bool Worker::make_room() {
  // So long a request may take to come when others wait; a round trip of most networks.
  constexpr std::chrono::milliseconds at_least{500};
  if (short_messages_.admit(monotonic_ns())) {
    log::warning(
        "descriptors run short: connections are closed after each answer, and first those whose "
        "requests last longest; listeners stay");
  }
  return refusals_.close_longest(at_least) || connections_.close_longest(at_least);
}

void Worker::on_closed(const PeerAddress& peer) {
  connection_counts_.remove(peer);
  scoreboard_.counters().connections.set(connection_counts_.open());
}

void Worker::on_metadata(const StreamMetadata& before) {
  const StreamMetadata& now = feed_.metadata();
  notifier_.publish(now.track_number != before.track_number ||
                    now.now_playing != before.now_playing);
}

std::uint64_t Worker::kick(const KickOrder& order) {
  const bool by_address = order.target == KickTarget::address;
  std::uint64_t closed = fan_out_.close_those(
      [&](const ListenerIdentity& who) {
        return by_address ? peer_address_of(who.peer).bytes() == order.address
                          : who.id == order.listener_id;
      },
      "kicked by the operator");
  if (by_address) {
    closed += notifier_.close_those_from(order.address);
  }
  if (closed > 0) {
    log::info("{} connections of {} were kicked by the operator", closed,
              by_address ? PeerAddress(order.address).text()
                         : "listener " + std::to_string(order.listener_id));
  }
  return closed;
}

void Worker::stop() {
  notifier_.say_goodbye();
  fan_out_.say_why_all_leave("the server stops");
  loop_.stop();
}

void Worker::hand_over() {
  if (old_frames_) {
    hand_over_wanted_ = true;
    return;
  }
  log::debug("leaves its clients to the next worker");
  acceptor_.stop();
  requests_end_ns_ = monotonic_ns() + request_grace_ns;
  finish_requests();
}

void Worker::finish_requests() {
  constexpr std::chrono::milliseconds look_again{5};
  connections_.close_idle();
  refusals_.close_idle();
  if (connections_.count() + refusals_.count() + notifier_.unsettled() > 0 &&
      monotonic_ns() < requests_end_ns_) {
    loop_.call_after(look_again, [this] { finish_requests(); });
    return;
  }
  fan_out_.hand_over();
  end_ = master_.hand_over() ? WorkerEnd::handed_over : WorkerEnd::stopped;
  loop_.stop();
}

void Worker::beat() {
  listener_table_.beat(monotonic_ns());
  log::say_what_was_left_out();
  loop_.call_after(heartbeat_interval, [this] { beat(); });
}

}  // namespace eradio
