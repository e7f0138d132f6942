// The whole of a worker process, wired: shared memory, frame store, fan-out, HTTP front, acceptor
// and the line to the master. main() makes one and runs it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/http/acceptor.h"
#include "common/http/http_connections.h"
#include "common/http/http_server.h"
#include "common/rate_limit.h"
#include "common/worker_protocol.h"
#include "shm/listener_table.h"
#include "shm/scoreboard.h"
#include "shm/stream_segment.h"
#include "worker/connection_counts.h"
#include "worker/fan_out.h"
#include "worker/frame_store.h"
#include "worker/master_line.h"
#include "worker/notifier.h"
#include "worker/old_frames.h"
#include "worker/sandbox.h"
#include "worker/send_ring.h"
#include "worker/stream_feed.h"

namespace eradio {

enum class WorkerEnd {
  stopped,      // all connections are to end with the process
  handed_over,  // another goes on with them
};

class Worker {
 public:
  // Takes over the descriptors of worker_protocol.h. `sandbox`: the one that the process is in;
  // `ring`: to send through, or nullptr. Throws when anything is not as it should be.
  Worker(const WorkerSettings& settings, const Sandbox& sandbox, std::unique_ptr<SendRing> ring);

  // Goes on with the clients that there are, says `ready` to the master, and serves until it says
  // `stop` or `hand_over`, or goes away.
  WorkerEnd run();

 private:
  void on_accepted(Descriptor socket, const PeerAddress& peer);
  // So few are left that connections have to make way for others.
  [[nodiscard]] bool descriptors_are_short() const noexcept;
  // The connection whose request lasts longest makes way. False when there is none.
  bool make_room();
  void on_closed(const PeerAddress& peer);
  void on_metadata(const StreamMetadata& before);
  [[nodiscard]] EscrowItem escrow_item(const Listener& listener, const ListenerIdentity& who) const;
  void on_joined(const Listener& listener, const ListenerIdentity& who);
  void on_left(const Listener& listener, const ListenerIdentity& who);
  void on_notify_client_came(const NotifyClient& client);
  void on_notify_client_left(const NotifyClient& client);
  // The master has no room for these.
  void on_not_held(const std::vector<EscrowItem>& items);
  // A client of the worker before.
  void adopt(const EscrowItem& item, Descriptor socket);
  // A client of the worker before has gone.
  void forget(const EscrowItem& item);
  void end_adoption();
  void serve();
  std::uint64_t kick(const KickOrder& order);
  void stop();
  // Lets the requests and messages end that are on their way, and leaves all clients to the next
  // worker.
  void hand_over();
  void finish_requests();
  void beat();

  WorkerSettings settings_;
  Sandbox sandbox_;
  std::optional<OldFrames> old_frames_;  // while there are clients to go on with
  WorkerEnd end_ = WorkerEnd::stopped;
  bool hand_over_wanted_ = false;     // when it has gone on with all of its clients
  std::int64_t requests_end_ns_ = 0;  // later they are not waited for
  std::size_t room_;                  // for connections, until descriptors run short
  RateLimit short_messages_{1, 60 * ns_per_second};
  Descriptor wakeup_;
  std::vector<Descriptor> listening_sockets_;
  EventLoop loop_;
  StreamSegmentReader stream_;
  WorkerScoreboard scoreboard_;
  WorkerListenerTable listener_table_;
  FrameStore store_;
  ConnectionCounts connection_counts_;
  MasterLine master_;
  FanOut fan_out_;
  StreamFeed feed_;
  Notifier notifier_;
  HttpServer server_;
  HttpConnections connections_;
  HttpConnections refusals_;  // over a limit: they get their answer, and count for nothing
  Acceptor acceptor_;
};

}  // namespace eradio
