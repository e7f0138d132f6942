#include "master/control_server.h"

#include <sys/stat.h>

#include <chrono>
#include <string>
#include <utility>

#include "master/control_routes.h"

namespace eradio {
namespace {

constexpr mode_t socket_mode = 0660;

ConnectionLimits connection_limits() {
  ConnectionLimits limits;
  limits.late_answer_time_max = ControlServer::answer_time_max;
  return limits;
}

// If it cannot be made, the socket cannot either, and says so.
const std::filesystem::path& with_directory(const std::filesystem::path& path) {
  ::mkdir(std::filesystem::absolute(path).parent_path().c_str(), 0755);
  return path;
}

}  // namespace

ControlServer::ControlServer(EventLoop& loop, Operations& operations,
                             const std::filesystem::path& path)
    : socket_(std::in_place, with_directory(path), socket_mode),
      connections_(loop, server_, connection_limits()),
      acceptor_(loop, [this](Descriptor socket, const PeerAddress& peer) {
        on_accepted(std::move(socket), peer);
      }) {
  begin(operations);
}

ControlServer::ControlServer(EventLoop& loop, Operations& operations, const SavedUnixSocket& saved)
    : socket_(std::in_place, saved),
      connections_(loop, server_, connection_limits()),
      acceptor_(loop, [this](Descriptor socket, const PeerAddress& peer) {
        on_accepted(std::move(socket), peer);
      }) {
  begin(operations);
}

void ControlServer::begin(Operations& operations) {
  add_control_routes(server_, operations);
  acceptor_.add(socket_->number());
}

void ControlServer::close() {
  acceptor_.stop();
  connections_.close_all();
  socket_.reset();
}

void ControlServer::on_accepted(Descriptor socket, const PeerAddress& peer) {
  if (connections_.count() >= connections_max) {
    connections_.refuse(
        std::move(socket), peer,
        {.status = 503,
         .text = "the limit of " + std::to_string(connections_max) + " connections is reached",
         .retry_after = std::chrono::seconds(1)});
    return;
  }
  connections_.adopt(std::move(socket), peer);
}

}  // namespace eradio
