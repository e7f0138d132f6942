#include "common/worker_protocol.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace eradio {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(WorkerSettings, protocol_version, slot, workers, generation,
                                   tcp_sockets, unix_socket, webroot, stream_path, content_type,
                                   sndbuf_bytes, max_lag_ms, coalesce_ms, max_listeners,
                                   max_connections_per_ip, max_frame_bytes, log_level)

std::string encode_worker_settings(const WorkerSettings& settings) {
  return nlohmann::json(settings).dump();
}

WorkerSettings decode_worker_settings(const std::string& json) {
  try {
    const auto parsed = nlohmann::json::parse(json);
    const auto version = parsed.at("protocol_version").get<std::uint32_t>();
    if (version != worker_protocol_version) {
      throw std::runtime_error("the master speaks worker protocol " + std::to_string(version) +
                               ", this worker speaks " + std::to_string(worker_protocol_version));
    }
    return parsed.get<WorkerSettings>();
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(std::string("bad worker settings: ") + error.what());
  }
}

bool send_worker_message(int control, const WorkerMessage& message) noexcept {
  return ::send(control, &message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL) ==
         static_cast<ssize_t>(sizeof message);
}

ReceiveResult receive_worker_message(int control, WorkerMessage& message) noexcept {
  // One byte more than a message has, so that a longer one is seen to be longer.
  std::array<std::byte, sizeof(WorkerMessage) + 1> buffer{};
  const ssize_t got = ::recv(control, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0) {
    return errno == EAGAIN || errno == EINTR ? ReceiveResult::nothing : ReceiveResult::closed;
  }
  if (got == 0) {
    return ReceiveResult::closed;
  }
  WorkerMessage received;
  if (static_cast<std::size_t>(got) != sizeof received) {
    return ReceiveResult::malformed;
  }
  std::memcpy(&received, buffer.data(), sizeof received);
  const bool known_type =
      received.type == WorkerMessageType::ready || received.type == WorkerMessageType::stop;
  if (received.protocol_version != worker_protocol_version || !known_type) {
    return ReceiveResult::malformed;
  }
  message = received;
  return ReceiveResult::message;
}

}  // namespace eradio
