// The status server: a TCP socket, for reading alone, that speaks HTTP on the master's loop: the
// status as JSON and as metrics, and a page that shows it (docs/status.md). No request is allowed
// to hold up the source.
#pragma once

#include <filesystem>
#include <string>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "master/limited_http_server.h"
#include "master/status_view.h"
#include "master/tcp_address.h"

namespace eradio {

class StatusServer {
 public:
  // `page`: directory of the page's files, read here and never again. Loop and view are borrowed.
  // Throws std::system_error that names the address.
  StatusServer(EventLoop& loop, StatusView& view, const TcpAddress& address,
               const std::filesystem::path& page);
  // Goes on with another master's socket.
  StatusServer(EventLoop& loop, StatusView& view, Descriptor socket,
               const std::filesystem::path& page);

  // To be left to another master; until close().
  [[nodiscard]] int descriptor() const noexcept { return socket_.number(); }
  // "127.0.0.1:8081": what is really listened on.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  // Before another master goes on: who comes waits for it, or for accept_again().
  void stop_accepting() { server_.stop_accepting(); }
  void accept_again() { server_.open(socket_.number()); }
  // Closes everything. This must outlive whoever may bring a late answer.
  void close();

 private:
  Descriptor socket_;
  std::string name_;
  LimitedHttpServer server_;
};

}  // namespace eradio
