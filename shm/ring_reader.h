// A worker's end of the ring: copies records out, and says when the writer was faster. Reads memory
// that may be mapped read-only, and believes nothing in it that it has not checked.
//
// Invariants: (1) a record that read() hands out is whole; (2) sequences handed out only grow, and
// `lost` says how many are missing between two; (3) no call waits or loops for the writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "shm/ring_layout.h"

namespace eradio {

struct Record {
  RecordType type{};
  std::uint64_t sequence = 0;
  std::int64_t time_ns = 0;  // CLOCK_MONOTONIC when it was published
  std::size_t payload_bytes = 0;
  std::uint64_t lost = 0;  // records between the one handed out before and this one
  // Bytes of frames that were published before it: of a frame, where it lies in the stream.
  std::uint64_t stream_position = 0;
};

enum class ReadResult {
  record,       // there is one
  nothing_new,  // the reader has had everything
  overtaken,    // what was to be read is overwritten: skip_to_newest(), then read again
  damaged,      // not overtaken and yet not a record: the memory cannot be trusted
};

class RingReader {
 public:
  // `memory` is borrowed, and holds a ring from its first byte. The reader stands at its oldest
  // record or has been overtaken; skip_to_newest() is where a listener wants to begin. Throws
  // std::runtime_error that says both versions when the layout is another one.
  explicit RingReader(std::span<const std::byte> memory);

  // Copies the next record into `record` and its payload to the front of `payload`; what lies there
  // is valid only after ReadResult::record. A record that `payload` cannot hold is damaged: the
  // reader knows the longest that the writer may make.
  [[nodiscard]] ReadResult read(Record& record, std::span<std::byte> payload);

  // Goes to one of the oldest records that will not be overwritten at once; never back.
  void skip_to_old() noexcept;
  // Goes to the newest record, or the one before it; never back.
  void skip_to_newest() noexcept;

  [[nodiscard]] std::size_t payload_bytes_max() const noexcept { return payload_bytes_max_; }

 private:
  [[nodiscard]] bool overtaken() const noexcept;

  const RingHeader* header_;
  std::span<const std::uint64_t> data_;
  // Copies of what the header says, checked once: it is not believed again.
  std::size_t data_bytes_ = 0;
  std::size_t payload_bytes_max_ = 0;
  std::uint64_t position_ = 0;       // of the next record to read
  std::uint64_t next_sequence_ = 0;  // the one it should have; 0 before the first
};

}  // namespace eradio
