#include "master/status_server.h"

#include <chrono>
#include <string_view>
#include <utility>

#include "common/http/http_message.h"
#include "common/http/peer_address.h"
#include "master/status_page.h"
#include "master/status_routes.h"

namespace eradio {
namespace {

constexpr int operators_queue_length = 128;

// Its clients are near, and its answers short: who is slow is not waited for.
ConnectionLimits connection_limits() {
  ConnectionLimits limits;
  limits.request_time_max = std::chrono::seconds(5);
  limits.stall_time_max = std::chrono::seconds(5);
  // Not the 15 s after which many collect metrics again: the connection would be closed in the very
  // moment of the next request.
  limits.idle_time_max = std::chrono::seconds(20);
  return limits;
}

bool is_localhost(std::string_view host) {
  return equals_ignoring_case(host, "localhost") || equals_ignoring_case(host, "localhost.");
}

bool is_number(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  return TcpAddress::parse(std::string(host)).has_value();
}

Descriptor listen_at(const TcpAddress& address) {
  Descriptor socket = bind_socket(address, false);
  start_listening(socket.number(), address, operators_queue_length);
  return socket;
}

}  // namespace

StatusServer::StatusServer(EventLoop& loop, StatusView& view, const TcpAddress& address,
                           const std::filesystem::path& page)
    : StatusServer(loop, view, listen_at(address), page) {}

StatusServer::StatusServer(EventLoop& loop, StatusView& view, Descriptor socket,
                           const std::filesystem::path& page)
    : socket_(std::move(socket)), server_(loop, connection_limits()) {
  const TcpAddress address = address_of(socket_.number());
  name_ = address.name();
  // On this machine it goes by its address or as localhost. Elsewhere it may have any name, and
  // whoever makes it listen there sees to it who can reach it.
  server_.http().keep_to_own_origin([only_local = address.is_loopback()](std::string_view host) {
    return !only_local || is_localhost(host) || is_number(host);
  });
  add_status_routes(server_.http(), view);
  add_status_page(server_.http(), page);
  server_.open(socket_.number());
}

void StatusServer::close() {
  server_.close();
  socket_.reset();
}

}  // namespace eradio
