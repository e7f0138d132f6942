// An HTTP server on the master's loop, on one listening socket, with so few connections that it
// cannot hold up the source: what the control socket and the status server have in common.
#pragma once

#include <cstddef>
#include <functional>

#include "common/event_loop.h"
#include "common/http/acceptor.h"
#include "common/http/http_connections.h"
#include "common/http/http_server.h"

namespace eradio {

class LimitedHttpServer {
 public:
  // Whoever comes then takes the place of the client who has asked nothing, or not to the end, for
  // the longest time, so that nobody who only holds connections can keep others out; and is refused
  // when all of them have begun just now.
  static constexpr std::size_t connections_max = 64;

  // The loop is borrowed.
  LimitedHttpServer(EventLoop& loop, const ConnectionLimits& limits);

  // For its routes, before open().
  [[nodiscard]] HttpServer& http() noexcept { return http_; }
  // Accepts connections. The listening socket is borrowed until stop_accepting() or close().
  void open(int listening_socket);
  // Who comes waits in the socket's queue; those who have come are answered.
  void stop_accepting();
  // Closes all connections. Answers that come later are dropped; this must outlive whoever may
  // bring one.
  void close();

 private:
  void on_accepted(Descriptor socket, const PeerAddress& peer);

  HttpServer http_;
  HttpConnections connections_;
  HttpConnections refusals_;  // over the limit: they get their answer, and count for nothing
  Acceptor acceptor_;
};

}  // namespace eradio
