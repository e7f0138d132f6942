#include "worker/worker.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include "common/clock.h"
#include "common/log.h"
#include "shm/now_playing.h"
#include "worker/stream_route.h"

namespace eradio {
namespace {

constexpr std::chrono::milliseconds heartbeat_interval{250};

GateLimits gate_limits(const WorkerSettings& settings) {
  return {.queue_bytes_max = settings.sndbuf_bytes > 0 ? settings.sndbuf_bytes
                                                       : automatic_queue_bytes(std::nullopt),
          .lag_ns_max = settings.max_lag_ms * ns_per_ms};
}

StreamFeedSettings feed_settings(const WorkerSettings& settings) {
  // A coalesce of `auto` (-1) sends at once: under load passes take longer and gather by
  // themselves.
  return {.queue_bytes_max = settings.sndbuf_bytes,
          .coalesce = std::chrono::milliseconds(std::max<std::int64_t>(settings.coalesce_ms, 0))};
}

std::vector<Descriptor> take_listening_sockets(const WorkerSettings& settings) {
  std::vector<Descriptor> sockets;
  const int count = static_cast<int>(settings.tcp_sockets) + (settings.unix_socket ? 1 : 0);
  sockets.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    sockets.emplace_back(worker_descriptor::first_listening_socket + i);
  }
  return sockets;
}

}  // namespace

Worker::Worker(const WorkerSettings& settings)
    : settings_(settings),
      control_(worker_descriptor::control),
      wakeup_(worker_descriptor::wakeup),
      listening_sockets_(take_listening_sockets(settings)),
      stream_(Descriptor(worker_descriptor::stream)),
      scoreboard_(Descriptor(worker_descriptor::scoreboard), settings.slot),
      store_(std::max<std::size_t>(settings.max_frame_bytes, now_playing_bytes_max)),
      connection_counts_(scoreboard_, settings.max_connections_per_ip),
      fan_out_(loop_, store_, scoreboard_.counters(), gate_limits(settings),
               [this](const PeerAddress& peer) { on_closed(peer); }),
      feed_(loop_, wakeup_.number(), stream_, store_, fan_out_, scoreboard_.counters(),
            feed_settings(settings)),
      connections_(loop_, server_, {}, [this](const PeerAddress& peer) { on_closed(peer); }),
      refusals_(loop_, server_),
      acceptor_(loop_, [this](Descriptor socket,
                              const PeerAddress& peer) { on_accepted(std::move(socket), peer); }),
      control_watch_(loop_, control_.number(), EPOLLIN, [this](std::uint32_t) { on_control(); }) {
  add_stream_route(server_, fan_out_, scoreboard_,
                   {.path = settings.stream_path,
                    .content_type = settings.content_type,
                    .max_listeners = settings.max_listeners});
  try {
    server_.serve_files(settings.webroot);
  } catch (const std::system_error& error) {
    log::error("no files are served: {}", error.what());  // the stream is what matters
  }
  for (const Descriptor& socket : listening_sockets_) {
    acceptor_.add(socket.number());
  }
}

void Worker::run() {
  auto& counters = scoreboard_.counters();
  counters.process_id.set(static_cast<std::uint64_t>(::getpid()));
  counters.generation.set(settings_.generation);
  beat();
  if (!send_worker_message(control_.number(),
                           {.type = WorkerMessageType::ready, .value = settings_.generation})) {
    log::error("the master has gone");
    return;
  }
  wake(wakeup_.number());  // there may be a frame in the ring already
  loop_.run();
}

void Worker::on_accepted(Descriptor socket, const PeerAddress& peer) {
  auto& counters = scoreboard_.counters();
  counters.accepted_total.add(1);
  if (!connection_counts_.add(peer)) {
    counters.refused_total.add(1);
    refusals_.refuse(std::move(socket), peer,
                     {.status = 503,
                      .text = "the limit of " + std::to_string(settings_.max_connections_per_ip) +
                              " connections from one address is reached",
                      .retry_after = retry_after});
    return;
  }
  connections_.adopt(std::move(socket), peer);
  counters.connections.set(connection_counts_.open());
}

void Worker::on_closed(const PeerAddress& peer) {
  connection_counts_.remove(peer);
  scoreboard_.counters().connections.set(connection_counts_.open());
}

void Worker::on_control() {
  for (;;) {
    WorkerMessage message;
    switch (receive_worker_message(control_.number(), message)) {
      case ReceiveResult::nothing:
        return;
      case ReceiveResult::closed:
        log::error("the master has gone; this worker ends");
        loop_.stop();
        return;
      case ReceiveResult::malformed:
        log::error("a message of the master's cannot be understood; ignored");
        break;
      case ReceiveResult::message:
        if (message.type == WorkerMessageType::stop) {
          log::debug("told to stop");
          loop_.stop();
          return;
        }
        break;
    }
  }
}

void Worker::beat() {
  scoreboard_.counters().heartbeat_ns.set(static_cast<std::uint64_t>(monotonic_ns()));
  loop_.call_after(heartbeat_interval, [this] { beat(); });
}

}  // namespace eradio
