// The whole of a worker process, wired: shared memory, frame store, fan-out, HTTP front, acceptor
// and the line to the master. main() makes one and runs it.
#pragma once

#include <cstddef>
#include <optional>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/http/acceptor.h"
#include "common/http/http_connections.h"
#include "common/http/http_server.h"
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
#include "worker/stream_feed.h"

namespace eradio {

enum class WorkerEnd {
  stopped,      // all connections are to end with the process
  handed_over,  // another goes on with them
};

class Worker {
 public:
  // Takes over the descriptors of worker_protocol.h. Throws when anything is not as it should be.
  explicit Worker(const WorkerSettings& settings);

  // Goes on with the clients that there are, says `ready` to the master, and serves until it says
  // `stop` or `hand_over`, or goes away.
  WorkerEnd run();

 private:
  void on_accepted(Descriptor socket, const PeerAddress& peer);
  void on_closed(const PeerAddress& peer);
  void on_metadata(const StreamMetadata& before);
  void on_joined(const Listener& listener);
  void on_left(const Listener& listener);
  void on_notify_client_came(const NotifyClient& client);
  void on_notify_client_left(const NotifyClient& client);
  // A client of the worker before.
  void adopt(const EscrowItem& item, Descriptor socket);
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
  std::optional<OldFrames> old_frames_;  // while there are clients to go on with
  WorkerEnd end_ = WorkerEnd::stopped;
  bool hand_over_wanted_ = false;     // when it has gone on with all of its clients
  std::int64_t requests_end_ns_ = 0;  // later they are not waited for
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
