#include "shm/now_playing.h"

#include <algorithm>
#include <array>
#include <string>

#include "common/byte_order.h"

namespace eradio {
namespace {

void append_name(std::vector<std::byte>& bytes, const std::string& name) {
  const std::size_t length = std::min(name.size(), source_name_bytes_max);
  std::array<std::byte, sizeof(std::uint16_t)> prefix{};
  write_big_endian(static_cast<std::uint16_t>(length), prefix);
  bytes.insert(bytes.end(), prefix.begin(), prefix.end());
  const auto text = std::as_bytes(std::span(name)).first(length);
  bytes.insert(bytes.end(), text.begin(), text.end());
}

}  // namespace

std::vector<std::byte> encode_now_playing(const NowPlaying& now_playing) {
  std::vector<std::byte> bytes{now_playing.playing ? std::byte{1} : std::byte{0}};
  if (now_playing.playing && now_playing.track) {
    append_name(bytes, now_playing.track->uri);
    append_name(bytes, now_playing.track->name);
  }
  return bytes;
}

std::optional<NowPlaying> decode_now_playing(std::span<const std::byte> bytes) {
  if (bytes.empty() || std::to_integer<int>(bytes.front()) > 1) {
    return std::nullopt;
  }
  NowPlaying now_playing{.playing = bytes.front() == std::byte{1}, .track = std::nullopt};
  bytes = bytes.subspan(1);
  if (bytes.empty()) {
    return now_playing;
  }
  auto track = decode_track_name(bytes);
  if (!track || !now_playing.playing) {
    return std::nullopt;
  }
  now_playing.track = std::move(track);
  return now_playing;
}

}  // namespace eradio
