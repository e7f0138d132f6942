// The one shared memory that carries the stream from master to workers: stream state, stream
// header, ring. The master makes it and writes; workers attach through a read-only descriptor.
#pragma once

#include <cstddef>

#include <boost/interprocess/mapped_region.hpp>

#include "common/descriptor.h"
#include "shm/memory_file.h"
#include "shm/ring_reader.h"
#include "shm/ring_writer.h"
#include "shm/stream_header.h"
#include "shm/stream_state.h"

namespace eradio {

class StreamSegmentWriter {
 public:
  // `ring_bytes`: of data in the ring; rounded up to pages. `header_bytes_max`: of a stream header.
  StreamSegmentWriter(std::size_t ring_bytes, std::size_t header_bytes_max);
  // Goes on with one whose writer has gone. Throws std::runtime_error if it is of another layout or
  // damaged.
  explicit StreamSegmentWriter(Descriptor descriptor);

  [[nodiscard]] int descriptor() const noexcept { return file_.descriptor(); }
  [[nodiscard]] Descriptor reopen_read_only() const { return file_.reopen_read_only(); }
  [[nodiscard]] RingWriter& ring() noexcept { return ring_; }
  [[nodiscard]] const RingWriter& ring() const noexcept { return ring_; }
  [[nodiscard]] StreamStateWriter& state() noexcept { return state_; }
  [[nodiscard]] StreamHeaderWriter& header() noexcept { return header_; }

 private:
  [[nodiscard]] std::size_t header_bytes() const;  // of its memory

  MemoryFile file_;
  boost::interprocess::mapped_region region_;
  StreamStateWriter state_;
  StreamHeaderWriter header_;
  RingWriter ring_;
};

class StreamSegmentReader {
 public:
  // The descriptor may be one that cannot be written. Throws std::runtime_error if it is of another
  // layout or damaged.
  explicit StreamSegmentReader(Descriptor descriptor);

  [[nodiscard]] RingReader& ring() noexcept { return ring_; }
  [[nodiscard]] const StreamStateReader& state() const noexcept { return state_; }
  [[nodiscard]] const StreamHeaderReader& header() const noexcept { return header_; }

 private:
  MemoryFile file_;
  boost::interprocess::mapped_region region_;
  StreamStateReader state_;
  StreamHeaderReader header_;
  RingReader ring_;
};

}  // namespace eradio
