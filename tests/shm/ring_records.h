// Records for tests of the ring whose every byte follows from their sequence: so a reader can tell
// a torn one from a whole one without knowing what was written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "shm/ring_reader.h"

namespace eradio::test {

// SplitMix64 (Steele, Lea, Flood 2014): a good mix of 64 bits in three lines.
inline std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111eb;
  return value ^ (value >> 31U);
}

inline std::size_t length_for(std::uint64_t sequence, std::size_t bytes_max) {
  // Mostly short, now and then up to the longest that the ring takes.
  const std::uint64_t random = mix(sequence);
  const std::size_t limit = random % 16 == 0 ? bytes_max : bytes_max / 8;
  return (random >> 8U) % (limit + 1);
}

inline void fill_for(std::uint64_t sequence, std::span<std::byte> payload) {
  for (std::size_t at = 0; at < payload.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t word = mix(sequence * 1'000'003 + at);
    std::memcpy(payload.data() + at, &word, std::min(sizeof word, payload.size() - at));
  }
}

inline bool is_whole(const Record& record, std::span<const std::byte> payload,
                     std::size_t bytes_max) {
  if (record.payload_bytes != length_for(record.sequence, bytes_max) ||
      record.time_ns != static_cast<std::int64_t>(mix(record.sequence) >> 1U)) {
    return false;
  }
  for (std::size_t at = 0; at < record.payload_bytes; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = mix(record.sequence * 1'000'003 + at);
    if (std::memcmp(payload.data() + at, &word, std::min(sizeof word, record.payload_bytes - at)) !=
        0) {
      return false;
    }
  }
  return true;
}

// What a reader has seen in its life.
struct Seen {
  std::uint64_t records = 0;
  std::uint64_t lost = 0;
  std::uint64_t torn = 0;
  std::uint64_t damaged = 0;
  std::uint64_t overtaken = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
};

// Reads one record, if there is one, and notes it; false when there was nothing new.
inline bool read_and_check(RingReader& reader, std::span<std::byte> payload, Seen& seen) {
  Record record;
  switch (reader.read(record, payload)) {
    case ReadResult::record:
      seen.torn += is_whole(record, payload, reader.payload_bytes_max()) ? 0U : 1U;
      seen.lost += record.lost;
      seen.first_sequence = seen.records == 0 ? record.sequence : seen.first_sequence;
      seen.last_sequence = record.sequence;
      ++seen.records;
      return true;
    case ReadResult::nothing_new:
      return false;
    case ReadResult::overtaken:
      ++seen.overtaken;
      reader.skip_to_newest();
      return true;
    case ReadResult::damaged:
      ++seen.damaged;
      reader.skip_to_newest();
      return true;
  }
  return false;
}

}  // namespace eradio::test
