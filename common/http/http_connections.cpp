#include "common/http/http_connections.h"

#include <system_error>
#include <utility>
#include <vector>

#include "common/http/http_connection.h"
#include "common/log.h"

namespace eradio {

HttpConnections::HttpConnections(EventLoop& loop, HttpServer& server,
                                 const ConnectionLimits& limits, Closed closed)
    : loop_(loop), server_(server), limits_(limits), closed_(std::move(closed)) {}

HttpConnections::~HttpConnections() { close_all(); }

void HttpConnections::adopt(Descriptor socket, const PeerAddress& peer) {
  take_in(std::move(socket), peer, [](HttpConnection&) {});
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
    auto* const key = connection.get();
    connections_.emplace(key, std::move(connection));
    begin(*key);
  } catch (const std::system_error& error) {
    log::warning("a connection from {} was dropped: {}", peer.text(), error.what());
    if (closed_) {
      closed_(peer);
    }
  }
}

void HttpConnections::close_all() {
  while (!connections_.empty()) {
    connections_.begin()->second->end();
  }
}

void HttpConnections::close_idle() {
  std::vector<HttpConnection*> idle;
  for (const auto& [key, connection] : connections_) {
    if (connection->idle()) {
      idle.push_back(key);
    }
  }
  for (HttpConnection* connection : idle) {
    connection->end();
  }
}

void HttpConnections::let_go(HttpConnection& connection) {
  auto node = connections_.extract(&connection);
  loop_.retire(std::move(node.mapped()));
}

}  // namespace eradio
