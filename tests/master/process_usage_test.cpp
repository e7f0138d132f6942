#include "master/process_usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace eradio {
namespace {

TEST(ProcessUsage, OfThisProcessIsWhatItKnowsItself) {
  const auto usage = usage_of(::getpid());
  ASSERT_TRUE(usage);
  rusage own{};
  ASSERT_EQ(::getrusage(RUSAGE_SELF, &own), 0);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  EXPECT_NEAR(usage->user_s + usage->system_s, seconds(own.ru_utime) + seconds(own.ru_stime), 0.5);
  EXPECT_GT(usage->memory_bytes, 1U << 20U);
}

TEST(ProcessUsage, OfNobodyIsNothing) { EXPECT_EQ(usage_of(-7), std::nullopt); }

TEST(ProcessUsage, IsReadBehindANameThatLooksLikeMoreFields) {
  const auto usage = parse_process_stat(
      "42 (a) 1 (b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 99 1000000 3 18446744073709551615 1",
      100, 4096);
  ASSERT_TRUE(usage);
  EXPECT_EQ(*usage, (ProcessUsage{
                        .user_s = 2.5, .system_s = 0.5, .memory_bytes = std::uint64_t{3} * 4096}));
}

TEST(ProcessUsage, CutOffOrNonsenseIsNothing) {
  for (const char* text : {"", "42 (a", "42 (a)", "42 (a) S 1 2 3",
                           "42 (a) S 1 2 3 4 5 6 7 8 9 10 x y 0 0 20 0 1 0 99 1000000 3 1"}) {
    EXPECT_EQ(parse_process_stat(text, 100, 4096), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace eradio
