#include "shm/now_playing.h"

#include <gtest/gtest.h>

namespace eradio {
namespace {

std::optional<NowPlaying> there_and_back(const NowPlaying& now_playing) {
  return decode_now_playing(encode_now_playing(now_playing));
}

TEST(NowPlaying, ComesBackAsItWentIn) {
  for (const NowPlaying& now_playing :
       {NowPlaying{}, NowPlaying{.playing = true, .track = std::nullopt},
        NowPlaying{.playing = true, .track = TrackName{}},
        NowPlaying{.playing = true, .track = TrackName{.uri = "file:///ä", .name = "Ä – Ö"}},
        NowPlaying{.playing = true,
        .track = TrackName{.uri = std::string(source_name_bytes_max, 'u'),
                 .name = std::string(source_name_bytes_max, 'n')}}}) {
    EXPECT_EQ(there_and_back(now_playing), now_playing);
    EXPECT_LE(encode_now_playing(now_playing).size(), now_playing_bytes_max);
  }
}

TEST(NowPlaying, CutAnywhereItIsNotUnderstood) {
  const auto bytes = encode_now_playing(
      {.playing = true, .track = TrackName{.uri = "spotify:track:1", .name = "name"}});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    if (length != 1) {  // "playing, and what is not known" is complete
      EXPECT_EQ(decode_now_playing(std::span(bytes).first(length)), std::nullopt) << length;
    }
  }
  auto longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_EQ(decode_now_playing(longer), std::nullopt);
}

TEST(NowPlaying, ATrackWithoutPlayingIsNotUnderstood) {
  auto bytes = encode_now_playing({.playing = true, .track = TrackName{}});
  bytes.front() = std::byte{0};
  EXPECT_EQ(decode_now_playing(bytes), std::nullopt);
  bytes.front() = std::byte{2};
  EXPECT_EQ(decode_now_playing(bytes), std::nullopt);
}

}  // namespace
}  // namespace eradio
