#include "common/http/http_connections.h"

#include <sys/epoll.h>

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/http/http_connection.h"
#include "common/log.h"

namespace eradio {

HttpConnections::HttpConnections(EventLoop& loop, HttpServer& server,
                                 const ConnectionLimits& limits, Closed closed)
    : loop_(loop), server_(server), limits_(limits), closed_(std::move(closed)) {}

HttpConnections::~HttpConnections() { close_all(); }

void HttpConnections::adopt(Descriptor socket, const PeerAddress& peer) {
  // The request is there already when its client has waited for us in the queue: then it is
  // answered now, and not after whatever else the loop has to do first.
  take_in(std::move(socket), peer,
          [](HttpConnection& connection) { connection.on_events(EPOLLIN); });
}

void HttpConnections::refuse(Descriptor socket, const PeerAddress& peer,
                             const RequestError& error) {
  take_in(std::move(socket), peer, [&](HttpConnection& connection) { connection.refuse(error); });
}

void HttpConnections::take_in(Descriptor socket, const PeerAddress& peer,
                              const std::function<void(HttpConnection&)>& begin) {
  ++counters_.adopted;
  try {
    auto connection = std::make_unique<HttpConnection>(*this, std::move(socket), peer);
    connections_.push_back(std::move(connection));
    connections_.back()->set_place(std::prev(connections_.end()));
    begin(*connections_.back());
  } catch (const std::system_error& error) {
    log::warning("a connection from {} was dropped: {}", peer.text(), error.what());
    if (closed_) {
      closed_(peer);
    }
  }
}

void HttpConnections::close_all() {
  while (!connections_.empty()) {
    connections_.front()->end();
  }
}

void HttpConnections::close_idle() {
  std::vector<HttpConnection*> idle;
  for (const auto& connection : connections_) {
    if (connection->idle()) {
      idle.push_back(connection.get());
    }
  }
  for (HttpConnection* connection : idle) {
    connection->end();
  }
}

bool HttpConnections::close_longest(std::chrono::milliseconds at_least) {
  const auto longest =
      std::find_if(connections_.begin(), connections_.end(),
                   [](const auto& connection) { return !connection->waits_for_us(); });
  if (longest == connections_.end() ||
      monotonic_ns() - (*longest)->begun_ns() < at_least.count() * ns_per_ms) {
    return false;
  }
  (*longest)->end();
  return true;
}

void HttpConnections::let_go(HttpConnection& connection) {
  const auto place = connection.place();
  loop_.retire(std::move(*place));
  connections_.erase(place);
}

void HttpConnections::move_to_end(HttpConnection& connection) {
  connections_.splice(connections_.end(), connections_, connection.place());
}

}  // namespace eradio
