#include "worker/old_frames.h"

#include <algorithm>

namespace eradio {

OldFrames::OldFrames(RingReader reader) {
  std::vector<std::byte> payload(reader.payload_bytes_max());
  for (;;) {
    const RingReader before = reader;
    Record record;
    if (reader.read(record, payload) != ReadResult::record) {
      return;  // that was the newest, or the master is faster: what there is will do
    }
    if (is_frame(record.type) && record.payload_bytes > 0) {
      frames_.push_back({.stream_position = record.stream_position,
                         .bytes = record.payload_bytes,
                         .time_ns = record.time_ns,
                         .reader = before});
    }
  }
}

const OldFrames::Frame* OldFrames::find(std::uint64_t stream_position) const {
  const auto behind = std::upper_bound(
      frames_.begin(), frames_.end(), stream_position,
      [](std::uint64_t position, const Frame& frame) { return position < frame.stream_position; });
  if (behind == frames_.begin()) {
    return nullptr;
  }
  const Frame& frame = *(behind - 1);
  return stream_position < frame.stream_position + frame.bytes ? &frame : nullptr;
}

std::uint64_t OldFrames::count(std::uint64_t from, std::uint64_t until) const {
  const auto first_from = [&](std::uint64_t stream_position) {
    return std::lower_bound(frames_.begin(), frames_.end(), stream_position,
                            [](const Frame& frame, std::uint64_t position) {
                              return frame.stream_position < position;
                            });
  };
  return from < until ? static_cast<std::uint64_t>(first_from(until) - first_from(from)) : 0;
}

std::optional<std::vector<std::byte>> OldFrames::rest(const Frame& frame,
                                                      std::uint64_t stream_position) const {
  RingReader reader = frame.reader;
  std::vector<std::byte> payload(reader.payload_bytes_max());
  Record record;
  if (reader.read(record, payload) != ReadResult::record ||
      record.stream_position != frame.stream_position || record.payload_bytes != frame.bytes) {
    return std::nullopt;
  }
  const auto begin =
      payload.begin() + static_cast<std::ptrdiff_t>(stream_position - frame.stream_position);
  return std::vector<std::byte>(begin, payload.begin() + static_cast<std::ptrdiff_t>(frame.bytes));
}

}  // namespace eradio
