#include "sources/play/play_order.h"

#include <set>

#include <gtest/gtest.h>

namespace eradio {
namespace {

TEST(PlayOrder, EndsAtTheListsEndsWithoutLoop) {
  const PlayOrder order(3, {});
  EXPECT_EQ(order.track_at(0), 0U);
  EXPECT_EQ(order.track_at(2), 2U);
  EXPECT_FALSE(order.track_at(3));
  EXPECT_FALSE(order.track_at(-1));
}

TEST(PlayOrder, GoesRoundInBothDirectionsWithLoop) {
  const PlayOrder order(3, {.loop = true});
  EXPECT_EQ(order.track_at(4), 1U);
  EXPECT_EQ(order.track_at(-1), 2U);
  EXPECT_EQ(order.track_at(-4), 2U);
}

TEST(PlayOrder, ShufflesEachRoundAnewWithEveryTrackOnce) {
  const PlayOrder order(20, {.loop = true, .shuffle = true, .seed = 7});
  std::set<std::vector<std::size_t>> rounds;
  for (std::int64_t round = -2; round < 3; ++round) {
    std::vector<std::size_t> tracks;
    for (std::int64_t i = 0; i < 20; ++i) {
      tracks.push_back(*order.track_at(round * 20 + i));
    }
    EXPECT_EQ(std::set<std::size_t>(tracks.begin(), tracks.end()).size(), 20U);
    rounds.insert(tracks);
  }
  EXPECT_EQ(rounds.size(), 5U);
}

TEST(PlayOrder, DoesNotPlayATrackTwiceInARow) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const PlayOrder order(3, {.loop = true, .shuffle = true, .seed = seed});
    for (std::int64_t position = -30; position < 30; ++position) {
      EXPECT_NE(order.track_at(position), order.track_at(position + 1));
    }
  }
}

TEST(PlayOrder, HasNothingInAnEmptyList) {
  EXPECT_FALSE(PlayOrder(0, {.loop = true, .shuffle = true}).track_at(0));
}

}  // namespace
}  // namespace eradio
