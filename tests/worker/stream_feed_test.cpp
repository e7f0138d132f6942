#include "worker/stream_feed.h"

#include <vector>

#include <gtest/gtest.h>

namespace eradio {
namespace {

using std::chrono::milliseconds;

class StreamFeedTest : public testing::Test {
 protected:
  static constexpr std::size_t frame_bytes_max = 200'000;

  void publish(std::size_t bytes) {
    const std::vector<std::byte> frame(bytes, std::byte{1});
    writer.ring().publish(RecordType::data, monotonic_ns(), frame);
  }
  void run_loop(milliseconds time = milliseconds(20)) {
    wake(wakeup.number());
    loop.call_after(time, [this] { loop.stop(); });
    loop.run();
  }

  EventLoop loop;
  Descriptor wakeup = make_wakeup();
  StreamSegmentWriter writer{1 << 20};
  StreamSegmentReader reader{writer.reopen_read_only()};
  FrameStore store{frame_bytes_max};
  WorkerCounters counters;
  FanOut fan_out{loop,
                 store,
                 counters,
                 {.queue_bytes_max = 8000, .lag_ns_max = ns_per_second},
                 [](const PeerAddress&) {}};
};

TEST_F(StreamFeedTest, TakesEveryFrameInOrder) {
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {});
  for (std::size_t bytes = 1; bytes <= 50; ++bytes) {
    publish(bytes);
  }
  run_loop();
  ASSERT_EQ(store.next() - store.oldest(), 50U);
  for (std::size_t bytes = 1; bytes <= 50; ++bytes) {
    EXPECT_EQ(store.frame(bytes).bytes, bytes);
  }
}

TEST_F(StreamFeedTest, MoreThanOneTurnTakesComesInSeveral) {
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {});
  for (int i = 0; i < 5; ++i) {
    publish(150'000);
  }
  run_loop();
  EXPECT_EQ(counters.frames_received_total.get(), 5U);
  EXPECT_GE(counters.passes_total.get(), 2U);
}

TEST_F(StreamFeedTest, BegunLateItTakesTheNewestAndKnowsWhatIsPlaying) {
  const NowPlaying playing{.playing = true, .track = TrackName{.uri = "u", .name = "n"}};
  writer.state().write(playing);
  writer.ring().publish(RecordType::now_playing, 1, encode_now_playing(playing));
  publish(10);
  publish(20);
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {});
  EXPECT_EQ(feed.now_playing(), playing);
  run_loop();
  EXPECT_EQ(counters.frames_received_total.get(), 1U);
  EXPECT_EQ(store.frame(store.next() - 1).bytes, 20U);
}

TEST_F(StreamFeedTest, AChangeOfTrackArrivesWithTheRecord) {
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {});
  const NowPlaying playing{.playing = true, .track = std::nullopt};
  writer.ring().publish(RecordType::now_playing, 1, encode_now_playing(playing));
  run_loop();
  EXPECT_EQ(feed.now_playing(), playing);
  EXPECT_EQ(counters.frames_received_total.get(), 0U) << "it is no frame";
}

TEST_F(StreamFeedTest, OvertakenItCountsWhatItLostAndGoesOnWithTheNewest) {
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {});
  publish(1);
  run_loop();
  for (int i = 0; i < 100; ++i) {
    publish(100'000);
  }
  publish(7);
  run_loop();
  EXPECT_EQ(store.frame(store.next() - 1).bytes, 7U);
  EXPECT_EQ(counters.frames_received_total.get() + counters.records_lost_total.get(), 102U);
  EXPECT_GT(counters.records_lost_total.get(), 50U);
}

TEST_F(StreamFeedTest, FramesAreGatheredForTheTimeThatIsSet) {
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters,
                  {.queue_bytes_max = 0, .coalesce = milliseconds(50)});
  publish(1);
  run_loop(milliseconds(1));
  publish(1);
  run_loop(milliseconds(1));
  EXPECT_EQ(counters.frames_received_total.get(), 2U);
  EXPECT_EQ(counters.passes_total.get(), 0U);
  run_loop(milliseconds(150));
  EXPECT_EQ(counters.passes_total.get(), 1U) << "one for both";
}

TEST_F(StreamFeedTest, AFullTurnIsNotGatheredAnyFurther) {
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters,
                  {.queue_bytes_max = 0, .coalesce = milliseconds(10'000)});
  for (int i = 0; i < 5; ++i) {
    publish(150'000);
  }
  run_loop();
  EXPECT_GE(counters.passes_total.get(), 2U);
}

}  // namespace
}  // namespace eradio
