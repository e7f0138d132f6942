#include "master/control_server.h"

#include <sys/stat.h>

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
      server_(loop, connection_limits()) {
  begin(operations);
}

ControlServer::ControlServer(EventLoop& loop, Operations& operations, const SavedUnixSocket& saved)
    : socket_(std::in_place, saved), server_(loop, connection_limits()) {
  begin(operations);
}

void ControlServer::begin(Operations& operations) {
  add_control_routes(server_.http(), operations);
  server_.open(socket_->number());
}

void ControlServer::close() {
  server_.close();
  socket_.reset();
}

}  // namespace eradio
