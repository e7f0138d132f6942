#include "worker/stream_feed.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace eradio {
namespace {

using std::chrono::milliseconds;

const StreamFeed::MetadataChanged no_change = [](const StreamMetadata&) {};

class StreamFeedTest : public ::testing::Test {
 protected:
  static constexpr std::size_t frame_bytes_max = 200'000;

  void publish(std::size_t bytes) {
    const std::vector<std::byte> frame(bytes, std::byte{1});
    writer.ring().publish(RecordType::sync_point, monotonic_ns(), frame);
  }
  void run_loop(milliseconds time = milliseconds(20)) {
    wake(wakeup.number());
    loop.call_after(time, [this] { loop.stop(); });
    loop.run();
  }

  EventLoop loop;
  Descriptor wakeup = make_wakeup();
  StreamSegmentWriter writer{1 << 20, frame_bytes_max};
  StreamSegmentReader reader{writer.reopen_read_only()};
  FrameStore store{frame_bytes_max};
  const StreamFeed* feed_ = nullptr;
  WorkerCounters counters;
  ListenerTable table{10};
  WorkerListenerTable worker_table{Descriptor(::dup(table.descriptor())), 1};
  FanOut fan_out{loop,
                 store,
                 counters,
                 worker_table,
                 {.queue_bytes_max = 8000, .queue_follows_pace = false},
                 std::chrono::seconds(30),
                 [](const Listener&, const ListenerIdentity&) {},
                 [](const Listener&, const ListenerIdentity&) {}};
};

TEST_F(StreamFeedTest, TakesEveryFrameInOrder) {
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {}, no_change);
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
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {}, no_change);
  for (int i = 0; i < 5; ++i) {
    publish(150'000);
  }
  run_loop();
  EXPECT_EQ(counters.frames_received_total.get(), 5U);
  EXPECT_GE(counters.passes_total.get(), 2U);
}

TEST_F(StreamFeedTest, BegunLateItTakesWhatTheRingStillHasAndKnowsWhatIsPlaying) {
  const StreamMetadata playing{
      .now_playing = {.playing = true, .track = TrackName{.uri = "u", .name = "n"}},
      .listeners = 3};
  writer.state().write(writer.ring().sequence() + 1, playing);
  writer.ring().publish(RecordType::metadata, 1, encode_stream_metadata(playing));
  publish(10);
  publish(20);
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {}, no_change);
  EXPECT_EQ(feed.metadata(), playing);
  feed.catch_up();
  EXPECT_EQ(feed.metadata(), playing);
  EXPECT_EQ(counters.frames_received_total.get(), 2U);
  EXPECT_EQ(store.frame(store.next() - 1).bytes, 20U);
}

TEST_F(StreamFeedTest, BegunLateItHasNoNewsThatAreOld) {
  const auto announce = [&](std::uint64_t listeners) {
    const StreamMetadata metadata{.now_playing = {}, .listeners = listeners};
    writer.state().write(writer.ring().sequence() + 1, metadata);
    writer.ring().publish(RecordType::metadata, 1, encode_stream_metadata(metadata));
  };
  publish(10);
  announce(1);
  announce(2);
  publish(10);
  announce(3);
  std::vector<std::uint64_t> before;
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {},
                  [&](const StreamMetadata& was) { before.push_back(was.listeners); });
  announce(4);
  feed.catch_up();
  EXPECT_EQ(before, (std::vector<std::uint64_t>{3}));
  EXPECT_EQ(feed.metadata().listeners, 4U);
  EXPECT_EQ(feed.metadata_sequence(), writer.ring().sequence());
}

TEST_F(StreamFeedTest, AChangeOfTrackArrivesWithTheRecord) {
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {}, no_change);
  const StreamMetadata playing{.now_playing = {.playing = true, .track = std::nullopt}};
  writer.ring().publish(RecordType::metadata, 1, encode_stream_metadata(playing));
  run_loop();
  EXPECT_EQ(feed.metadata(), playing);
  EXPECT_EQ(counters.frames_received_total.get(), 0U) << "it is no frame";
}

// Frames for one listener and changes for the rest of the worker, in the order of the ring.
TEST_F(StreamFeedTest, ANewTrackIsToldBetweenTheLastFrameOfTheOldOneAndTheFirstOfTheNewOne) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  const Descriptor client(ends[1]);
  std::string seen;
  const auto read_client = [&] {
    std::array<char, 64> bytes{};
    const ssize_t got = ::recv(client.number(), bytes.data(), bytes.size(), 0);
    seen.append(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  };
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {},
                  [&](const StreamMetadata& before) {
                    read_client();
                    seen += "[" + (before.now_playing.track ? before.now_playing.track->name : "") +
                            ">" + feed_->metadata().now_playing.track->name + "]";
                  });
  feed_ = &feed;
  fan_out.join(Descriptor(ends[0]), PeerAddress{}, {.id = 1, .lag_ns_max = ns_per_second});
  const auto frame = [&](char c) {
    const std::byte byte{static_cast<unsigned char>(c)};
    writer.ring().publish(RecordType::sync_point, monotonic_ns(), std::span(&byte, 1));
  };
  const auto track = [&](const char* name) {
    writer.ring().publish(
        RecordType::metadata, monotonic_ns(),
        encode_stream_metadata(
            {.now_playing = {.playing = true, .track = TrackName{.uri = "", .name = name}}}));
  };
  frame('a');
  track("A");
  frame('b');
  frame('c');
  track("B");
  track("B");
  frame('d');
  run_loop();
  read_client();
  EXPECT_EQ(seen, "a[>A]bc[A>B]d");
}

