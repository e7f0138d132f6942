#include "tests/link/link_direction.h"

#include <gtest/gtest.h>

#include "common/clock.h"

namespace eradio::testing {
namespace {

constexpr std::int64_t ms = ns_per_ms;

struct Arrival {
  std::int64_t ms_;
  int name;
  bool operator==(const Arrival&) const = default;
};

class LinkDirectionTest : public ::testing::Test {
 protected:
  void take(int name, std::int64_t at_ms, std::size_t bytes = 1000) {
    LinkDirection::Packet packet(bytes);
    packet[0] = static_cast<std::byte>(name);
    link.take(std::move(packet), at_ms * ms);
  }
  // Lets time pass from one event to the next, as the program does, and tells what arrives when.
  std::vector<Arrival> arrivals(std::int64_t until_ms) {
    std::vector<Arrival> all;
    for (auto next = link.next_ns(); next && *next <= until_ms * ms; next = link.next_ns()) {
      link.deliver(*next, [&](const LinkDirection::Packet& packet) {
        all.push_back({.ms_ = *next / ms, .name = std::to_integer<int>(packet[0])});
      });
    }
    return all;
  }

  LinkDirection link{1};
};

TEST_F(LinkDirectionTest, WithoutSettingsDeliversAtOnce) {
  EXPECT_EQ(link.next_ns(), std::nullopt);
  take(1, 5);
  take(2, 5);
  int delivered = 0;
  link.deliver(5 * ms, [&](const LinkDirection::Packet&) { ++delivered; });
  EXPECT_EQ(delivered, 2);
  EXPECT_EQ(link.next_ns(), std::nullopt);
}

TEST_F(LinkDirectionTest, TheLineTakesItsTimeForEachPacketAndThenComesTheDelay) {
  link.set({.bits_per_second = 80'000, .delay_ns = 50 * ms}, 0);  // 1000 bytes: 100 ms
  take(1, 0);
  take(2, 10);
  take(3, 500, 500);
  EXPECT_EQ(arrivals(10'000), (std::vector<Arrival>{{150, 1}, {250, 2}, {600, 3}}));
}

TEST_F(LinkDirectionTest, WhatTheQueueCannotHoldIsDroppedAtItsEnd) {
  link.set({.bits_per_second = 80'000, .queue_bytes = 2500}, 0);
  for (int i = 1; i <= 5; ++i) {
    take(i, 0);  // one is on the line, two wait
  }
  take(6, 100);  // the first has gone
  EXPECT_EQ(arrivals(10'000), (std::vector<Arrival>{{100, 1}, {200, 2}, {300, 3}, {400, 6}}));
  EXPECT_EQ(link.report().dropped, 2U);
  EXPECT_EQ(link.report().taken, 6U);
  EXPECT_EQ(link.report().delivered, 4U);
  EXPECT_EQ(link.report().delivered_bytes, 4000U);
}

TEST_F(LinkDirectionTest, APacketLongerThanTheQueueGetsThroughWhenTheLineIsFree) {
  link.set({.bits_per_second = 80'000, .queue_bytes = 10}, 0);
  take(1, 0);
  take(2, 0);
  EXPECT_EQ(arrivals(10'000), (std::vector<Arrival>{{100, 1}}));
}

TEST_F(LinkDirectionTest, LosesTheShareItIsToldAndTheLineIsBusyWithThemAllTheSame) {
  link.set({.bits_per_second = 8'000'000, .loss = 0.25}, 0);  // 1 ms each
  for (int i = 0; i < 4000; ++i) {
    take(1, 0);
  }
  const auto all = arrivals(10'000);
  EXPECT_NEAR(static_cast<double>(all.size()), 3000, 150);
  EXPECT_GT(all.back().ms_, 3900);
  EXPECT_EQ(link.report().lost + all.size(), 4000U);
}

TEST_F(LinkDirectionTest, LosesTheSameWithTheSameSeedAndOtherwiseOthers) {
  const auto lost_with = [](std::uint64_t seed) {
    LinkDirection seeded(seed);
    seeded.set({.loss = 0.5}, 0);
    std::string pattern;
    for (int i = 0; i < 64; ++i) {
      seeded.take(LinkDirection::Packet(1), i);
      const std::uint64_t before = seeded.report().delivered;
      seeded.deliver(i, [](const LinkDirection::Packet&) {});
      pattern += seeded.report().delivered > before ? '1' : '0';
    }
    return pattern;
  };
  EXPECT_EQ(lost_with(7), lost_with(7));
  EXPECT_NE(lost_with(7), lost_with(8));
}

TEST_F(LinkDirectionTest, LetsSomeComeLateAndOthersOvertakeThem) {
  link.set({.delay_ns = 10 * ms, .reorder = 0.1, .late_ns = 5 * ms}, 0);
  for (int i = 0; i < 100; ++i) {
    take(i, i);
  }
  const auto all = arrivals(10'000);
  ASSERT_EQ(all.size(), 100U);
  int late = 0;
  for (const Arrival& arrival : all) {
    late += arrival.ms_ == arrival.name + 15 ? 1 : 0;
    EXPECT_TRUE(arrival.ms_ == arrival.name + 10 || arrival.ms_ == arrival.name + 15);
  }
  EXPECT_GT(late, 2);
  EXPECT_LT(late, 25);
}

TEST_F(LinkDirectionTest, AChangeHoldsForWhatIsNotYetOnTheLine) {
  link.set({.bits_per_second = 80'000, .delay_ns = 50 * ms}, 0);
  take(1, 0);
  take(2, 0);
  take(3, 0);
  link.set({.bits_per_second = 800'000}, 150 * ms);  // the second is on the line
  EXPECT_EQ(arrivals(10'000), (std::vector<Arrival>{{150, 1}, {200, 2}, {210, 3}}));
}

TEST_F(LinkDirectionTest, AShorterDelayDoesNotChangeTheOrder) {
  link.set({.delay_ns = 100 * ms}, 0);
  take(1, 0);
  link.set({.delay_ns = 10 * ms}, 1 * ms);
  take(2, 1);
  take(3, 200);
  EXPECT_EQ(arrivals(10'000), (std::vector<Arrival>{{100, 1}, {100, 2}, {210, 3}}));
}

}  // namespace
}  // namespace eradio::testing
