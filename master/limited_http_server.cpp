#include "master/limited_http_server.h"

#include <chrono>
#include <string>
#include <utility>

namespace eradio {

LimitedHttpServer::LimitedHttpServer(EventLoop& loop, const ConnectionLimits& limits)
    : connections_(loop, http_, limits),
      refusals_(loop, http_, limits),
      acceptor_(loop, [this](Descriptor socket, const PeerAddress& peer) {
        on_accepted(std::move(socket), peer);
      }) {}

void LimitedHttpServer::open(int listening_socket) { acceptor_.add(listening_socket); }

void LimitedHttpServer::stop_accepting() { acceptor_.stop(); }

void LimitedHttpServer::close() {
  stop_accepting();
  connections_.close_all();
  refusals_.close_all();
}

void LimitedHttpServer::on_accepted(Descriptor socket, const PeerAddress& peer) {
  constexpr std::chrono::milliseconds request_time{500};  // so long any request may take to come
  if (connections_.count() >= connections_max && !connections_.close_longest(request_time)) {
    refusals_.refuse(
        std::move(socket), peer,
        {.status = 503,
         .text = "the limit of " + std::to_string(connections_max) + " connections is reached",
         .retry_after = std::chrono::seconds(1)});
    return;
  }
  connections_.adopt(std::move(socket), peer);
}

}  // namespace eradio
