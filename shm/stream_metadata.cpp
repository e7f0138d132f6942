#include "shm/stream_metadata.h"

#include <array>

#include "common/byte_order.h"

namespace eradio {
namespace {

constexpr std::size_t count_bytes = sizeof(std::uint64_t);

void append_count(std::vector<std::byte>& bytes, std::uint64_t count) {
  std::array<std::byte, count_bytes> encoded{};
  write_big_endian(count, encoded);
  bytes.insert(bytes.end(), encoded.begin(), encoded.end());
}

}  // namespace

std::vector<std::byte> encode_stream_metadata(const StreamMetadata& metadata) {
  std::vector<std::byte> bytes;
  append_count(bytes, metadata.track_number);
  append_count(bytes, metadata.listeners);
  append_count(bytes, metadata.vetoes);
  const auto now_playing = encode_now_playing(metadata.now_playing);
  bytes.insert(bytes.end(), now_playing.begin(), now_playing.end());
  return bytes;
}

std::optional<StreamMetadata> decode_stream_metadata(std::span<const std::byte> bytes) {
  if (bytes.size() < 3 * count_bytes) {
    return std::nullopt;
  }
  const auto number = [&](std::size_t place) {
    return read_big_endian<std::uint64_t>(bytes.subspan(place * count_bytes, count_bytes));
  };
  auto now_playing = decode_now_playing(bytes.subspan(3 * count_bytes));
  if (!now_playing) {
    return std::nullopt;
  }
  return StreamMetadata{.now_playing = std::move(*now_playing),
                        .track_number = number(0),
                        .listeners = number(1),
                        .vetoes = number(2)};
}

}  // namespace eradio
