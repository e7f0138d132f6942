// Puts the stream into shared memory and wakes the workers: the only place that writes there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/descriptor.h"
#include "common/frame_kind.h"
#include "master/master_state.h"
#include "shm/stream_metadata.h"
#include "shm/stream_segment.h"

namespace eradio {

class Publisher {
 public:
  // `frame_bytes_max`: the longest that frame() will be given.
  Publisher(std::size_t ring_bytes, std::size_t frame_bytes_max, std::size_t workers);
  // Goes on where another master has stopped. Throws std::runtime_error.
  explicit Publisher(const SavedStream& saved);
  [[nodiscard]] SavedStream save() const;

  // Only a header may be empty.
  void frame(FrameKind kind, std::span<const std::byte> frame);
  // Holds for the frames that follow.
  void metadata(const StreamMetadata& metadata);
  // Wakes every worker once, if there is anything new.
  void flush();

  [[nodiscard]] RingStatus ring_status() const;
  [[nodiscard]] Descriptor reopen_read_only() const { return segment_.reopen_read_only(); }
  // For slots from now on, at least so many. Throws std::system_error; then there are as many as
  // before.
  void make_wakeups(std::size_t slots);
  // Of no more slots than these; nobody has the others.
  void drop_wakeups_from(std::size_t slot);
  [[nodiscard]] std::size_t wakeups() const noexcept { return wakeups_.size(); }
  // A worker's eventfd; borrowed. It stays the same for all generations of workers of a slot.
  [[nodiscard]] int wakeup(std::size_t slot) const { return wakeups_.at(slot).number(); }

  // What a ring must be able to take beside frames.
  static std::size_t ring_bytes_min(std::size_t frame_bytes_max);

 private:
  StreamSegmentWriter segment_;
  std::vector<Descriptor> wakeups_;
  bool unannounced_ = false;
};

}  // namespace eradio
