#include "common/worker_protocol.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/check.h"

namespace eradio {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(WorkerSettings, protocol_version, slot, workers, generation,
                                   tcp_sockets, unix_socket, webroot, content_security_policy,
                                   stream_path, content_type, sndbuf_bytes, max_lag_ms,
                                   max_lag_ceiling_ms, stall_timeout_ms, coalesce_ms, max_listeners,
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

namespace {

SendResult send_message(int control, WorkerMessageHeader header, std::span<const std::byte> items) {
  std::array<iovec, 2> parts{
      {{&header, sizeof header}, {const_cast<std::byte*>(items.data()), items.size()}}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (::sendmsg(control, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
    return SendResult::sent;
  }
  return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? SendResult::full
                                                               : SendResult::gone;
}

template <typename Item>
SendResult send_items(int control, WorkerMessageType type, std::span<const Item> items) {
  ERADIO_CHECK(items.size() <= worker_message_items_max);
  return send_message(control, {.type = type, .count = static_cast<std::uint32_t>(items.size())},
                      std::as_bytes(items));
}

// False when there are not exactly as many items as the header says.
template <typename Item>
bool take_items(const WorkerMessageHeader& header, std::span<const std::byte> bytes,
                std::vector<Item>& items) {
  if (header.count > worker_message_items_max || bytes.size() != header.count * sizeof(Item)) {
    return false;
  }
  items.resize(header.count);
  if (header.count > 0) {
    std::memcpy(items.data(), bytes.data(), bytes.size());
  }
  return true;
}

bool is_valid(const AudienceEvent& event) {
  return event.listener_id <= listener_id_max && event.type >= AudienceEventType::joined &&
         event.type <= AudienceEventType::vote;
}

bool is_valid(const VoteAnswer& answer) {
  return answer.outcome >= VoteOutcome::counted && answer.outcome <= VoteOutcome::no_such_listener;
}

template <typename Item>
bool all_valid(const std::vector<Item>& items) {
  return std::all_of(items.begin(), items.end(), [](const Item& item) { return is_valid(item); });
}

bool decode(const WorkerMessageHeader& header, std::span<const std::byte> items,
            WorkerMessage& message) {
  if (header.protocol_version != worker_protocol_version) {
    return false;
  }
  message.type = header.type;
  message.value = header.value;
  switch (header.type) {
    case WorkerMessageType::ready:
    case WorkerMessageType::stop:
      return header.count == 0 && items.empty();
    case WorkerMessageType::audience:
      return take_items(header, items, message.audience) && all_valid(message.audience);
    case WorkerMessageType::vote_answers:
      return take_items(header, items, message.vote_answers) && all_valid(message.vote_answers);
  }
  return false;
}

}  // namespace

SendResult send_worker_message(int control, WorkerMessageType type, std::uint64_t value) noexcept {
  return send_message(control, {.type = type, .value = value}, {});
}

SendResult send_worker_message(int control, std::span<const AudienceEvent> events) noexcept {
  return send_items(control, WorkerMessageType::audience, events);
}

SendResult send_worker_message(int control, std::span<const VoteAnswer> answers) noexcept {
  return send_items(control, WorkerMessageType::vote_answers, answers);
}

ReceiveResult receive_worker_message(int control, WorkerMessage& message) {
  // One byte more than the longest message has, so that a longer one is seen to be longer.
  constexpr std::size_t item_bytes_max = std::max(sizeof(AudienceEvent), sizeof(VoteAnswer));
  std::array<std::byte, sizeof(WorkerMessageHeader) + worker_message_items_max * item_bytes_max + 1>
      buffer;  // NOLINT: recv(2) fills what is used
  const ssize_t got = ::recv(control, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0) {
    return errno == EAGAIN || errno == EINTR ? ReceiveResult::nothing : ReceiveResult::closed;
  }
  if (got == 0) {
    return ReceiveResult::closed;
  }
  const auto received = std::span<const std::byte>(buffer).first(static_cast<std::size_t>(got));
  WorkerMessageHeader header;
  if (received.size() < sizeof header) {
    return ReceiveResult::malformed;
  }
  std::memcpy(&header, received.data(), sizeof header);
  WorkerMessage decoded;
  if (!decode(header, received.subspan(sizeof header), decoded)) {
    return ReceiveResult::malformed;
  }
  message = std::move(decoded);
  return ReceiveResult::message;
}

}  // namespace eradio
