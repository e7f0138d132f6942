#include "worker/gate.h"

#include <gtest/gtest.h>

#include "common/clock.h"
#include "worker/bitrate.h"

namespace eradio {
namespace {

constexpr std::int64_t ms = ns_per_ms;
constexpr std::uint64_t frame_bytes = 418;

// A listener's gate, and a clock.
class GateTest : public testing::Test {
 protected:
  GateDecision ask(GateView view = {}) {
    view.now_ns = now_ns;
    view.lag_ns_max = limits.lag_ns_max;
    view.frame_bytes = frame_bytes;
    return gate.decide(limits, pace, view);
  }
  void look(std::uint64_t queued_bytes, std::int64_t oldest_age_ns, NetworkPath path = {},
            bool caught_up = false) {
    KernelLook look{.now_ns = now_ns,
                    .queued_bytes = queued_bytes,
                    .acked_bytes = acked_bytes,
                    .oldest_age_ns = oldest_age_ns,
                    .frame_bytes = frame_bytes,
                    .caught_up = caught_up,
                    .path = std::nullopt};
    if (path.min_rtt_ns == 0) {
      path.min_rtt_ns = rtt_ns;
    }
    if (gate.needs_path(pace, look)) {
      look.path = path;
    }
    gate.looked(limits, pace, look);
  }
  GateDecision ask_after_look() { return ask({.looked = true}); }
  // Bytes are queued that are too old.
  void become_congested() {
    look(0, 0);
    look(6000, rtt_ns + queueing_ns_max(pace) + 1);
    ASSERT_TRUE(gate.congested());
  }

