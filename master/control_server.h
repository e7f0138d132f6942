// The control socket: a Unix socket, for its owner and group alone, that speaks HTTP on the
// master's loop. What is asked there goes to Operations; no request is allowed to hold up the
// source.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "common/event_loop.h"
#include "master/limited_http_server.h"
#include "master/operations.h"
#include "master/unix_listening_socket.h"

namespace eradio {

class ControlServer {
 public:
  // Workers are replaced one after another, and each may be slow.
  static constexpr std::chrono::minutes answer_time_max{5};

  // Makes the directory if only its last component is missing. Loop and operations are borrowed.
  // Throws std::system_error that names the path.
  ControlServer(EventLoop& loop, Operations& operations, const std::filesystem::path& path);

  // Goes on with another master's.
  ControlServer(EventLoop& loop, Operations& operations, const SavedUnixSocket& saved);
  [[nodiscard]] SavedUnixSocket save() const { return socket_->save(); }

  // "unix:/run/…"; until close().
  [[nodiscard]] const std::string& name() const { return socket_->name(); }

  // Closes all connections, and removes the socket's file. Answers that come later are dropped;
  // this must outlive whoever may bring one.
  void close();

 private:
  void begin(Operations& operations);

  std::optional<UnixListeningSocket> socket_;
  LimitedHttpServer server_;
};

}  // namespace eradio
