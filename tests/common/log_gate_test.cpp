#include "common/log_gate.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "common/clock.h"

namespace eradio {
namespace {

class LogGateTest : public testing::Test {
 protected:
  static constexpr const char* kind = "a {} of a kind";
  static constexpr const char* another = "another";

  std::uint64_t admitted(const char* of, LogLevel level, int events) {
    std::uint64_t count = 0;
    for (int i = 0; i < events; ++i) {
      count += gate.admit(of, level, now_ns) ? 1U : 0U;
    }
    return count;
  }
  std::map<std::string, std::uint64_t> left_out(bool all = false) {
    std::map<std::string, std::uint64_t> counts;
    gate.tell_left_out(now_ns, all, [&](std::string_view of, LogLevel, std::uint64_t events) {
      counts[std::string(of)] += events;
    });
    return counts;
  }

  LogGate gate;
  std::int64_t now_ns = 1000 * ns_per_second;
};

TEST_F(LogGateTest, LetsABurstPassAndCountsTheRest) {
  EXPECT_EQ(admitted(kind, LogLevel::info, 1000), 200U);
  EXPECT_EQ(admitted(another, LogLevel::error, 1000), 50U) << "each kind for itself";
  EXPECT_TRUE(left_out().empty()) << "there is no room for that either";
  now_ns += ns_per_second;
  EXPECT_EQ(left_out(), (std::map<std::string, std::uint64_t>{{kind, 800}, {another, 950}}));
  EXPECT_TRUE(left_out().empty()) << "said once";
  EXPECT_EQ(admitted(another, LogLevel::error, 10), 0U);
  EXPECT_EQ(left_out(true), (std::map<std::string, std::uint64_t>{{another, 10}}));
}

TEST_F(LogGateTest, KeepsTheErrorsOfAKindThatIsFloodedAtAnotherLevel) {
  EXPECT_EQ(admitted(kind, LogLevel::info, 1000), 200U);
  EXPECT_EQ(admitted(kind, LogLevel::error, 40), 40U);
  EXPECT_EQ(admitted(kind, LogLevel::warning, 60), 50U);
  std::map<LogLevel, std::uint64_t> levels;
  gate.tell_left_out(now_ns, true, [&](std::string_view, LogLevel level, std::uint64_t events) {
    levels[level] += events;
  });
  EXPECT_EQ(levels,
            (std::map<LogLevel, std::uint64_t>{{LogLevel::info, 800}, {LogLevel::warning, 10}}));
}

TEST_F(LogGateTest, LetsSoManyInASecondPassForLong) {
  std::uint64_t good = 0;
  std::uint64_t bad = 0;
  for (int i = 0; i < 10'000; ++i) {
    now_ns += 10 * ns_per_ms;
    good += admitted(kind, LogLevel::info, 10);
    bad += admitted(another, LogLevel::warning, 10);
  }
  EXPECT_NEAR(static_cast<double>(good), 200 + 100 * 100, 2);
  EXPECT_NEAR(static_cast<double>(bad), 50 + 100, 2);
}

TEST_F(LogGateTest, SaysWhatItLeavesOutWhileAFloodLasts) {
  std::uint64_t good = 0;
  std::uint64_t told = 0;
  int times = 0;
  for (int i = 0; i < 6'000; ++i) {
    now_ns += 10 * ns_per_ms;
    good += admitted(kind, LogLevel::error, 1);
    if (i % 50 == 0) {
      for (const auto& [of, events] : left_out()) {
        told += events;
        ++times;
      }
    }
  }
  EXPECT_GE(times, 4);
  EXPECT_LE(times, 30);
  EXPECT_EQ(good + told + left_out(true)[kind], 6'000U);
}

TEST_F(LogGateTest, NeverHoldsUpWhatIsRare) {
  for (int i = 0; i < 1000; ++i) {
    now_ns += ns_per_second;
    EXPECT_EQ(admitted(kind, LogLevel::error, 1), 1U);
  }
  EXPECT_TRUE(left_out(true).empty());
}

}  // namespace
}  // namespace eradio