  GateLimits limits{.queue_bytes_max = 8000, .queue_follows_pace = false, .lag_ns_max = 250 * ms};
  StreamPace pace;
  Gate gate;
  std::int64_t now_ns = 1000 * ns_per_second;
  std::int64_t rtt_ns = 100 * ms;
  std::uint64_t acked_bytes = 1'000'000;
};

TEST_F(GateTest, KnowsNothingOfANewListenerAndLooks) {
  EXPECT_EQ(ask(), GateDecision::look);
  look(0, 0);
  EXPECT_EQ(ask_after_look(), GateDecision::send);
}

TEST_F(GateTest, OfAListenerWithNothingOldOnItsWayIsOpenWithoutALook) {
  look(0, 0);
  now_ns += rtt_ns + queueing_ns_max(pace);
  EXPECT_EQ(ask(), GateDecision::send);
  now_ns += 1;
  EXPECT_EQ(ask(), GateDecision::look) << "what was sent right after the look may be old by now";
}

TEST_F(GateTest, LooksTheSoonerTheOlderTheOldestByteIs) {
  look(800, 150 * ms);
  now_ns += rtt_ns + queueing_ns_max(pace) - 150 * ms;
  EXPECT_EQ(ask(), GateDecision::send);
  now_ns += 1;
  EXPECT_EQ(ask(), GateDecision::look);
}

TEST_F(GateTest, LooksBeforeMoreThanTheByteLimitCanBeQueued) {
  look(0, 0);
  gate.sent(8000);
  EXPECT_EQ(ask(), GateDecision::send);
  gate.sent(1);
  EXPECT_EQ(ask(), GateDecision::look);
  look(8001, 20 * ms);
  EXPECT_EQ(ask_after_look(), GateDecision::wait);
  look(7000, 20 * ms);
  EXPECT_EQ(ask_after_look(), GateDecision::send);
  EXPECT_EQ(gate.room(limits, pace, frame_bytes), 1000U);
}

TEST_F(GateTest, WithAnAutomaticLimitLetsALongRoundTripHaveMoreOnItsWay) {
  limits.queue_follows_pace = true;
  rtt_ns = 600 * ms;
  look(0, 0);
  look(8000 + 9600, 600 * ms);
  EXPECT_EQ(ask_after_look(), GateDecision::send);
  look(8000 + 9601, 600 * ms);
  EXPECT_EQ(ask_after_look(), GateDecision::wait);
}

TEST_F(GateTest, MeasuresAgeAgainstTheRoundTrip) {
  for (const std::int64_t rtt : {1 * ms, 20 * ms, 300 * ms, 1000 * ms}) {
    gate = Gate();
    rtt_ns = rtt;
    look(0, 0);
    look(3000, rtt + queueing_ns_max(pace));
    EXPECT_FALSE(gate.congested()) << rtt / ms;
    look(3000, rtt + queueing_ns_max(pace) + 1);
    EXPECT_TRUE(gate.congested()) << rtt / ms;
  }
}

TEST_F(GateTest, DoesNotTakeALostPacketForASlowLink) {
  look(0, 0);
  look(3000, 460 * ms, {.recovering = true});
  EXPECT_TRUE(gate.congested()) << "after two round trips and more it has to";
  gate = Gate();
  look(0, 0);
  look(3000, 450 * ms, {.recovering = true});
  EXPECT_FALSE(gate.congested());
}

TEST_F(GateTest, OfACongestedListenerLooksEachTimeAndHoldsToAWindow) {
  become_congested();
  EXPECT_EQ(ask(), GateDecision::look);
  EXPECT_EQ(ask_after_look(), GateDecision::wait) << "6000 bytes are on their way";
  // The stream's pace for a round trip and 30 ms, and a frame: 2498 bytes.
  look(2080, 200 * ms);
  EXPECT_EQ(ask_after_look(), GateDecision::send);
  EXPECT_EQ(gate.room(limits, pace, frame_bytes), 418U);
  look(2081, 200 * ms);
  EXPECT_EQ(ask_after_look(), GateDecision::wait);
}

TEST_F(GateTest, OfACongestedListenerLearnsWhatItTakes) {
  become_congested();
  for (int i = 0; i < 30; ++i) {  // a quarter of the stream
    now_ns += 100 * ms;
    acked_bytes += 400;
    look(2000, 300 * ms);
  }
  // 4000 bytes a second: 520 bytes and a frame.
  look(520, 300 * ms);
  EXPECT_EQ(ask_after_look(), GateDecision::send);
  look(521, 300 * ms);
  EXPECT_EQ(ask_after_look(), GateDecision::wait);
}

TEST_F(GateTest, GivesALossyLinkMoreForAWhile) {
  become_congested();
  look(2720, 200 * ms);
  EXPECT_EQ(ask_after_look(), GateDecision::wait);
  look(2720, 200 * ms, {.recovering = true});
  EXPECT_EQ(ask_after_look(), GateDecision::send) << "16 kB/s for 170 ms, and a frame";
  now_ns += lossy_ns - 1;
  look(2720, 200 * ms);
  EXPECT_EQ(ask_after_look(), GateDecision::send);
  now_ns += 1;
  look(2720, 200 * ms);
  EXPECT_EQ(ask_after_look(), GateDecision::wait);
}

TEST_F(GateTest, LetsOneFrameThroughWhenNothingIsOnItsWayHoweverLargeItIs) {
  become_congested();
  look(0, 0);
  EXPECT_EQ(ask_after_look(), GateDecision::send);
  EXPECT_EQ(gate.decide(limits, pace,
                        {.now_ns = now_ns,
                         .lag_ns_max = limits.lag_ns_max,
                         .frame_bytes = 1'000'000,
                         .looked = true}),
            GateDecision::send);
}

TEST_F(GateTest, CountsAsOnItsWayNeitherWhatIsLostNorWhatHasArrivedBehindIt) {
  become_congested();
  look(6000, 300 * ms, {.in_flight = 0.25});
  EXPECT_EQ(ask_after_look(), GateDecision::send);
  look(6000, 300 * ms, {.unsent_bytes = 4000, .in_flight = 0.25});
  EXPECT_EQ(ask_after_look(), GateDecision::wait) << "what was never sent is still to come";
}

TEST_F(GateTest, IsFreeAgainOnceTheListenerKeepsUp) {
  become_congested();
  for (int i = 0; i < 5; ++i) {
    now_ns += 100 * ms;
    acked_bytes += 1600;
    look(1000, 120 * ms, {}, true);
    EXPECT_TRUE(gate.congested()) << "too soon";
  }
  now_ns += 100 * ms;
  look(1000, 120 * ms, {}, true);
  EXPECT_FALSE(gate.congested());
}

TEST_F(GateTest, StaysCongestedWhileSomethingWaitsOrIsHeldBackOrIsOld) {
  become_congested();
  for (int i = 0; i < 40; ++i) {
    now_ns += 100 * ms;
    acked_bytes += 1600;
    if (i < 20) {
      look(1000, 120 * ms, {}, false);
    } else {
      look(1000, 300 * ms, {}, true);
    }
    EXPECT_TRUE(gate.congested());
  }
  for (int i = 0; i < 40; ++i) {
    now_ns += 100 * ms;
    acked_bytes += 1600;
    look(i % 5 == 0 ? 6000 : 1000, 120 * ms, {}, true);
    EXPECT_TRUE(gate.congested());
  }
}

TEST_F(GateTest, SkipsWhenTheNextFrameIsTooOldWhateverTheQueue) {
  look(0, 0);
  for (const std::uint64_t queued : {0U, 8000U, 9000U}) {
    gate.sent(queued);
    EXPECT_NE(ask({.lag_ns = limits.lag_ns_max}), GateDecision::skip);
    EXPECT_EQ(ask({.lag_ns = limits.lag_ns_max + 1}), GateDecision::skip);
  }
}

TEST_F(GateTest, WithNoLagAllowedLetsTheNewestFrameThroughAndNoOther) {
  limits.lag_ns_max = 0;
  look(0, 0);
  EXPECT_EQ(ask({.lag_ns = 1, .at_newest = true}), GateDecision::send);
  EXPECT_EQ(ask({.lag_ns = 1, .at_newest = false}), GateDecision::skip);
  EXPECT_EQ(ask({.lag_ns = newest_age_ns_min + 1, .at_newest = true}), GateDecision::skip);
}

TEST_F(GateTest, LetsABegunFrameBeFinishedHoweverOldItIsAndHoweverFullTheQueue) {
  become_congested();
  gate.sent(1'000'000);
  EXPECT_EQ(ask({.lag_ns = 60 * ns_per_second, .frame_begun = true}), GateDecision::send);
}

TEST(BitrateMeter, MeasuresTheMeanOfTheLastSeconds) {
  BitrateMeter meter;
  const auto bytes_per_second = [&] { return static_cast<double>(meter.pace().bytes_per_second); };
  EXPECT_EQ(meter.pace().bytes_per_second, 16'000U) << "as long as nothing is known";
  std::int64_t time = ns_per_second;
  const auto play = [&](int frames, std::size_t bytes) {
    for (int i = 0; i < frames; ++i) {
      meter.add(bytes, time += 25 * ns_per_ms);
    }
  };
  play(200, 400);
  EXPECT_NEAR(bytes_per_second(), 16000, 100);
  EXPECT_EQ(meter.pace().frame_ns, 25 * ns_per_ms);
  time += 3600 * ns_per_second;  // a pause does not count
  play(200, 400);
  EXPECT_NEAR(bytes_per_second(), 16000, 5000);
  play(400, 100'000);
  EXPECT_NEAR(bytes_per_second(), 4'000'000, 40'000);
}

TEST(AutomaticQueue, IsHalfASecondOfTheStream) {
  EXPECT_EQ(automatic_queue_bytes({}), 8000U);
  EXPECT_EQ(automatic_queue_bytes({.bytes_per_second = 2'500'000}), 1'250'000U);
  EXPECT_EQ(automatic_queue_bytes({.bytes_per_second = 10}), 1000U);
}

}  // namespace
}  // namespace eradio
