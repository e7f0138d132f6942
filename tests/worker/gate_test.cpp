#include "worker/gate.h"

#include <gtest/gtest.h>

#include "common/clock.h"
#include "worker/bitrate.h"

namespace eradio {
namespace {

constexpr GateLimits limits{.queue_bytes_max = 8000, .lag_ns_max = 250 * ns_per_ms};

TEST(Gate, IsOpenUpToTheLimit) {
  EXPECT_EQ(decide(limits, {.queued_bytes = 0}), GateDecision::send);
  EXPECT_EQ(decide(limits, {.queued_bytes = 8000}), GateDecision::send);
  EXPECT_EQ(decide(limits, {.queued_bytes = 8000, .queued_exactly = true}), GateDecision::send);
}

TEST(Gate, AsksTheKernelBeforeItShutsOnABound) {
  EXPECT_EQ(decide(limits, {.queued_bytes = 8001}), GateDecision::look);
  EXPECT_EQ(decide(limits, {.queued_bytes = UINT64_MAX}), GateDecision::look);
}

TEST(Gate, IsShutWhileTheKernelsQueueHasNotDrained) {
  EXPECT_EQ(decide(limits, {.queued_bytes = 8001, .queued_exactly = true}), GateDecision::wait);
}

TEST(Gate, SkipsWhenTheNextFrameIsTooOldWhateverTheQueue) {
  for (const std::uint64_t queued : {0U, 8000U, 9000U}) {
    const GateView in_time{.queued_bytes = queued, .lag_ns = limits.lag_ns_max};
    GateView late = in_time;
    late.lag_ns += 1;
    EXPECT_NE(decide(limits, in_time), GateDecision::skip);
    EXPECT_EQ(decide(limits, late), GateDecision::skip);
  }
}

TEST(Gate, WithNoLagAllowedLetsTheNewestFrameThroughAndNoOther) {
  constexpr GateLimits strict{.queue_bytes_max = 8000, .lag_ns_max = 0};
  EXPECT_EQ(decide(strict, {.lag_ns = 1, .at_newest = true}), GateDecision::send);
  EXPECT_EQ(decide(strict, {.lag_ns = 1, .at_newest = false}), GateDecision::skip);
  EXPECT_EQ(decide(strict, {.lag_ns = newest_age_ns_min + 1, .at_newest = true}),
            GateDecision::skip);
}

TEST(Gate, LetsABegunFrameBeFinishedHoweverOldItIsAndHoweverFullTheQueue) {
  EXPECT_EQ(decide(limits, {.queued_bytes = 1'000'000,
                            .queued_exactly = true,
                            .lag_ns = 60 * ns_per_second,
                            .frame_begun = true}),
            GateDecision::send);
}

TEST(BitrateMeter, MeasuresTheMeanOfTheLastSeconds) {
  BitrateMeter meter;
  EXPECT_EQ(meter.bytes_per_second(), std::nullopt);
  std::int64_t time = ns_per_second;
  const auto play = [&](int frames, std::size_t bytes) {
    for (int i = 0; i < frames; ++i) {
      meter.add(bytes, time += 25 * ns_per_ms);
    }
  };
  play(200, 400);
  EXPECT_NEAR(static_cast<double>(meter.bytes_per_second().value()), 16000, 100);
  time += 3600 * ns_per_second;  // a pause does not count
  play(200, 400);
  EXPECT_NEAR(static_cast<double>(meter.bytes_per_second().value()), 16000, 5000);
  play(400, 100'000);
  EXPECT_NEAR(static_cast<double>(meter.bytes_per_second().value()), 4'000'000, 40'000);
}

TEST(AutomaticQueue, IsHalfASecondOfTheStream) {
  EXPECT_EQ(automatic_queue_bytes(std::nullopt), 8000U);
  EXPECT_EQ(automatic_queue_bytes(16'000), 8000U);
  EXPECT_EQ(automatic_queue_bytes(2'500'000), 1'250'000U);
  EXPECT_EQ(automatic_queue_bytes(10), 1000U);
}

}  // namespace
}  // namespace eradio
