#include "tests/support/stream_check.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace eradio::testing {
namespace {

std::vector<std::byte> frames(std::uint64_t first, std::uint64_t count) {
  constexpr std::size_t frame_bytes = 100;
  std::vector<std::byte> bytes(count * frame_bytes);
  for (std::uint64_t i = 0; i < count; ++i) {
    make_test_frame(std::span(bytes).subspan(i * frame_bytes, frame_bytes), 1, first + i, 0);
  }
  return bytes;
}

// In pieces of `step` bytes.
void feed(StreamCheck& check, std::span<const std::byte> bytes, std::size_t step) {
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(step, bytes.size()));
    check.feed(piece, 0);
    bytes = bytes.subspan(piece.size());
  }
}

TEST(StreamCheck, FindsTheFirstWholeFrameOfAStreamThatBeginsAnywhere) {
  const auto bytes = frames(7, 5);
  for (const std::size_t dropped : {0U, 1U, 39U, 99U, 100U, 101U}) {
    for (const std::size_t step : {1U, 30U, 140U, 500U}) {
      StreamCheck check(nullptr, StreamCheck::Begin::anywhere);
      feed(check, std::span(bytes).subspan(dropped), step);
      EXPECT_EQ(check.fault(), "");
      EXPECT_EQ(check.first().sequence, 7 + (dropped + 99) / 100) << dropped << ", " << step;
      EXPECT_EQ(check.last().sequence, 11U);
      EXPECT_EQ(check.unfinished_bytes(), 0U);
    }
  }
}

TEST(StreamCheck, FindsFaultWithAStreamThatShouldBeginAtAFrame) {
  StreamCheck check;
  feed(check, std::span<const std::byte>(frames(1, 3)).subspan(1), 1000);
  EXPECT_NE(check.fault(), "");
}

TEST(StreamCheck, KnowsTheLongestPauseSinceItWasAskedToLookForIt) {
  StreamCheck check;
  check.begin_pauses(50);
  check.feed(frames(1, 1), 100);
  check.feed(frames(2, 2), 400);
  check.feed(frames(4, 1), 500);
  EXPECT_EQ(check.longest_pause_ns(500), 300);
  check.begin_pauses(510);
  check.feed(frames(5, 1), 530);
  check.feed(frames(6, 1), 550);
  EXPECT_EQ(check.longest_pause_ns(555), 30) << "it went on when it was asked: from 500 to 530";
  EXPECT_EQ(check.longest_pause_ns(600), 50) << "the one that goes on is the longest";
}

TEST(StreamCheck, KnowsOfNoPauseBeforeTheFirstFrameUnlessItWasAskedToLookForIt) {
  StreamCheck check;
  EXPECT_EQ(check.longest_pause_ns(1'000), 0);
  check.feed(frames(1, 1), 5'000);
  EXPECT_EQ(check.longest_pause_ns(5'020), 20);
}

TEST(StreamCheck, TakesAPauseWithoutAFrameForOneThatGoesOn) {
  StreamCheck check;
  check.begin_pauses(1'000);
  EXPECT_EQ(check.longest_pause_ns(1'700), 700);
  check.feed(std::span<const std::byte>(frames(1, 1)).first(99), 1'800);
  EXPECT_EQ(check.longest_pause_ns(1'900), 900) << "half a frame is nothing to hear";
  check.feed(std::span<const std::byte>(frames(1, 1)).subspan(99), 2'000);
  check.begin_pauses(2'500);
  EXPECT_EQ(check.longest_pause_ns(4'000), 2'000) << "its last frame came before the mark";
}

TEST(AgeHistogram, TellsAgesAboveFiveSecondsToTheHundredthOfASecond) {
  AgeHistogram ages;
  for (const std::int64_t age_ms : {20, 4'999, 12'345, 64'000}) {
    ages.add(age_ms * 1'000'000);
  }
  EXPECT_NEAR(ages.quantile_ms(0), 20, 0.11);
  EXPECT_NEAR(ages.quantile_ms(0.3), 4'999, 0.11);
  EXPECT_NEAR(ages.quantile_ms(0.6), 12'345, 10);
  EXPECT_EQ(ages.quantile_ms(0.99), 64'000);
}

}  // namespace
}  // namespace eradio::testing
