#include "shm/listener_record.h"

#include <algorithm>
#include <limits>

namespace eradio {
namespace {

constexpr unsigned half_bits = 32;
constexpr std::uint64_t half_max = std::numeric_limits<std::uint32_t>::max();
constexpr unsigned port_bits = 16;
constexpr std::uint64_t sending_bit = std::uint64_t{1} << 63U;
constexpr std::int64_t ns_per_us = 1000;

std::uint64_t halves(std::uint64_t high, std::uint64_t low) noexcept {
  return (std::min(high, half_max) << half_bits) | std::min(low, half_max);
}

std::uint64_t high_half(std::uint64_t word) noexcept { return word >> half_bits; }
std::uint64_t low_half(std::uint64_t word) noexcept { return word & half_max; }

std::uint64_t microseconds(std::int64_t ns) noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0) / ns_per_us);
}

std::int64_t nanoseconds(std::uint64_t us) noexcept {
  return static_cast<std::int64_t>(us) * ns_per_us;
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
  constexpr std::uint64_t bytes_max = std::numeric_limits<std::uint64_t>::max() >> port_bits;
  return {
      identity.id,
      identity.peer.high,
      identity.peer.low,
      static_cast<std::uint64_t>(identity.joined_ns),
      (std::min(identity.bytes_before, bytes_max) << port_bits) | identity.peer_port,
      halves(microseconds(identity.lag_ns_max), static_cast<std::uint64_t>(identity.kind)),
  };
}

ListenerIdentity unpack_identity(const IdentityWords& words) noexcept {
  return {.id = words[0],
          .peer = {.high = words[1], .low = words[2]},
          .joined_ns = static_cast<std::int64_t>(words[3]),
          .lag_ns_max = nanoseconds(high_half(words[5])),
          .bytes_before = words[4] >> port_bits,
          .peer_port = static_cast<std::uint16_t>(words[4]),
          .kind = static_cast<ClientKind>(low_half(words[5]))};
}

AccountWords pack(const ListenerAccount& account) noexcept {
  const ListenerRun& run = account.run;
  const ListenerTally& tally = account.tally;
  return {run.bytes_before,
          run.stream_position,
          run.header_position,
          halves(run.header_bytes, tally.totals.jumps),
          tally.stream_position,
          tally.totals.frames_sent,
          tally.totals.frames_skipped,
          pack_bytes_sent(tally.totals.bytes_sent, account.sending)};
}

ListenerAccount unpack_account(const AccountWords& words) noexcept {
  return {.run = {.bytes_before = words[0],
                  .stream_position = words[1],
                  .header_position = words[2],
                  .header_bytes = static_cast<std::uint32_t>(high_half(words[3]))},
          .tally = {.stream_position = words[4],
                    .totals = {.frames_sent = words[5],
                               .bytes_sent = words[bytes_sent_word] & ~sending_bit,
                               .frames_skipped = words[6],
                               .jumps = low_half(words[3])}},
          .sending = (words[bytes_sent_word] & sending_bit) != 0};
}

std::uint64_t pack_bytes_sent(std::uint64_t bytes, bool sending) noexcept {
  return (bytes & ~sending_bit) | (sending ? sending_bit : 0);
}

std::uint64_t pack(const ListenerProgress& progress) noexcept {
  return halves(microseconds(progress.lag_ns), progress.queued_bytes);
}

ListenerProgress unpack_progress(std::uint64_t word) noexcept {
  return {.lag_ns = nanoseconds(high_half(word)), .queued_bytes = low_half(word)};
}

}  // namespace eradio
