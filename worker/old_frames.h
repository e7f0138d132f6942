// What the ring still has of frames that are too old for the frame store: for a worker that goes on
// with listeners who are in the middle of one. Reads the ring from a copy of a reader, so that it
// is made before the frame store's begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "shm/ring_reader.h"

namespace eradio {

class OldFrames {
 public:
  struct Frame {
    std::uint64_t stream_position = 0;
    std::size_t bytes = 0;
    std::int64_t time_ns = 0;
    RingReader reader;  // that reads it next
  };

  // Looks at all records from there on.
  explicit OldFrames(RingReader reader);

  // The frame that this position of the stream lies in; nullptr when the ring had it no more.
  [[nodiscard]] const Frame* find(std::uint64_t stream_position) const;
  // How many begin at `from` or behind it, and before `until`.
  [[nodiscard]] std::uint64_t count(std::uint64_t from, std::uint64_t until) const;
  // A copy of its bytes from the position on; nothing when they have been overwritten by now.
  [[nodiscard]] std::optional<std::vector<std::byte>> rest(const Frame& frame,
                                                           std::uint64_t stream_position) const;

 private:
  std::vector<Frame> frames_;  // in their order in the stream
};

}  // namespace eradio
