#include "worker/frame_store.h"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "common/clock.h"

namespace eradio {
namespace {

constexpr std::size_t space_bytes = 4096;

void append(FrameStore& store, std::size_t bytes, int pattern, std::int64_t time_ns = 0) {
  if (store.turn_is_full()) {
    store.begin_turn();
  }
  std::memset(store.next_space().data(), pattern, bytes);
  store.append(bytes, time_ns);
}

bool is_filled_with(const FrameStore& store, std::uint64_t number, int pattern) {
  const FrameStore::Frame& frame = store.frame(number);
  const std::byte* bytes = store.at(frame.begin);
  return std::all_of(bytes, bytes + frame.bytes,
                     [&](std::byte byte) { return byte == static_cast<std::byte>(pattern); });
}

TEST(FrameStore, StartsEmpty) {
  const FrameStore store(space_bytes);
  EXPECT_EQ(store.oldest(), store.next());
  EXPECT_EQ(store.end(), 0U);
}

TEST(FrameStore, KnowsWhereAFrameLiesInTheStream) {
  FrameStore store(space_bytes);
  EXPECT_EQ(store.find(0), std::nullopt);
  store.append(10, 0, FrameKind::sync_point, 1000);
  store.append(20, 0);
  store.append(30, 0, FrameKind::sync_point, 5000);
  EXPECT_EQ(store.find(999), std::nullopt);
  EXPECT_EQ(store.find(1000), 1U);
  EXPECT_EQ(store.find(1009), 1U);
  EXPECT_EQ(store.find(1010), 2U);
  EXPECT_EQ(store.find(1029), 2U);
  EXPECT_EQ(store.find(1030), std::nullopt) << "lost";
  EXPECT_EQ(store.find(5029), 3U);
  EXPECT_EQ(store.find(5030), std::nullopt) << "not there yet";
  EXPECT_EQ(store.stream_end(), 5030U);
  EXPECT_EQ(store.newest_gap(), 3U);
  EXPECT_FALSE(store.is_behind_gap(2));
  EXPECT_TRUE(store.is_behind_gap(3));
  for (int i = 0; i < 1000; ++i) {
    append(store, 100, 1);
  }
  EXPECT_EQ(store.find(1000), std::nullopt) << "it has left the store";
  EXPECT_EQ(store.find(store.stream_end() - 1), store.next() - 1);
  EXPECT_EQ(store.find(store.frame(store.oldest()).stream_position), store.oldest());
}

TEST(FrameStore, ConsecutiveFramesAreOnePieceAcrossTheWrap) {
  FrameStore store(space_bytes);
  for (int i = 0; i < 10'000; ++i) {
    append(store, 700, i % 251, i);
    const std::uint64_t newest = store.next() - 1;
    ASSERT_EQ(store.frame(newest).time_ns, i);
    ASSERT_TRUE(is_filled_with(store, newest, i % 251));
    if (i > 0) {
      const auto* both = store.at(store.frame(newest - 1).begin);
      ASSERT_EQ(both[699], static_cast<std::byte>((i - 1) % 251));
      ASSERT_EQ(both[700], static_cast<std::byte>(i % 251));
    }
  }
}

TEST(FrameStore, EveryFrameItStillNamesIsIntactEvenWhileTheNextIsWritten) {
  FrameStore store(space_bytes);
  for (int i = 1; i < 3000; ++i) {
    const std::size_t bytes = 1 + static_cast<std::size_t>(i * 7919) % space_bytes;
    append(store, bytes, i % 251);
    std::memset(store.next_space().data(), 255, store.next_space().size());
    for (std::uint64_t number = store.oldest(); number < store.next(); ++number) {
      ASSERT_TRUE(is_filled_with(store, number, static_cast<int>(number % 251))) << i;
    }
  }
}

TEST(FrameStore, TinyFramesAreForgottenWhenThereAreTooManyOfThem) {
  FrameStore store(space_bytes);
  for (int i = 0; i < 100'000; ++i) {
    append(store, 1, i % 251);
    ASSERT_LE(store.next() - store.oldest(), 4 * FrameStore::turn_frames_max);
  }
}

// What the fan-out relies on: who is not warned is still there after one more turn.
TEST(FrameStore, WarnsOfAFrameThatOneMoreTurnCouldDropAndNotMuchEarlier) {
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{300}, space_bytes}) {
    FrameStore store(space_bytes);
    for (int turn = 0; turn < 100; ++turn) {
      std::uint64_t safe = store.oldest();
      while (safe < store.next() && store.leaves_soon(safe)) {
        ++safe;
      }
      store.begin_turn();
      while (!store.turn_is_full()) {
        append(store, bytes, 1);
      }
      ASSERT_LE(store.oldest(), safe) << bytes;
    }
    EXPECT_FALSE(store.leaves_soon(store.next() - 1)) << bytes;
  }
}

