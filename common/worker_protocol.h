// The boundary between master and worker on one page: which descriptors a worker is born with, how
// it is told its settings, and the messages on the control socket. Both sides are built from this;
// what arrives is checked as if the other side were of another version, because it can be: in an
// upgrade a new master goes on with workers of the version before, until these have handed over.
// So what is here keeps its layout and its meaning, and what is new can be ignored; how a change is
// made that is not of this kind, worker_protocol_version.h says.
//
// Life of a worker: fork and exec with the descriptors below → looks whether it can read the shared
// memory → says `standby` and touches nothing until the slot is its own: then it is given the
// listeners of the worker before it (`adopt`, and `adopt_end` behind the last, even if there is
// none) → says `ready` → serves → gets `stop`, or finds the control socket closed, and exits with
// status 0; or gets `hand_over`, stops serving, says `handed_over` and exits: from then on the slot
// is another's.
//
// The escrow: of each listener, WebSocket and event stream the worker gives the master a duplicate
// of the descriptor, and takes it back when the client leaves. When the worker dies, the next one
// in its slot goes on with the descriptors that the master holds and the records of the slot's
// listener table. Those that the master cannot take it names (`not_held`); they are offered again
// when it has room (`offer`), and before the slot is left to another.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "common/client_kind.h"
#include "common/descriptor.h"
#include "common/log.h"

namespace eradio {

// The numbers of a worker's descriptors.
namespace worker_descriptor {
constexpr int control = 3;     // socketpair, SOCK_SEQPACKET: the messages below
constexpr int wakeup = 4;      // eventfd: the master writes when the ring has something new
constexpr int stream = 5;      // memfd, opened read-only: stream state and ring (shm/)
constexpr int scoreboard = 6;  // memfd: every worker's counters; a worker writes its own slot only
constexpr int listeners = 7;   // memfd: the listener table of the worker's slot
constexpr int scoreboard_front = 8;        // memfd, opened read-only: how to read the scoreboard
constexpr int first_listening_socket = 9;  // WorkerSettings says how many there are
}  // namespace worker_descriptor

// What one side speaks.
struct SpokenProtocol {
  std::uint32_t version = 0;
  std::uint32_t compatible_from = 0;  // the oldest version that it goes on with
  bool operator==(const SpokenProtocol&) const = default;
};
// Of this program.
[[nodiscard]] SpokenProtocol own_protocol() noexcept;
[[nodiscard]] bool understand_each_other(const SpokenProtocol& one,
                                         const SpokenProtocol& other) noexcept;
// "worker protocol 14 (13 and later)".
[[nodiscard]] std::string name_of(const SpokenProtocol& protocol);

// The one argument of eradio-worker, as JSON, with the master's SpokenProtocol. Checked by the
// master before it starts a worker. What a master does not say, since it is of an older version,
// is as it is here.
struct WorkerSettings {
  std::uint32_t slot = 0;            // 0 to workers - 1, or one that there is no more: it is to go
  std::uint32_t workers = 0;         // that there are to be
  std::uint64_t generation = 0;      // how many workers were started before this one
  std::uint32_t own_sockets = 0;     // SO_REUSEPORT listening sockets of this slot, and after them
  std::uint32_t shared_sockets = 0;  // those that all workers accept from
  bool escrow = true;                // the master wants the descriptors of listeners
  bool sandbox = true;               // worker/sandbox.h
  bool io_uring = true;              // worker/send_ring.h
  std::string webroot;               // directory
  std::string content_security_policy;  // sent with its files; empty: none
  std::string stream_path;              // "/stream.mp3"
  std::string content_type;             // "audio/mpeg"
  std::uint64_t sndbuf_bytes = 0;       // 0: auto
  std::int64_t max_lag_ms = 0;
  std::int64_t max_lag_ceiling_ms = 0;  // the most that a listener may ask for
  std::int64_t stall_timeout_ms = 0;
  std::int64_t coalesce_ms = 0;              // -1: auto
  std::uint64_t max_listeners = 0;           // of all workers together; 0: no limit
  std::uint64_t max_connections_per_ip = 0;  // the same
  std::uint64_t max_frame_bytes = 0;
  std::string log_level;
  std::string log_format;

