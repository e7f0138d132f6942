// What is told about the stream: what is playing, how many listen, how many want the next track. It
// travels through the ring between the frames, and lies in the stream state for whoever comes
// later: written by the master, read by workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "shm/now_playing.h"

namespace eradio {

struct StreamMetadata {
  NowPlaying now_playing;
  std::uint64_t track_number = 0;  // of tracks begun so far: tells the same track again from itself
  std::uint64_t listeners = 0;     // different ids that have the stream, over all workers
  std::uint64_t vetoes = 0;        // of these, against the track
  bool operator==(const StreamMetadata&) const = default;
};

// The three numbers, big-endian, then encode_now_playing().
constexpr std::size_t stream_metadata_bytes_max = 3 * sizeof(std::uint64_t) + now_playing_bytes_max;

std::vector<std::byte> encode_stream_metadata(const StreamMetadata& metadata);
// Nothing when the bytes are not of this form.
std::optional<StreamMetadata> decode_stream_metadata(std::span<const std::byte> bytes);

}  // namespace eradio
