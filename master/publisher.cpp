#include "master/publisher.h"

#include <algorithm>

#include "common/check.h"
#include "common/clock.h"
#include "shm/ring_layout.h"

namespace eradio {
namespace {

RecordType record_type(FrameKind kind) {
  switch (kind) {
    case FrameKind::sync_point:
      break;
    case FrameKind::dependent:
      return RecordType::dependent;
    case FrameKind::header:
      return RecordType::header;
  }
  return RecordType::sync_point;
}

}  // namespace

std::size_t Publisher::ring_bytes_min(std::size_t frame_bytes_max) {
  const std::size_t payload = std::max(frame_bytes_max, stream_metadata_bytes_max);
  return round_up_to_page(4 * (payload + 2 * ring_record_align));
}

Publisher::Publisher(std::size_t ring_bytes, std::size_t frame_bytes_max, std::size_t workers)
    : segment_(ring_bytes, frame_bytes_max) {
  ERADIO_CHECK(segment_.ring().payload_bytes_max() >=
               std::max(frame_bytes_max, stream_metadata_bytes_max));
  make_wakeups(workers);
}

void Publisher::make_wakeups(std::size_t slots) {
  const std::size_t before = wakeups_.size();
  try {
    while (wakeups_.size() < slots) {
      wakeups_.push_back(make_wakeup());
    }
  } catch (...) {
    drop_wakeups_from(before);
    throw;
  }
}

void Publisher::drop_wakeups_from(std::size_t slot) {
  while (wakeups_.size() > slot) {
    wakeups_.pop_back();
  }
}

Publisher::Publisher(const SavedStream& saved)
    : segment_(take_descriptor(saved.descriptor, "the stream")) {
  for (const int wakeup : saved.wakeup_descriptors) {
    wakeups_.push_back(take_descriptor(wakeup, "a worker's wake-up"));
  }
}

SavedStream Publisher::save() const {
  SavedStream saved{.descriptor = segment_.descriptor(), .wakeup_descriptors = {}};
  for (const Descriptor& wakeup : wakeups_) {
    saved.wakeup_descriptors.push_back(wakeup.number());
  }
  return saved;
}

void Publisher::frame(FrameKind kind, std::span<const std::byte> frame) {
  if (kind == FrameKind::header) {
    const RingWriter& ring = segment_.ring();
    segment_.header().write(ring.sequence() + 1, ring.stream_position(), frame);  // first
  }
  segment_.ring().publish(record_type(kind), monotonic_ns(), frame);
  unannounced_ = true;
}

void Publisher::metadata(const StreamMetadata& metadata) {
  segment_.state().write(segment_.ring().sequence() + 1, metadata);  // before the record
  segment_.ring().publish(RecordType::metadata, monotonic_ns(), encode_stream_metadata(metadata));
  unannounced_ = true;
}

RingStatus Publisher::ring_status() const {
  const RingWriter& ring = segment_.ring();
  return {.size_bytes = ring.data_bytes(),
          .used_bytes = ring.used_bytes(),
          .records = ring.sequence(),
          .stream_position = ring.stream_position(),
          .held_ns = ring.held_ns()};
}

void Publisher::flush() {
  if (unannounced_) {
    unannounced_ = false;
    for (const Descriptor& wakeup : wakeups_) {
      wake(wakeup.number());
    }
  }
}

}  // namespace eradio
