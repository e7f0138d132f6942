// Many listeners, slow ones beside fast ones, and frames larger than sockets like them. Timed: runs
// alone.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/support/age_histogram.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/server.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Until all listen; then what they missed while they came does not count any more.
void let_all_join(ListenerCrowd& crowd) {
  ASSERT_TRUE(crowd.run_until_all_listen(4 * patience)) << crowd.ended() << " have ended";
  crowd.run_for(milliseconds(500));
}

TEST(Load, OfTwoThousandListenersIsCarriedAndNobodyMissesAFrame) {
  const int listeners = scaled_down(2000);
  Server server;
  ListenerCrowd crowd;
  AgeHistogram ages;
  crowd.add({.endpoint = server.ipv4(), .ages = &ages}, listeners);
  let_all_join(crowd);
  // max_lag is 250 ms: on a machine where others keep a worker from running for that long, skipping
  // is what it should do. Within three windows there must be one in which nobody missed a frame.
  std::uint64_t missed = 1;
  for (int window = 0; window < 3 && missed > 0; ++window) {
    ages.clear();
    const std::uint64_t frames_before = crowd.frames();
    const std::uint64_t missed_before = crowd.missed();
    crowd.run_for(seconds(5));
    const std::uint64_t frames = crowd.frames() - frames_before;
    missed = crowd.missed() - missed_before;
    std::printf(
        "%d listeners: %llu frames, %llu missed, age p50 %.1f ms, p99 %.1f ms, max %.1f ms\n",
        listeners, static_cast<unsigned long long>(frames), static_cast<unsigned long long>(missed),
        ages.quantile_ms(0.5), ages.quantile_ms(0.99), ages.max_ms());
    EXPECT_GE(frames + missed, static_cast<std::uint64_t>(listeners) * 5 * 34);
  }
  EXPECT_EQ(missed, 0U);
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U);
  expect_clean_stop(server.stop());
}

TEST(Load, OfSlowReadersChangesNothingForFastListeners) {
  Server server;
  ListenerCrowd crowd;
  AgeHistogram ages;
  const auto fast = crowd.add({.endpoint = server.ipv4(), .ages = &ages}, scaled_down(2000));
  let_all_join(crowd);
  ages.clear();
  crowd.run_for(seconds(3));
  const double p99_alone_ms = ages.quantile_ms(0.99);

  // A quarter of the stream's rate, with little room in the kernel.
  const auto slow = crowd.add({.endpoint = server.ipv4(),
                               .socket = {.receive_buffer_bytes = 4096},
                               .bytes_per_second = 4000},
                              scaled_down(200));
  let_all_join(crowd);
  crowd.run_for(seconds(3));
  ages.clear();
  crowd.run_for(seconds(3));
  const double p99_beside_slow_ms = ages.quantile_ms(0.99);
  std::printf("p99 of the fast: %.1f ms alone, %.1f ms beside the slow\n", p99_alone_ms,
              p99_beside_slow_ms);
  EXPECT_LT(p99_beside_slow_ms, 3 * p99_alone_ms + 50);
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U);
  for (const CrowdListener* listener : fast) {
    ASSERT_EQ(listener->check().missed(), 0U);
  }
  std::uint64_t missed_by_slow = 0;
  for (const CrowdListener* listener : slow) {
    missed_by_slow += listener->check().missed();
  }
  EXPECT_GT(missed_by_slow, 0U) << "they were not slow";
}

struct LargeFrames {
  const char* name;
  std::string source_options;
  std::vector<std::string> server_arguments;
  std::uint64_t bytes_per_second;  // of the stream
  bool also_slow_and_tiny;         // else that would take minutes for a frame
};

void PrintTo(const LargeFrames& frames, std::ostream* out) { *out << frames.name; }

class Large : public ::testing::TestWithParam<LargeFrames> {};

TEST_P(Large, AreNeverTornHoweverTheyAreRead) {
  Server server(
      {.source = test_source(GetParam().source_options), .arguments = GetParam().server_arguments});
  ListenerCrowd crowd;
  const auto fast = crowd.add({.endpoint = server.ipv4()}, 3);
  crowd.add({.endpoint = server.ipv4(), .socket = {.receive_buffer_bytes = 4096}}, 3);
  crowd.add({.endpoint = server.ipv4(), .bytes_per_second = GetParam().bytes_per_second / 3}, 3);
  if (GetParam().also_slow_and_tiny) {
    crowd.add({.endpoint = server.ipv4(),
               .socket = {.receive_buffer_bytes = 4096},
               .bytes_per_second = GetParam().bytes_per_second / 20},
              3);
  }
  ASSERT_TRUE(crowd.run_until(
      [&] {
        return std::all_of(fast.begin(), fast.end(),
                           [](const CrowdListener* l) { return l->check().frames() >= 10; });
      },
      4 * patience));
  // The slow ones need a few seconds for a frame; more than they can hold has come by then.
  EXPECT_TRUE(crowd.run_until(
      [&] {
        return std::all_of(crowd.listeners().begin(), crowd.listeners().end(),
                           [](const auto& l) { return l->check().frames() >= 2; });
      },
      4 * patience));
  crowd.run_for(milliseconds(500));
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U);
  expect_clean_stop(server.stop());
}

INSTANTIATE_TEST_SUITE_P(
    Frames, Large,
    ::testing::Values(
        LargeFrames{"Of100Kilobytes25TimesASecond", "--rate 25 --size 100000", {}, 2'500'000, true},
        LargeFrames{"OfMaxFrameExactly", "--rate 5 --size 1048575", {}, 5'242'875, false},
        LargeFrames{"LargerThanAnySocketBuffer",
                    "--rate 2 --size 12000000",
                    {"--max_frame", "16 MiB", "--ring_size", "80 MiB"},
                    24'000'000,
                    false}),
    [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace eradio::testing
