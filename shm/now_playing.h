// What is playing, as it travels through the ring and lies in the stream state: written by the
// master, read by workers.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "common/source_frame_parser.h"

namespace eradio {

struct NowPlaying {
  bool playing = false;
  std::optional<TrackName> track;  // never without `playing`
  bool operator==(const NowPlaying&) const = default;
};

// One byte (1 playing, 0 stopped), then URI and name as in the source protocol, if known.
constexpr std::size_t now_playing_bytes_max = 1 + 2 * (2 + source_name_bytes_max);

std::vector<std::byte> encode_now_playing(const NowPlaying& now_playing);
// Nothing when the bytes are not of this form.
std::optional<NowPlaying> decode_now_playing(std::span<const std::byte> bytes);

}  // namespace eradio
