// How the ring lies in memory: structs only, no logic. One writer (master), any number of readers
// (workers) that it does not know of and never waits for. The protocol and why it is right are in
// docs/ring.md.
//
//   RingHeader │ data: data_bytes bytes, used over and over
//
// A position counts the bytes ever written; position % data_bytes is the place in data. A record
// begins at a multiple of ring_record_align and never wraps: a padding record fills up the end.
//
//   ┌─────────────────┬──────────┬─────────┬──────────┬─────────────────┬────┬─────────────────┬────┐
//   │ length and type │ sequence │ time_ns │ position │ stream position │    │ payload, length │ │
//   │ 8 bytes         │ 8        │ 8       │ 8        │ 8               │ 24 │ bytes, to a multiple
//   │ │                 │          │         │          │                 │    │ of 64 │
//   └─────────────────┴──────────┴─────────┴──────────┴─────────────────┴────┴──────────────────────┘
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace eradio {

constexpr std::uint64_t ring_magic = 0x676e697264617265;  // "eradring" in memory
constexpr std::uint32_t ring_layout_version = 4;
constexpr std::size_t ring_record_align = 64;  // also the size of a record's header
constexpr std::size_t ring_marks = 16;

enum class RecordType : std::uint32_t {
  padding = 1,  // nothing; the next record is at the start of data
  // Frames for broadcast: common/frame_kind.h.
  sync_point = 2,
  metadata = 3,  // shm/stream_metadata.h: holds from here on
  dependent = 4,
  header = 5,  // may be empty: the frames behind it need none
};

struct RingHeader {
  // Written by the master before any worker starts, never again.
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t record_align;
  std::uint64_t data_bytes;
  std::uint64_t payload_bytes_max;

  // Written by the master only. Workers load with acquire.
  // Everything before intent - data_bytes is, or is about to be, overwritten.
  alignas(64) std::atomic<std::uint64_t> intent;
  // Everything before it is complete: where the next record will begin.
  alignas(64) std::atomic<std::uint64_t> tail;
  // Where a complete record begins that is the newest or the one before it; 0 in an empty ring.
  std::atomic<std::uint64_t> newest;
  // Where complete records begin: the first of each sixteenth of the data. For who wants to begin
  // with what is old.
  alignas(64) std::atomic<std::uint64_t> marks[ring_marks];
};
static_assert(sizeof(RingHeader) == 320);

// The words at the front of each record.
struct RecordHeader {
  std::uint64_t length_and_type;  // low half: bytes of payload; high half: RecordType
  std::uint64_t sequence;         // 1 for the first record, then one more each; 0 for padding
  std::uint64_t time_ns;          // CLOCK_MONOTONIC when it was published
  std::uint64_t position;         // of this header: a reader that went astray notices
  std::uint64_t stream_position;  // bytes of frames that were published before this record
  std::uint64_t reserved[3];
};
static_assert(sizeof(RecordHeader) == ring_record_align);

// Whose payload is a part of the stream.
constexpr bool is_frame(RecordType type) noexcept {
  return type == RecordType::sync_point || type == RecordType::dependent ||
         type == RecordType::header;
}

constexpr std::size_t ring_record_bytes(std::size_t payload_bytes) noexcept {
  return (sizeof(RecordHeader) + payload_bytes + ring_record_align - 1) / ring_record_align *
         ring_record_align;
}

// The longest payload a ring takes: so short that the newest record and the one before it are there
// together with the padding between them.
constexpr std::size_t ring_payload_bytes_max(std::size_t data_bytes) noexcept {
  return data_bytes / 4 - 2 * ring_record_align;
}

}  // namespace eradio
