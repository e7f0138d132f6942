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
#include "common/worker_protocol_version.h"

namespace eradio {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(WorkerSettings, slot, workers, generation,
                                                own_sockets, shared_sockets, escrow, sandbox,
                                                io_uring, webroot, content_security_policy,
                                                stream_path, content_type, sndbuf_bytes, max_lag_ms,
                                                max_lag_ceiling_ms, stall_timeout_ms, coalesce_ms,
                                                max_listeners, max_connections_per_ip,
                                                max_frame_bytes, log_level, log_format)

namespace {

constexpr const char* version_key = "protocol_version";
constexpr const char* compatible_from_key = "protocol_compatible_from";

}  // namespace

SpokenProtocol own_protocol() noexcept {
  return {.version = worker_protocol_version, .compatible_from = worker_protocol_compatible_from};
}

bool understand_each_other(const SpokenProtocol& one, const SpokenProtocol& other) noexcept {
  return one.version >= other.compatible_from && other.version >= one.compatible_from;
}

std::string name_of(const SpokenProtocol& protocol) {
  return "worker protocol " + std::to_string(protocol.version) + " (" +
         std::to_string(protocol.compatible_from) + " and later)";
}

std::string encode_worker_settings(const WorkerSettings& settings) {
  nlohmann::json json = settings;
  json[version_key] = own_protocol().version;
  json[compatible_from_key] = own_protocol().compatible_from;
  return json.dump();
}

WorkerSettings decode_worker_settings(const std::string& json) {
  try {
    const auto parsed = nlohmann::json::parse(json);
    const SpokenProtocol masters{
        .version = parsed.at(version_key).get<std::uint32_t>(),
        .compatible_from = parsed.at(compatible_from_key).get<std::uint32_t>()};
    if (!understand_each_other(masters, own_protocol())) {
      throw std::runtime_error("the master speaks " + name_of(masters) + ", this worker speaks " +
                               name_of(own_protocol()));
    }
    auto settings = parsed.get<WorkerSettings>();
    if (settings.workers == 0 || settings.stream_path.empty() || settings.max_frame_bytes == 0) {
      throw std::runtime_error("the worker settings do not fit together");
    }
    return settings;
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(std::string("bad worker settings: ") + error.what());
  }
}

namespace {

// Room for the descriptors of one message; cmsg(3) wants it aligned as a header.
struct alignas(cmsghdr) DescriptorSpace {
  std::array<std::byte, CMSG_SPACE(worker_message_descriptors_max * sizeof(int))> bytes{};
};

SendResult send_message(int control, WorkerMessageHeader header, std::span<const std::byte> items,
                        std::span<const int> descriptors = {}) {
  header.protocol_version = own_protocol().version;
  header.compatible_from = own_protocol().compatible_from;
  std::array<iovec, 2> parts{
      {{&header, sizeof header}, {const_cast<std::byte*>(items.data()), items.size()}}};
  DescriptorSpace space;
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (!descriptors.empty()) {
    message.msg_control = space.bytes.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  if (::sendmsg(control, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
    return SendResult::sent;
  }
  // unix(7): ETOOMANYREFS: too many descriptors are on their way, of all sockets of this user.
  return errno == EAGAIN || errno == ENOBUFS || errno == EINTR || errno == ETOOMANYREFS
             ? SendResult::full
             : SendResult::gone;
}

// All that came with a message, so that none is ever left open.
std::vector<Descriptor> take_descriptors(msghdr& message) {
  std::vector<Descriptor> taken;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
      const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      std::vector<int> numbers(count);
      std::memcpy(numbers.data(), CMSG_DATA(part), count * sizeof(int));
      for (const int number : numbers) {
        taken.emplace_back(number);
        do_not_linger(number);
      }
    }
  }
  return taken;
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

bool is_valid(const EscrowItem& item) {
  return item.listener_id <= listener_id_max && item.serial > 0 && item.serial <= serial_max &&
         item.kind >= ClientKind::listener && item.kind <= ClientKind::event_stream;
}

bool is_valid(const KickOrder& order) {
  return order.listener_id <= listener_id_max && order.target >= KickTarget::listener_id &&
         order.target <= KickTarget::address;
}

bool is_valid(const KickAnswer& /*answer*/) { return true; }

template <typename Item>
bool all_valid(const std::vector<Item>& items) {
  return std::all_of(items.begin(), items.end(), [](const Item& item) { return is_valid(item); });
}

std::size_t descriptors_max(const WorkerMessageHeader& header) {
  switch (header.type) {
    case WorkerMessageType::escrow:
    case WorkerMessageType::adopt:
      return header.count;
    case WorkerMessageType::log_file:
      return 1;
    default:
      return 0;
  }
}

bool is_known(WorkerMessageType type) {
  return type >= WorkerMessageType::ready && type <= WorkerMessageType::log_file;
}

bool decode(const WorkerMessageHeader& header, std::span<const std::byte> items,
            WorkerMessage& message) {
  message.type = header.type;
  message.value = header.value;
  if (message.descriptors.size() > descriptors_max(header)) {
    return false;
  }
  switch (header.type) {
    case WorkerMessageType::ready:
    case WorkerMessageType::stop:
    case WorkerMessageType::adopt_end:
    case WorkerMessageType::standby:
    case WorkerMessageType::hand_over:
    case WorkerMessageType::handed_over:
    case WorkerMessageType::log_file:
    case WorkerMessageType::offer:
      return header.count == 0 && items.empty();
    case WorkerMessageType::audience:
      return take_items(header, items, message.audience) && all_valid(message.audience);
    case WorkerMessageType::vote_answers:
      return take_items(header, items, message.vote_answers) && all_valid(message.vote_answers);
    case WorkerMessageType::escrow:
    case WorkerMessageType::release:
    case WorkerMessageType::adopt:
    case WorkerMessageType::not_held:
      return take_items(header, items, message.escrow) && all_valid(message.escrow);
    case WorkerMessageType::kick:
      return take_items(header, items, message.kick_orders) && all_valid(message.kick_orders);
    case WorkerMessageType::kicked:
      return take_items(header, items, message.kick_answers) && all_valid(message.kick_answers);
    case WorkerMessageType::log_level:
      if (header.count != 0 || !items.empty() ||
          header.value > static_cast<std::uint64_t>(LogLevel::off)) {
        return false;
      }
      message.log_level = static_cast<LogLevel>(header.value);
      return true;
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

SendResult send_worker_message(int control, WorkerMessageType type,
                               std::span<const EscrowItem> items,
                               std::span<const int> descriptors) noexcept {
  ERADIO_CHECK(items.size() <= worker_message_items_max);
  ERADIO_CHECK(descriptors.size() <= worker_message_descriptors_max);
  return send_message(control, {.type = type, .count = static_cast<std::uint32_t>(items.size())},
                      std::as_bytes(items), descriptors);
}

SendResult send_worker_message(int control, std::span<const KickOrder> orders) noexcept {
  return send_items(control, WorkerMessageType::kick, orders);
}

SendResult send_worker_message(int control, std::span<const KickAnswer> answers) noexcept {
  return send_items(control, WorkerMessageType::kicked, answers);
}

SendResult send_worker_message(int control, LogLevel level) noexcept {
  return send_worker_message(control, WorkerMessageType::log_level,
                             static_cast<std::uint64_t>(level));
}

SendResult send_log_file(int control, int descriptor) noexcept {
  return send_message(control, {.type = WorkerMessageType::log_file}, {}, {&descriptor, 1});
}

void do_not_linger(int descriptor) noexcept {
  const linger off{};
  ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &off, sizeof off);
}

ReceiveResult receive_worker_message(int control, WorkerMessage& message) {
  // One byte more than the longest message has, so that a longer one is seen to be longer.
  constexpr std::size_t item_bytes_max =
      std::max({sizeof(AudienceEvent), sizeof(VoteAnswer), sizeof(EscrowItem), sizeof(KickOrder),
                sizeof(KickAnswer)});
  std::array<std::byte, sizeof(WorkerMessageHeader) + worker_message_items_max * item_bytes_max + 1>
      buffer;  // NOLINT: recv(2) fills what is used
  iovec part{buffer.data(), buffer.size()};
  DescriptorSpace space;
  msghdr envelope{};
  envelope.msg_iov = &part;
  envelope.msg_iovlen = 1;
  envelope.msg_control = space.bytes.data();
  envelope.msg_controllen = space.bytes.size();
  const ssize_t got = ::recvmsg(control, &envelope, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0) {
    return errno == EAGAIN || errno == EINTR ? ReceiveResult::nothing : ReceiveResult::closed;
  }
  WorkerMessage decoded;
  decoded.descriptors = take_descriptors(envelope);
  if (got == 0) {
    return ReceiveResult::closed;
  }
  const auto received = std::span<const std::byte>(buffer).first(static_cast<std::size_t>(got));
  WorkerMessageHeader header;
  if (received.size() < sizeof header) {
    return ReceiveResult::malformed;
  }
  std::memcpy(&header, received.data(), sizeof header);
  decoded.sender = {.version = header.protocol_version, .compatible_from = header.compatible_from};
  if (!understand_each_other(decoded.sender, own_protocol())) {
    return ReceiveResult::malformed;
  }
  if (!is_known(header.type) && decoded.sender.version > own_protocol().version) {
    return ReceiveResult::unknown;
  }
  if (!decode(header, received.subspan(sizeof header), decoded)) {
    return ReceiveResult::malformed;
  }
  message = std::move(decoded);
  return ReceiveResult::message;
}

}  // namespace eradio
