#include "worker/gate.h"

#include <deque>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "worker/bitrate.h"

namespace eradio {
namespace {

constexpr std::int64_t ms = ns_per_ms;
constexpr std::uint64_t frame_bytes = 418;

// A listener's gate, and a clock.
class GateTest : public ::testing::Test {
 protected:
  GateDecision ask(GateView view = {}) {
    view.now_ns = now_ns;
    view.lag_ns_max = lag_ns_max;
    view.frame_bytes = frame_bytes;
    view.batch_bytes = frame_bytes;
    return gate.decide(limits, pace, view);
  }
  void look(std::uint64_t queued_bytes, std::int64_t oldest_age_ns, NetworkPath path = {},
            std::uint64_t backlog_bytes = 10 * frame_bytes) {
    KernelLook look{.now_ns = now_ns,
                    .queued_bytes = queued_bytes,
                    .acked_bytes = acked_bytes,
                    .oldest_age_ns = oldest_age_ns,
                    .backlog_bytes = backlog_bytes,
                    .batch_bytes = frame_bytes,
                    .path = std::nullopt};
    if (path.rtt_ns == 0) {
      path.min_rtt_ns = rtt_ns;
      path.rtt_ns = rtt_ns + 20 * ms;
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
  // The gate empties the way now and then, to measure the round trip.
  void let_it_measure() {
    look(0, 0);
    gate.sent(1);
    now_ns += rtt_ns;
    acked_bytes += 1;
    look(0, 0);
  }

  GateLimits limits{.queue_bytes_max = 8000, .queue_follows_pace = false};
  std::int64_t lag_ns_max = 250 * ms;
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

TEST_F(GateTest, NeedsMemoryOfItsOwnOnlyWhileThereIsTrouble) {
  look(0, 0);
  EXPECT_FALSE(gate.has_trouble());
  become_congested();
  EXPECT_TRUE(gate.has_trouble());
  now_ns += 10 * free_again_ns;
  look(0, 0);
  EXPECT_FALSE(gate.congested());
  now_ns += lossy_ns;
  look(0, 0);
  EXPECT_FALSE(gate.has_trouble());
  look(3000, 450 * ms, {.recovering = true});  // what it has lost once, it may lose again
  EXPECT_FALSE(gate.congested());
  now_ns += lossy_ns - 1;
  look(0, 0);
  EXPECT_TRUE(gate.has_trouble());
  now_ns += 1;
  look(0, 0);
  EXPECT_FALSE(gate.has_trouble());
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

TEST_F(GateTest, LooksTheLessOftenTheLongerNothingChanges) {
  become_congested();
  int looks = 0;
  const auto wait_for = [&](std::int64_t ns) {
    looks = 0;
    for (const std::int64_t until_ns = now_ns + ns; now_ns < until_ns; now_ns += 10 * ms) {
      if (ask() == GateDecision::look) {
        look(6000, 2000 * ms);
        ++looks;
      }
    }
  };
  wait_for(80 * ms);
  EXPECT_EQ(looks, 8);
  wait_for(1000 * ms);
  EXPECT_LE(looks, 35);
  wait_for(10'000 * ms);
  EXPECT_LE(looks, 105);
  EXPECT_GE(looks, 90);
  // It takes something: from then on each time.
  acked_bytes += 418;
  while (ask() != GateDecision::look) {
    now_ns += 10 * ms;
  }
  look(5582, 1000 * ms);
  EXPECT_EQ(ask(), GateDecision::look);
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
  for (int i = 0; i < 19; ++i) {  // a quarter of the stream
    now_ns += 100 * ms;
    acked_bytes += 400;
    look(2000, 300 * ms);
  }
  let_it_measure();
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
  become_congested();
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
                         .lag_ns_max = lag_ns_max,
                         .frame_bytes = 1'000'000,
                         .batch_bytes = 1'000'000,
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
    look(1000, 120 * ms, {}, frame_bytes);
    EXPECT_TRUE(gate.congested()) << "too soon";
  }
  now_ns += 100 * ms;
  look(1000, 120 * ms, {}, frame_bytes);
  EXPECT_FALSE(gate.congested());
}

TEST_F(GateTest, StaysCongestedWhileSomethingWaitsOrIsHeldBackOrIsOld) {
  const auto for_a_while = [&](const auto& look_at) {
    gate = Gate();
    become_congested();
    for (int i = 0; i < 19; ++i) {  // then a longer round trip is tried
      now_ns += 100 * ms;
      acked_bytes += 1600;
      look_at(i);
      EXPECT_TRUE(gate.congested()) << i;
    }
  };
  for_a_while([&](int) { look(1000, 120 * ms, {}, 10 * frame_bytes); });
  for_a_while([&](int) { look(1000, 300 * ms, {}, frame_bytes); });
  for_a_while([&](int i) { look(i % 5 == 0 ? 6000 : 1000, 120 * ms, {}, frame_bytes); });
}

// A listener's link as it looks from the gate: what is on its way is acknowledged after the round
// trip, and no more than `rate` bytes a second.
class GateOnALink : public GateTest {
 protected:
  void run_for(std::int64_t time_ns) {
    const std::int64_t end_ns = now_ns + time_ns;
    while (now_ns < end_ns) {
      now_ns += 10 * ms;
      made += 160;  // the stream's pace
      while (!on_way.empty() && on_way.front().due_ns <= now_ns) {
        acked_bytes += on_way.front().bytes;
        queued -= on_way.front().bytes;
        smoothed_ns += (on_way.front().due_ns - on_way.front().sent_ns - smoothed_ns) / 8;
        on_way.pop_front();
      }
      const NetworkPath path{.min_rtt_ns = min_round_trip_ns, .rtt_ns = smoothed_ns};
      look(queued, queued == 0 ? 0 : now_ns - on_way.front().sent_ns, path, made);
      while (made >= frame_bytes && ask_after_look() == GateDecision::send) {
        const std::int64_t free_ns = std::max(now_ns, line_free_ns);
        line_free_ns = free_ns + static_cast<std::int64_t>(frame_bytes) * ns_per_second / rate;
        on_way.push_back({frame_bytes, now_ns, line_free_ns + round_trip_ns});
        queued += frame_bytes;
        made -= frame_bytes;
        gate.sent(frame_bytes);
      }
      made = std::min<std::uint64_t>(made, 4000);  // max_lag
    }
  }
  std::uint64_t taken_in(std::int64_t time_ns) {
    const std::uint64_t before = acked_bytes;
    run_for(time_ns);
    return acked_bytes - before;
  }

  struct Packet {
    std::uint64_t bytes;
    std::int64_t sent_ns;
    std::int64_t due_ns;
  };
  std::deque<Packet> on_way;
  std::uint64_t queued = 0;
  std::uint64_t made = 0;  // that waits
  std::int64_t min_round_trip_ns = 20 * ms;
  std::int64_t round_trip_ns = 20 * ms;
  std::int64_t smoothed_ns = 20 * ms;  // with the queue, as TCP has it
  std::int64_t rate = 1'000'000;
  std::int64_t line_free_ns = 0;
};

TEST_F(GateOnALink, WhoseRoundTripGetsLongerTheStreamSoonFlowsAgain) {
  rtt_ns = 20 * ms;
  run_for(5 * ns_per_second);
  EXPECT_FALSE(gate.congested());
  round_trip_ns = 320 * ms;
  run_for(3 * ns_per_second);
  EXPECT_GT(taken_in(10 * ns_per_second), 150'000U);
  EXPECT_FALSE(gate.congested());
  round_trip_ns = 20 * ms;
  run_for(2 * ns_per_second);
  EXPECT_GT(taken_in(10 * ns_per_second), 150'000U);
  EXPECT_LT(queued, 2000U);
}

TEST_F(GateOnALink, ThatIsTooSlowAndGetsLongerTheLinkIsUsedAgainSoon) {
  rtt_ns = 20 * ms;
  rate = 8000;
  run_for(20 * ns_per_second);
  round_trip_ns = 400 * ms;
  run_for(20 * ns_per_second);
  EXPECT_GT(taken_in(10 * ns_per_second), 80'000U * 8 / 10);
  round_trip_ns = 20 * ms;
  run_for(70 * ns_per_second);  // until the round trip is measured again
  EXPECT_GT(taken_in(10 * ns_per_second), 80'000U * 8 / 10);
  EXPECT_LT(queued, 2500U);
}

TEST_F(GateOnALink, WhoseRateVariesItsOwnQueueIsNotTakenForALongerWay) {
  rtt_ns = 20 * ms;
  std::uint64_t most = 0;
  for (int i = 0; i < 200; ++i) {
    rate = i % 4 < 2 ? 4000 : 16'000;
    for (int j = 0; j < 10; ++j) {
      run_for(100 * ms);
      most = i < 8 ? 0 : std::max(most, queued);
    }
  }
  EXPECT_LT(most, 2600U) << "four frames and what goes on its way beside them";
}

TEST_F(GateTest, OfACongestedListenerEmptiesTheWayNowAndThenToMeasureIt) {
  become_congested();
  now_ns += measurement_delay_ns;
  look(1, 20 * ms);
  EXPECT_EQ(ask_after_look(), GateDecision::wait);
  look(0, 0);
  EXPECT_EQ(ask_after_look(), GateDecision::send);
  EXPECT_EQ(gate.room(limits, pace, frame_bytes), frame_bytes) << "alone in its packet";
  gate.sent(frame_bytes);
  now_ns += 350 * ms;
  look(frame_bytes, 350 * ms);
  EXPECT_EQ(ask_after_look(), GateDecision::send) << "it measures while others are on their way";
  now_ns += 10 * ms;
  acked_bytes += frame_bytes;
  look(0, 0);
  gate.sent(frame_bytes);
  // The stream's pace for 360 ms, of which the packet's own time does not count, and the slack, and
  // a frame: one of two is on its way.
  EXPECT_NEAR(static_cast<double>(gate.room(limits, pace, frame_bytes)), 390 * 16 - 418, 1);
}

TEST_F(GateTest, WhatIsSentAgainMeasuresNoRoundTrip) {
  become_congested();
  look(0, 0);
  gate.sent(frame_bytes);
  now_ns += 500 * ms;
  look(frame_bytes, 500 * ms, {.min_rtt_ns = rtt_ns, .rtt_ns = rtt_ns, .recovering = true});
  now_ns += 500 * ms;
  acked_bytes += frame_bytes;
  look(0, 0, {.min_rtt_ns = rtt_ns, .rtt_ns = 1000 * ms});
  gate.sent(frame_bytes);
  // The stream's pace for a round trip, and the slack of a link that loses packets.
  EXPECT_EQ(gate.room(limits, pace, frame_bytes), 2720U);
}

TEST_F(GateOnALink, ThatIsTooSlowTheLinkIsUsedAndLittleIsQueued) {
  rtt_ns = 20 * ms;
  rate = 8000;
  run_for(20 * ns_per_second);
  std::uint64_t most = 0;
  std::uint64_t all = 0;
  for (int i = 0; i < 600; ++i) {
    all += taken_in(100 * ms);
    most = std::max(most, queued);
  }
  EXPECT_GT(all, 8000U * 60 * 9 / 10);
  EXPECT_LT(most, 2500U) << "a third of a second";
}

// A window is made from the rate, and the rate comes from the window: with whole frames only they
// can keep each other one frame too small (docs/lag.md), and no smaller than that.
TEST_F(GateOnALink, ThatIsTooSlowTheLinkIsUsedWhateverTheRoundTripAndTheTimeOfAFrame) {
  for (round_trip_ns = 20 * ms; round_trip_ns <= 300 * ms; round_trip_ns += 10 * ms) {
    for (rate = 6000; rate <= 15'000; rate += 1500) {
      gate = Gate();
      on_way.clear();
      queued = 0;
      line_free_ns = 0;
      min_round_trip_ns = round_trip_ns;
      smoothed_ns = round_trip_ns;
      run_for(5 * ns_per_second);
      const auto share =
          static_cast<double>(taken_in(20 * ns_per_second)) / static_cast<double>(20 * rate);
      EXPECT_GT(share, 0.8) << round_trip_ns / ms << " ms, " << rate << " bytes/s";
    }
  }
}

TEST_F(GateTest, AsksForThePathAgainAsLongAsThereIsNoSampleOfTheRoundTrip) {
  KernelLook any;
  any.now_ns = now_ns;
  any.queued_bytes = 500;
  any.oldest_age_ns = 10 * ms;
  EXPECT_TRUE(gate.needs_path(pace, any));
  look(500, 10 * ms, {.min_rtt_ns = -1, .rtt_ns = 1});
  EXPECT_TRUE(gate.needs_path(pace, any));
  EXPECT_EQ(ask_after_look(), GateDecision::send);
  now_ns += queueing_ns_max(pace);
  EXPECT_EQ(ask(), GateDecision::look) << "a round trip that is not known is none";
  rtt_ns = 50 * ms;
  look(500, 10 * ms);
  EXPECT_FALSE(gate.needs_path(pace, any));
}

TEST_F(GateTest, AsksForThePathAgainAsLongAsTcpRecovers) {
  look(0, 0);
  look(3000, 300 * ms, {.min_rtt_ns = rtt_ns, .rtt_ns = rtt_ns, .recovering = true});
  EXPECT_FALSE(gate.congested());
  look(3000, 400 * ms, {.min_rtt_ns = rtt_ns, .rtt_ns = rtt_ns, .recovering = true});
  EXPECT_FALSE(gate.congested()) << "another packet is lost";
  look(3000, 400 * ms, {.min_rtt_ns = rtt_ns, .rtt_ns = rtt_ns, .recovering = false});
  EXPECT_TRUE(gate.congested());
}

TEST_F(GateTest, OfFramesThatComeInBatchesIsFreeAgainToo) {
  become_congested();
  const std::uint64_t batch = 4 * frame_bytes;
  for (int i = 0; i < 10; ++i) {
    now_ns += 100 * ms;
    acked_bytes += batch;
    gate.looked(limits, pace,
                {.now_ns = now_ns,
                 .queued_bytes = 0,
                 .acked_bytes = acked_bytes,
                 .oldest_age_ns = 0,
                 .backlog_bytes = batch,
                 .batch_bytes = batch,
                 .path = NetworkPath{.min_rtt_ns = rtt_ns, .rtt_ns = rtt_ns}});
  }
  EXPECT_FALSE(gate.congested());
}

TEST_F(GateTest, SkipsWhenTheNextFrameIsTooOldWhateverTheQueue) {
  look(0, 0);
  for (const std::uint64_t queued : {0U, 8000U, 9000U}) {
    gate.sent(queued);
    EXPECT_NE(ask({.lag_ns = lag_ns_max}), GateDecision::skip);
    EXPECT_EQ(ask({.lag_ns = lag_ns_max + 1}), GateDecision::skip);
  }
}

TEST_F(GateTest, WithNoLagAllowedLetsTheNewestFrameThroughAndNoOther) {
  lag_ns_max = 0;
  look(0, 0);
  EXPECT_EQ(ask({.lag_ns = 1, .is_new = true}), GateDecision::send);
  EXPECT_EQ(ask({.lag_ns = 1, .is_new = false}), GateDecision::skip);
  EXPECT_EQ(ask({.lag_ns = newest_age_ns_min + 1, .is_new = true}), GateDecision::skip);
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
