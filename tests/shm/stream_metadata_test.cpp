#include "shm/stream_metadata.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace eradio {
namespace {

TEST(StreamMetadata, ComesBackAsItWentIn) {
  for (const StreamMetadata& metadata :
       {StreamMetadata{},
        StreamMetadata{.now_playing = {.playing = true, .track = std::nullopt},
        .track_number = 7,
        .listeners = 1},
        StreamMetadata{
            .now_playing = {.playing = true, .track = TrackName{.uri = "u", .name = "ä"}},
           .listeners = UINT64_MAX,
           .vetoes = 0x0102030405060708},
        StreamMetadata{
            .now_playing = {.playing = true,
                           .track = TrackName{.uri = std::string(source_name_bytes_max, 'u'),
                                    .name = std::string(source_name_bytes_max, 'n')}}}}) {
    const auto bytes = encode_stream_metadata(metadata);
    EXPECT_LE(bytes.size(), stream_metadata_bytes_max);
    EXPECT_EQ(decode_stream_metadata(bytes), metadata);
  }
}

TEST(StreamMetadata, CutAnywhereItIsNotUnderstood) {
  const auto bytes = encode_stream_metadata(
      {.now_playing = {.playing = true, .track = TrackName{.uri = "u", .name = "n"}}});
  constexpr std::size_t without_track = 3 * sizeof(std::uint64_t) + 1;
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    if (length != without_track) {
      EXPECT_EQ(decode_stream_metadata(std::span(bytes).first(length)), std::nullopt) << length;
    }
  }
}

}  // namespace
}  // namespace eradio
