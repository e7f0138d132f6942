// The whole of a worker process, wired: shared memory, frame store, fan-out, HTTP front, acceptor
// and the line to the master. main() makes one and runs it.
#pragma once

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
#include "worker/stream_feed.h"

namespace eradio {

class Worker {
 public:
  // Takes over the descriptors of worker_protocol.h. Throws when anything is not as it should be.
  explicit Worker(const WorkerSettings& settings);

  // Says `ready` to the master, serves until it says `stop` or goes away.
  void run();

 private:
  void on_accepted(Descriptor socket, const PeerAddress& peer);
  void on_closed(const PeerAddress& peer);
  void on_metadata(const StreamMetadata& before);
  void stop();
  void beat();

  WorkerSettings settings_;
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
