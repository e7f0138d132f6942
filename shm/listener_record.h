// What is written down of one client of a worker: the values, and the record in shared memory that
// they are packed into. No rules about who writes when: these are listener_table.h's.
//
// A record is 112 bytes, since there is one for each listener: what is packed has the range that is
// said here; what is beyond it is written as the nearest that is not (of jumps, one every 250 ms,
// that takes 48 days).
//
//   word   of a listener                                    of a notify client
//    0     serial; 0: the record is free                    the same
//    1     id                                               0
//   2, 3   peer                                             the same
//    4     bytes_before, 48 bits | peer_port, 16            0 | the same
//    5     joined_ns in ms, 40 | lag_ns_max in ms, 22 |     the same | 0 | the same
//          kind, 2
//    6     run: bytes_before                                unsettled
//    7     run: stream_position                             told
//    8     run: header_position                             sent_ns
//    9     tally: stream_position                           heard_ns
//   10     tally: frames_sent, 40 | jumps, 24
//   11     tally: frames_skipped, 35 | run: header_bytes, 29
//   12     tally: bytes_sent, 63 bits | sending, 1
//   13     lag_ns in µs, 32 bits | queued_bytes, 32
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/client_kind.h"
#include "shm/peer_key.h"

namespace eradio {

// Times are CLOCK_MONOTONIC.
struct ListenerIdentity {
  std::uint64_t id = 0;  // of the contract, 0 to 2^63-1
  PeerKey peer;
  std::int64_t joined_ns = 0;   // whole milliseconds
  std::int64_t lag_ns_max = 0;  // its `max_lag`; whole milliseconds, up to an hour
  // Of the connection, that TCP had taken before the first of the stream: response heads. Unknown
  // of a Unix socket, and 0.
  std::uint64_t bytes_before = 0;
  std::uint16_t peer_port = 0;             // 0: unknown
  ClientKind kind = ClientKind::listener;  // others have no id, lag_ns_max and bytes_before
  bool operator==(const ListenerIdentity&) const = default;
};

// What a listener is sent without a gap: a part of the stream, perhaps with a header before it.
// Written down before the first byte of it is handed to TCP: so one that is not known yet is one of
// which nothing was sent.
struct ListenerRun {
  std::uint64_t bytes_before = 0;     // of the stream, that TCP had taken before its first frame
  std::uint64_t stream_position = 0;  // of its first frame (shm/ring_layout.h)
  // The header that the listener has then: where it lies in the stream (no_header: nowhere), and
  // how many bytes of it are sent right before the first frame.
  std::uint64_t header_position = 0;
  std::uint32_t header_bytes = 0;
  static constexpr std::uint64_t no_header = UINT64_MAX;
  bool operator==(const ListenerRun&) const = default;
};

// What was sent to one listener, or to many.
struct ListenerTotals {
  std::uint64_t frames_sent = 0;  // of which TCP has taken the last byte
  std::uint64_t bytes_sent = 0;   // of the stream that TCP has taken
  std::uint64_t frames_skipped = 0;
  std::uint64_t jumps = 0;  // places where that happened
  ListenerTotals& operator+=(const ListenerTotals& other) noexcept;
  bool operator==(const ListenerTotals&) const = default;
};

// A listener's totals when it had got so far: what has come since can be counted from there.
struct ListenerTally {
  std::uint64_t stream_position = 0;  // where a frame begins: of the next, or it was skipped to
  ListenerTotals totals;              // of what is before it
  bool operator==(const ListenerTally&) const = default;
};

struct ListenerProgress {
  // Age of the oldest byte that it has not acknowledged, or of the frame that is next for it; 0: it
  // has everything. Whole microseconds, up to an hour.
  std::int64_t lag_ns = 0;
  std::uint64_t queued_bytes = 0;  // in its kernel queue (SIOCOUTQ)
  bool operator==(const ListenerProgress&) const = default;
};

// How far a notify client is.
struct NotifyProgress {
  std::uint64_t told = 0;     // the number of what it was told last (worker/notifier.h); 0: nothing
  std::int64_t sent_ns = 0;   // when its socket last took something
  std::int64_t heard_ns = 0;  // when it last said something
  bool operator==(const NotifyProgress&) const = default;
};

using IdentityWords = std::array<std::uint64_t, 5>;

IdentityWords pack(const ListenerIdentity& identity) noexcept;
ListenerIdentity unpack_identity(const IdentityWords& words) noexcept;

// A listener's run and tally, which have to be true together.
struct ListenerAccount {
  ListenerRun run;
  ListenerTally tally;
  // Its worker is in the middle of a send, and nobody knows how much of it the socket has taken.
  // (Of a Unix socket alone: of TCP the kernel knows.)
  bool sending = false;
};
using AccountWords = std::array<std::uint64_t, 7>;
constexpr std::size_t bytes_sent_word = 6;  // of these; has `sending`, too
// Of a notify client's. Not 0 while the connection may be in the middle of something that a worker
// knows nothing of which begins with it: then the rest does not count.
constexpr std::size_t unsettled_word = 0;

AccountWords pack(const ListenerAccount& account) noexcept;
ListenerAccount unpack_account(const AccountWords& words) noexcept;
std::uint64_t pack_bytes_sent(std::uint64_t bytes, bool sending) noexcept;

std::uint64_t pack(const ListenerProgress& progress) noexcept;
ListenerProgress unpack_progress(std::uint64_t word) noexcept;

// All words are shared words (shared_words.h).
struct ListenerRecord {
  // Of the listener: no other of the slot ever has it. 0: the record is free.
  std::uint64_t serial;
  IdentityWords identity;
  AccountWords account;
  std::uint64_t progress;
};
static_assert(sizeof(ListenerRecord) == 112);

}  // namespace eradio
