#include "master/frame_age_totals.h"

#include <gtest/gtest.h>

#include "common/clock.h"

namespace eradio {
namespace {

TEST(FrameAgeTotals, OfNoFramesHaveNoQuantilesAndNoMean) {
  EXPECT_EQ(FrameAgeTotals{}.quantile_ms(0.5), std::nullopt);
  EXPECT_EQ(FrameAgeTotals{}.mean_ms(), std::nullopt);
}

TEST(FrameAgeTotals, AreWhatWorkersHaveCounted) {
  FrameAges ages;
  ages.add(ns_per_ms);
  ages.add(30 * ns_per_ms);
  ages.add(9000 * ns_per_ms);
  const FrameAgeTotals totals = frame_age_totals(ages);
  EXPECT_EQ(totals.count(), 3U);
  EXPECT_EQ(totals.frames.front(), 1U);
  EXPECT_EQ(totals.frames.back(), 1U);
  EXPECT_EQ(totals.mean_ms(), 9031.0 / 3);
}

TEST(FrameAgeTotals, SpreadFramesEvenlyWithinAClass) {
  FrameAgeTotals totals;
  totals.frames[4] = 100;  // over 10 ms, up to 25 ms
  EXPECT_DOUBLE_EQ(totals.quantile_ms(0).value_or(-1), 10);
  EXPECT_DOUBLE_EQ(totals.quantile_ms(0.5).value_or(-1), 17.5);
  EXPECT_DOUBLE_EQ(totals.quantile_ms(1).value_or(-1), 25);
  totals.frames[7] = 100;  // over 100 ms, up to 150 ms
  EXPECT_DOUBLE_EQ(totals.quantile_ms(0.5).value_or(-1), 25);
  EXPECT_DOUBLE_EQ(totals.quantile_ms(0.75).value_or(-1), 125);
}

TEST(FrameAgeTotals, SayTheLowerBoundWhereThereIsNoUpperOne) {
  FrameAgeTotals totals;
  totals.frames.back() = 1;
  EXPECT_DOUBLE_EQ(totals.quantile_ms(0.5).value_or(-1), 2500);
}

TEST(FrameAgeTotals, AddUpClassByClass) {
  FrameAgeTotals sum{.frames = {1, 2}, .sum_ns = 5};
  sum += {.frames = {10, 0, 3}, .sum_ns = 50};
  EXPECT_EQ(sum, (FrameAgeTotals{.frames = {11, 2, 3}, .sum_ns = 55}));
}

}  // namespace
}  // namespace eradio