  bool operator==(const WorkerSettings&) const = default;
};

std::string encode_worker_settings(const WorkerSettings& settings);
// Throws std::runtime_error that says what is missing or wrong, or which versions do not go
// together.
WorkerSettings decode_worker_settings(const std::string& json);

// Each message is a header and as many items of one kind as `count` says.
enum class WorkerMessageType : std::uint32_t {
  ready = 1,         // worker → master: attached and serving; value: its generation
  stop = 2,          // master → worker: close everything and exit
  audience = 3,      // worker → master: AudienceEvents, in the order in which they happened
  vote_answers = 4,  // master → worker: VoteAnswers
  escrow = 5,        // worker → master: EscrowItems, a descriptor with each
  release = 6,       // worker → master: EscrowItems whose descriptors are not needed any more
  adopt = 7,         // master → worker: EscrowItems, a descriptor with each
  adopt_end = 8,     // master → worker: that were all
  kick = 9,          // master → worker: KickOrders
  kicked = 10,       // worker → master: KickAnswers
  log_level = 11,    // master → worker; value: the LogLevel to log with from now on
  standby = 12,    // worker → master: has started, and waits for its slot; value: its generation
  hand_over = 13,  // master → worker: finish what is begun, then leave the slot to another
  handed_over = 14,  // worker → master: the slot is another's now; the last message
  log_file = 15,     // master → worker: a descriptor that takes standard error's place
  not_held = 16,     // master → worker: EscrowItems that it could not take
  offer = 17,        // master → worker: to offer these again; value: so many at the most
};

struct WorkerMessageHeader {
  std::uint32_t protocol_version = 0;  // the sender's SpokenProtocol
  WorkerMessageType type{};
  std::uint64_t value = 0;
  std::uint32_t count = 0;  // items that follow
  std::uint32_t compatible_from = 0;
};
static_assert(sizeof(WorkerMessageHeader) == 24);

enum class AudienceEventType : std::uint32_t {
  joined = 1,  // one more connection with this id has the stream
  left = 2,    // one less
  vote = 3,    // this id votes against the track; answered with the token
};

struct AudienceEvent {
  std::uint64_t listener_id = 0;   // of the contract, 0 to 2^63-1
  std::uint64_t token = 0;         // of a vote: the worker's own, to know the answer by
  std::uint64_t track_number = 0;  // of a vote: the track that the voter was told of
  AudienceEventType type{};
  std::uint32_t reserved = 0;
};
static_assert(sizeof(AudienceEvent) == 32);

enum class VoteOutcome : std::uint32_t {
  counted = 1,           // now, or before: an id has one vote
  nothing_plays = 2,     // there is no track to vote against
  no_such_listener = 3,  // the id has no live stream
};

struct VoteAnswer {
  std::uint64_t token = 0;
  VoteOutcome outcome{};
  std::uint32_t reserved = 0;
};
static_assert(sizeof(VoteAnswer) == 16);

// A client whose descriptor the master has.
struct EscrowItem {
  std::uint64_t listener_id = 0;  // of the contract, 0 to 2^63-1; of a listener, in `adopt`
  std::uint64_t serial = 0;       // of its record, 1 to serial_max: shm/listener_table.h
  std::uint32_t record = 0;
  ClientKind kind = ClientKind::listener;
};
static_assert(sizeof(EscrowItem) == 24);

enum class KickTarget : std::uint32_t {
  listener_id = 1,  // all connections that have the stream with this id
  address = 2,      // all that have the stream, or are told of it, from this address
};

// Close them, and answer how many there were.
struct KickOrder {
  std::uint64_t token = 0;                 // the master's own, to know the answer by
  std::uint64_t listener_id = 0;           // of KickTarget::listener_id
  std::array<std::uint8_t, 16> address{};  // of KickTarget::address, as PeerAddress has it
  KickTarget target{};
  std::uint32_t reserved = 0;
};
static_assert(sizeof(KickOrder) == 40);

struct KickAnswer {
  std::uint64_t token = 0;
  std::uint64_t connections = 0;  // that were closed
};
static_assert(sizeof(KickAnswer) == 16);

constexpr std::uint64_t listener_id_max = std::numeric_limits<std::int64_t>::max();
// The worker's generation, and which of its clients it is.
constexpr std::uint64_t serial_max = (std::uint64_t{1} << 60U) - 1;

// So few that a message is handled in well under a millisecond, whatever else waits.
constexpr std::size_t worker_message_items_max = 256;
// The same for items with descriptors; the kernel's limit is 253 (SCM_MAX_FD).
constexpr std::size_t worker_message_descriptors_max = 64;

// A message that was received and checked.
struct WorkerMessage {
  SpokenProtocol sender;
  WorkerMessageType type{};
  std::uint64_t value = 0;
  std::vector<AudienceEvent> audience;   // of `audience`
  std::vector<VoteAnswer> vote_answers;  // of `vote_answers`
  std::vector<EscrowItem> escrow;        // of `escrow`, `release`, `adopt` and `not_held`
  // Of `escrow` and `adopt`, in the order of the items, and of `log_file`. Fewer than these when
  // this process could not take as many: the first are there.
  std::vector<Descriptor> descriptors;
  std::vector<KickOrder> kick_orders;    // of `kick`
  std::vector<KickAnswer> kick_answers;  // of `kicked`
  LogLevel log_level{};                  // of `log_level`
};

enum class SendResult { sent, full, gone };
// Never block. At most worker_message_items_max items.
[[nodiscard]] SendResult send_worker_message(int control, WorkerMessageType type,
                                             std::uint64_t value = 0) noexcept;
[[nodiscard]] SendResult send_worker_message(int control,
                                             std::span<const AudienceEvent> events) noexcept;
[[nodiscard]] SendResult send_worker_message(int control,
                                             std::span<const VoteAnswer> answers) noexcept;
[[nodiscard]] SendResult send_worker_message(int control,
                                             std::span<const KickOrder> orders) noexcept;
[[nodiscard]] SendResult send_worker_message(int control,
                                             std::span<const KickAnswer> answers) noexcept;
[[nodiscard]] SendResult send_worker_message(int control, LogLevel level) noexcept;
[[nodiscard]] SendResult send_log_file(int control, int descriptor) noexcept;

// `escrow` and `adopt` with as many descriptors as items, at most worker_message_descriptors_max;
// `release` and `not_held` with none.
[[nodiscard]] SendResult send_worker_message(int control, WorkerMessageType type,
                                             std::span<const EscrowItem> items,
                                             std::span<const int> descriptors) noexcept;

// A descriptor that somebody else had, and may still have: closing it here does not wait for bytes
// to be sent, whatever was said of it (SO_LINGER). No error if it is no socket.
void do_not_linger(int descriptor) noexcept;

// `unknown`: of a type that only a later version has; to be ignored.
enum class ReceiveResult { message, nothing, closed, malformed, unknown };
// Never blocks, nor does closing what has come; `message` is set only for ReceiveResult::message.
[[nodiscard]] ReceiveResult receive_worker_message(int control, WorkerMessage& message);

}  // namespace eradio
