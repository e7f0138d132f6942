// The master's end of the ring: publishes records and never waits for a reader.
//
// Invariants: (1) intent ≥ tail ≥ newest, and none of them ever goes back; (2) sequences of records
// follow on one another without a gap; (3) whatever instruction the writer is killed at, readers
// see whole records only, and attach() goes on behind the last one that was complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "shm/ring_layout.h"

namespace eradio {

class RingWriter {
 public:
  // Bytes that a ring takes whose data is at least `data_bytes_wanted` long.
  static std::size_t memory_bytes(std::size_t data_bytes_wanted) noexcept;

  // Makes an empty ring in `memory` (zeroed, aligned to 64 bytes, of memory_bytes(n); borrowed).
  static RingWriter create(std::span<std::byte> memory);
  // Goes on with a ring whose writer has gone. Throws std::runtime_error if it is not a ring of
  // this layout version, or damaged.
  static RingWriter attach(std::span<std::byte> memory);

  // Publishes one record and returns its sequence. The payload must not be longer than
  // payload_bytes_max(): whoever takes bytes from outside checks that.
  std::uint64_t publish(RecordType type, std::int64_t time_ns, std::span<const std::byte> payload);

  [[nodiscard]] std::size_t payload_bytes_max() const noexcept;
  // The sequence of the record published last, 0 if there was none.
  [[nodiscard]] std::uint64_t sequence() const noexcept { return next_sequence_ - 1; }
  // Where in the stream the next frame will lie: bytes of frames published so far.
  [[nodiscard]] std::uint64_t stream_position() const noexcept { return stream_position_; }
  // Of all data, and of that which has been written so far.
  [[nodiscard]] std::uint64_t data_bytes() const noexcept;
  [[nodiscard]] std::uint64_t used_bytes() const noexcept;
  // From the oldest record that is there to the newest; up to a sixteenth of the ring less, since
  // not every record can be found.
  [[nodiscard]] std::int64_t held_ns() const noexcept;

 private:
  explicit RingWriter(std::span<std::byte> memory);
  [[nodiscard]] std::int64_t time_ns_at(std::uint64_t position) const noexcept;
  void write_record(std::uint64_t position, RecordType type, std::uint64_t sequence,
                    std::int64_t time_ns, std::size_t length, std::span<const std::byte> payload);

  RingHeader* header_;
  std::span<std::uint64_t> data_;
  std::uint64_t intent_ = 0;
  std::uint64_t tail_ = 0;
  std::uint64_t next_sequence_ = 1;
  std::uint64_t stream_position_ = 0;
};

}  // namespace eradio