TEST(FrameStore, TellsWhenTheByteAtAPositionCame) {
  FrameStore store(space_bytes);
  for (int i = 1; i <= 5000; ++i) {
    append(store, 1 + static_cast<std::size_t>(i) * 31 % 900, 0, i);
    const std::uint64_t newest = store.next() - 1;
    ASSERT_EQ(store.time_at(store.end() - 1), i);
    for (const std::uint64_t number : {store.oldest(), (store.oldest() + newest) / 2, newest}) {
      const FrameStore::Frame& frame = store.frame(number);
      ASSERT_EQ(store.time_at(frame.begin), frame.time_ns) << "its first byte";
      ASSERT_EQ(store.time_at(frame.begin + frame.bytes - 1), frame.time_ns) << "its last";
    }
  }
  EXPECT_LT(store.time_at(0), store.frame(store.oldest()).time_ns) << "that has left the store";
  EXPECT_GT(store.time_at(0), 0);
}

// As the one above, for what is too old for anybody.
TEST(FrameStore, DropsWhatIsTooOldAfterAWarningAndGivesItsMemoryBack) {
  constexpr std::int64_t keep_ns = 1000;
  FrameStore store(std::size_t{64} * 1024, keep_ns);
  std::int64_t time_ns = 1;
  std::uint64_t given_back = 0;
  for (int turn = 0; turn < 20'000; ++turn) {
    std::uint64_t safe = store.oldest();
    while (safe < store.next() && store.leaves_soon(safe)) {
      ++safe;
    }
    for (int i = 0; i < turn % 3; ++i) {
      time_ns += turn % 500 == 0 ? 5 * keep_ns : 40;
      append(store, 1 + static_cast<std::size_t>(turn) * 31 % 900, turn % 251 + 1, time_ns);
    }
    store.begin_turn();
    ASSERT_LE(store.oldest(), safe) << turn;
    ASSERT_LE(store.next() - store.oldest(), 1 + 2 + 2 * keep_ns / 40) << turn;
    for (std::uint64_t number = store.oldest(); number < store.next(); ++number) {
      ASSERT_NE(*store.at(store.frame(number).begin), std::byte{0}) << "given back too early";
    }
    const std::uint64_t behind = store.end() > 100'000 ? store.end() - 100'000 : 0;
    given_back += behind > 0 && *store.at(behind) == std::byte{0} ? 1U : 0U;
    if (turn > 10) {
      ASSERT_GT(store.oldest(), 0U);
      EXPECT_LE(store.time_of(1), store.frame(store.oldest()).time_ns) << "known for longer";
    }
  }
  EXPECT_GT(given_back, 10'000U);
}

TEST(FrameStore, KnowsTheNewestSyncPointBehindTheHeader) {
  FrameStore store(space_bytes);
  EXPECT_EQ(store.newest_sync_point(), 0U);
  store.append(10, 0, FrameKind::dependent);
  EXPECT_EQ(store.newest_sync_point(), 0U);
  store.append(10, 0, FrameKind::sync_point);
  store.append(10, 0, FrameKind::dependent);
  EXPECT_EQ(store.newest_sync_point(), 2U);
  store.append(10, 0, FrameKind::header);
  EXPECT_EQ(store.newest_sync_point(), 0U);
  store.append(10, 0, FrameKind::sync_point);
  EXPECT_EQ(store.newest_sync_point(), 5U);
  for (int i = 0; i < 10'000; ++i) {
    store.begin_turn();
    store.append(10, 0, FrameKind::dependent);
  }
  EXPECT_EQ(store.newest_sync_point(), 0U) << "it has left the store";
}

TEST(FrameStore, KeepsTheHeaderWhenItsFrameHasGone) {
  FrameStore store(space_bytes);
  EXPECT_EQ(store.header(), nullptr);
  std::memset(store.next_space().data(), 7, 300);
  store.append(300, 0, FrameKind::header);
  for (int i = 0; i < 1000; ++i) {
    append(store, space_bytes, 1);
  }
  EXPECT_GT(store.oldest(), 1U);
  EXPECT_EQ(store.header_number(), 1U);
  ASSERT_EQ(store.header()->size(), 300U);
  EXPECT_TRUE(std::all_of(store.header()->begin(), store.header()->end(),
                          [](std::byte byte) { return byte == std::byte{7}; }));
  store.forget_header();
  EXPECT_EQ(store.header(), nullptr);
}

}  // namespace
}  // namespace eradio
