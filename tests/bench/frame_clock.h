// Makes the frames of a stream at its pace, each dated when it is made (test_frame.h). Used by the
// benchmarks' own servers, from their loop, and by the source client that feeds Icecast.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/descriptor.h"

namespace eradio::testing {

class FrameClock {
 public:
  // The first frame is due one interval from now.
  FrameClock(double frames_per_second, std::size_t frame_bytes);

  // Readable when a frame is due.
  [[nodiscard]] int descriptor() const noexcept { return timer_.number(); }
  // The frame that is due; valid until the next call.
  std::span<const std::byte> next_frame();

 private:
  void set_timer();

  Descriptor timer_;
  std::int64_t interval_ns_;
  std::int64_t next_ns_;
  std::uint64_t run_;
  std::uint64_t sequence_ = 0;
  std::vector<std::byte> frame_;
};

}  // namespace eradio::testing
