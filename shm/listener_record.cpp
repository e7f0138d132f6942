#include "shm/listener_record.h"

#include <algorithm>

namespace eradio {
namespace {

constexpr std::uint64_t sending_bit = std::uint64_t{1} << 63U;
constexpr std::int64_t ns_per_us = 1000;
constexpr std::int64_t ns_per_ms = 1'000'000;

// Of this many bits; what is more than they can say becomes the most that they can.
struct Bits {
  unsigned count;
  std::uint64_t value;
  [[nodiscard]] constexpr std::uint64_t nearest() const noexcept {
    return std::min(value, (std::uint64_t{1} << count) - 1);
  }
};

// Values in one word, the first of them in its lowest bits.
template <typename... Values>
std::uint64_t packed(Values... values) noexcept {
  std::uint64_t word = 0;
  unsigned at = 0;
  ((word |= values.nearest() << at, at += values.count), ...);
  return word;
}

std::uint64_t bits(std::uint64_t word, unsigned from, unsigned count) noexcept {
  return (word >> from) & ((std::uint64_t{1} << count) - 1);
}

std::uint64_t whole(std::int64_t ns, std::int64_t unit_ns) noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0) / unit_ns);
}

std::int64_t nanoseconds(std::uint64_t count, std::int64_t unit_ns) noexcept {
  return static_cast<std::int64_t>(count) * unit_ns;
}

}  // namespace

ListenerTotals& ListenerTotals::operator+=(const ListenerTotals& other) noexcept {
  frames_sent += other.frames_sent;
  bytes_sent += other.bytes_sent;
  frames_skipped += other.frames_skipped;
  jumps += other.jumps;
  return *this;
}

IdentityWords pack(const ListenerIdentity& identity) noexcept {
  return {
      identity.id,
      identity.peer.high,
      identity.peer.low,
      packed(Bits{48, identity.bytes_before}, Bits{16, identity.peer_port}),
      packed(Bits{40, whole(identity.joined_ns, ns_per_ms)},
             Bits{22, whole(identity.lag_ns_max, ns_per_ms)},
             Bits{2, static_cast<std::uint64_t>(identity.kind)}),
  };
}

ListenerIdentity unpack_identity(const IdentityWords& words) noexcept {
  return {.id = words[0],
          .peer = {.high = words[1], .low = words[2]},
          .joined_ns = nanoseconds(bits(words[4], 0, 40), ns_per_ms),
          .lag_ns_max = nanoseconds(bits(words[4], 40, 22), ns_per_ms),
          .bytes_before = bits(words[3], 0, 48),
          .peer_port = static_cast<std::uint16_t>(bits(words[3], 48, 16)),
          .kind = static_cast<ClientKind>(bits(words[4], 62, 2))};
}

AccountWords pack(const ListenerAccount& account) noexcept {
  const ListenerRun& run = account.run;
  const ListenerTally& tally = account.tally;
  return {run.bytes_before,
          run.stream_position,
          run.header_position,
          tally.stream_position,
          packed(Bits{40, tally.totals.frames_sent}, Bits{24, tally.totals.jumps}),
          packed(Bits{35, tally.totals.frames_skipped}, Bits{29, run.header_bytes}),
          pack_bytes_sent(tally.totals.bytes_sent, account.sending)};
}

ListenerAccount unpack_account(const AccountWords& words) noexcept {
  return {.run = {.bytes_before = words[0],
                  .stream_position = words[1],
                  .header_position = words[2],
                  .header_bytes = static_cast<std::uint32_t>(bits(words[5], 35, 29))},
          .tally = {.stream_position = words[3],
                    .totals = {.frames_sent = bits(words[4], 0, 40),
                               .bytes_sent = words[bytes_sent_word] & ~sending_bit,
                               .frames_skipped = bits(words[5], 0, 35),
                               .jumps = bits(words[4], 40, 24)}},
          .sending = (words[bytes_sent_word] & sending_bit) != 0};
}

std::uint64_t pack_bytes_sent(std::uint64_t bytes, bool sending) noexcept {
  return (bytes & ~sending_bit) | (sending ? sending_bit : 0);
}

std::uint64_t pack(const ListenerProgress& progress) noexcept {
  return packed(Bits{32, progress.queued_bytes}, Bits{32, whole(progress.lag_ns, ns_per_us)});
}

ListenerProgress unpack_progress(std::uint64_t word) noexcept {
  return {.lag_ns = nanoseconds(bits(word, 32, 32), ns_per_us), .queued_bytes = bits(word, 0, 32)};
}

}  // namespace eradio
