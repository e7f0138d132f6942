#include "master/playback_state.h"

#include <gtest/gtest.h>

namespace eradio {
namespace {

const TrackName track{.uri = "u", .name = "n"};

TEST(PlaybackState, PublishesEachStartAndOtherwiseChangesOnly) {
  PlaybackState state;
  EXPECT_EQ(state.on_stopped(), std::nullopt);
  EXPECT_EQ(state.on_started(track), (NowPlaying{.playing = true, .track = track}));
  EXPECT_EQ(state.on_started(track), (NowPlaying{.playing = true, .track = track}));
  EXPECT_EQ(state.on_data(), std::nullopt);
  EXPECT_EQ(state.on_stopped(), NowPlaying{});
}

TEST(PlaybackState, ASourceThatOnlySendsDataPlaysSomethingUnknown) {
  PlaybackState state;
  EXPECT_EQ(state.on_data(), (NowPlaying{.playing = true, .track = std::nullopt}));
  EXPECT_EQ(state.on_data(), std::nullopt);
  EXPECT_TRUE(state.was_playing());
}

TEST(PlaybackState, DataAfterAStopDoesNotStartAnything) {
  PlaybackState state;
  state.on_started(track);
  state.on_stopped();
  EXPECT_EQ(state.on_data(), std::nullopt);
  EXPECT_FALSE(state.was_playing());
}

TEST(PlaybackState, WhenTheSourceDiesNothingPlaysButTheNextOneIsToGoOn) {
  PlaybackState state;
  state.on_started(track);
  EXPECT_EQ(state.on_source_exit(), NowPlaying{});
  EXPECT_TRUE(state.was_playing());
  EXPECT_EQ(state.on_started(track), (NowPlaying{.playing = true, .track = track}));
}

TEST(PlaybackState, ASourceThatDiesAgainBeforeItSaysAnythingChangesNothing) {
  PlaybackState state;
  state.on_started(track);
  state.on_source_exit();
  EXPECT_EQ(state.on_source_exit(), std::nullopt);
  EXPECT_TRUE(state.was_playing());
}

TEST(PlaybackState, ASourceThatWasStoppedWhenItDiedIsNotToldToPlay) {
  PlaybackState state;
  state.on_started(track);
  state.on_stopped();
  state.on_source_exit();
  EXPECT_FALSE(state.was_playing());
}

}  // namespace
}  // namespace eradio