TEST_F(StreamFeedTest, OvertakenItKnowsWhatIsPlayingNow) {
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {}, no_change);
  const StreamMetadata playing{.now_playing = {.playing = true, .track = std::nullopt},
                               .listeners = 9};
  writer.state().write(writer.ring().sequence() + 1, playing);
  writer.ring().publish(RecordType::metadata, 1, encode_stream_metadata(playing));
  for (int i = 0; i < 100; ++i) {
    publish(100'000);
  }
  run_loop();
  EXPECT_EQ(feed.metadata(), playing) << "though the record was overwritten";
}

TEST_F(StreamFeedTest, OvertakenItCountsWhatItLostAndGoesOnWithTheNewest) {
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {}, no_change);
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
                  {.coalesce = milliseconds(50)}, no_change);
  publish(1);
  run_loop(milliseconds(1));
  publish(1);
  run_loop(milliseconds(1));
  EXPECT_EQ(counters.frames_received_total.get(), 2U);
  EXPECT_EQ(counters.passes_total.get(), 0U);
  run_loop(milliseconds(150));
  EXPECT_EQ(counters.passes_total.get(), 1U) << "one for both";
}

TEST_F(StreamFeedTest, WhatListenersAreNotSentBeginsNoPass) {
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {}, no_change);
  for (std::uint64_t listeners = 1; listeners <= 5; ++listeners) {
    writer.ring().publish(RecordType::metadata, 1,
                          encode_stream_metadata({.now_playing = {}, .listeners = listeners}));
    run_loop(milliseconds(1));
  }
  EXPECT_EQ(feed.metadata().listeners, 5U);
  EXPECT_EQ(counters.passes_total.get(), 0U);
  publish(1);
  run_loop(milliseconds(1));
  EXPECT_EQ(counters.passes_total.get(), 1U);
}

TEST_F(StreamFeedTest, AFullTurnIsNotGatheredAnyFurther) {
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters,
                  {.coalesce = milliseconds(10'000)}, no_change);
  for (int i = 0; i < 5; ++i) {
    publish(150'000);
  }
  run_loop();
  EXPECT_GE(counters.passes_total.get(), 2U);
}

// What the store has, a letter for each frame: "s" a sync point, "d" dependent, "h" a header.
std::string kinds(const FrameStore& store) {
  std::string text;
  for (std::uint64_t number = store.oldest(); number < store.next(); ++number) {
    const FrameKind kind = store.frame(number).kind;
    text += kind == FrameKind::sync_point ? 's' : kind == FrameKind::dependent ? 'd' : 'h';
  }
  return text;
}

class StreamFeedKinds : public StreamFeedTest {
 protected:
  // As the master does it.
  void publish_header(std::size_t bytes) {
    const std::vector<std::byte> header(bytes, std::byte{2});
    writer.header().write(writer.ring().sequence() + 1, writer.ring().stream_position(), header);
    writer.ring().publish(RecordType::header, monotonic_ns(), header);
  }
  void publish_dependent() {
    const std::vector<std::byte> frame(10, std::byte{3});
    writer.ring().publish(RecordType::dependent, monotonic_ns(), frame);
  }
};

TEST_F(StreamFeedKinds, AreKept) {
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {}, no_change);
  publish_header(30);
  publish(10);
  publish_dependent();
  publish_header(0);
  publish(10);
  run_loop();
  EXPECT_EQ(kinds(store), "hsds");
  EXPECT_EQ(store.header(), nullptr);
  EXPECT_EQ(counters.frames_received_total.get(), 3U);
}

TEST_F(StreamFeedKinds, BegunLateItHasTheHeader) {
  publish_header(30);
  publish(10);
  publish(10);
  publish(10);
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {}, no_change);
  feed.catch_up();
  EXPECT_EQ(kinds(store), "hsss") << "in its place, since the ring still has it";
  EXPECT_EQ(store.newest_sync_point(), 4U);
}

TEST_F(StreamFeedKinds, BegunLateItHasTheHeaderThatTheRingHasNoMore) {
  publish_header(30);
  for (int i = 0; i < 100; ++i) {
    publish(100'000);
  }
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {}, no_change);
  EXPECT_EQ(kinds(store), "h");
  feed.catch_up();
  EXPECT_EQ(store.header()->size(), 30U);
  EXPECT_GT(store.newest_sync_point(), store.header_number());
}

TEST_F(StreamFeedKinds, WhatDependsOnSomethingLostIsLeftOut) {
  publish_dependent();
  publish_dependent();
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {}, no_change);
  run_loop();
  EXPECT_EQ(kinds(store), "") << "it began in the middle";
  publish(10);
  publish_dependent();
  run_loop();
  EXPECT_EQ(kinds(store), "sd");
  for (int i = 0; i < 100; ++i) {
    publish(100'000);  // overtaken
  }
  publish_dependent();
  publish_dependent();
  run_loop();
  EXPECT_EQ(kinds(store), "sd") << "it was overtaken";
  publish_dependent();
  publish(10);
  publish_dependent();
  run_loop();
  EXPECT_EQ(kinds(store), "sdsd");
}

TEST_F(StreamFeedKinds, OvertakenItHasTheHeaderThatItMissed) {
  StreamFeed feed(loop, wakeup.number(), reader, store, fan_out, counters, {}, no_change);
  publish_header(30);
  for (int i = 0; i < 100; ++i) {
    publish(100'000);
  }
  run_loop();
  EXPECT_EQ(store.header()->size(), 30U);
  EXPECT_GT(store.newest_sync_point(), store.header_number());
}

}  // namespace
}  // namespace eradio
