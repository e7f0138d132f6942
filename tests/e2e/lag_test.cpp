// How far behind listeners are on networks of several kinds, with the real kernel's TCP. Bounds
// leave room for a busy machine; docs/lag.md has what is measured on a quiet one.

#include <sys/socket.h>

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/link/lag_measurement.h"
#include "tests/support/api_client.h"
#include "tests/support/network_namespace.h"
#include "tests/support/patience.h"
#include "tests/support/server.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;

constexpr double stream_bits = 128'000;

LagListener link(double times_the_stream, int rtt_ms, double loss = 0) {
  return {.link = {.bits_per_second = static_cast<std::uint64_t>(times_the_stream * stream_bits),
                   .delay_ns = rtt_ms * ns_per_ms / 2,
                   .loss = loss,
                   .queue_bytes = std::uint64_t{256} * 1024}};
}

// How many frames a second such a link carries, each in a packet of its own.
double carried(double times_the_stream) {
  return times_the_stream * stream_bits / 8 / (mp3_frame_bytes + tcp_head_bytes);
}

class Lag : public ::testing::Test {
 protected:
  static constexpr int seconds = 5;

  void SetUp() override { ERADIO_NEEDS_LINKS(); }

  // With the listeners joined for a while.
  void begin(const std::vector<LagListener>& settings, ServerOptions options = {}) {
    links_.emplace(static_cast<int>(settings.size()));
    options.network_namespace = links_->near();
    server_.emplace(options);
    listeners_.emplace(*links_, server_->port(), settings);
    listeners_->wait_for_all();
    listeners_->run_for(milliseconds(2000));
  }
  std::vector<LagResult> measure(const std::vector<LagListener>& settings) {
    begin(settings);
    auto results = listeners_->measure(std::chrono::seconds(seconds));
    EXPECT_EQ(listeners_->fault(), "");
    return results;
  }

  // What one listener hears in some seconds depends on what the others' packets and its losses do;
  // what several alike hear on average hardly does. This is the mean of each of the settings.
  struct Mean {
    double p50_ms = 0;
    double p99_ms = 0;
    double frames_per_second = 0;
    double jumps_per_second = 0;
  };
  std::vector<Mean> measure_alike(const std::vector<LagListener>& settings) {
    constexpr std::size_t alike = 6;
    std::vector<LagListener> all;
    for (std::size_t i = 0; i < alike; ++i) {
      all.insert(all.end(), settings.begin(), settings.end());
    }
    const auto results = measure(all);
    std::vector<Mean> means(settings.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      Mean& mean = means[i % settings.size()];
      mean.p50_ms += results[i].p50_ms / alike;
      mean.p99_ms += results[i].p99_ms / alike;
      mean.frames_per_second += static_cast<double>(results[i].frames) / (alike * seconds);
      mean.jumps_per_second += static_cast<double>(results[i].jumps) / (alike * seconds);
    }
    return means;
  }

  std::optional<EmulatedLinks> links_;
  std::optional<Server> server_;
  std::optional<LagMeasurement> listeners_;
};

TEST_F(Lag, OnALinkThatCarriesTheStreamIsThatOfTheWayAndNothingIsSkipped) {
  const std::vector<int> round_trips{1, 20, 100, 300};
  std::vector<LagListener> settings;
  for (const int rtt_ms : round_trips) {
    settings.push_back(link(1.2, rtt_ms));
  }
  const auto results = measure(settings);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const double one_way = round_trips[i] / 2.0;
    // None, but for a moment in which the whole machine stood still.
    EXPECT_LE(results[i].jumps, 1U) << "round trip " << round_trips[i];
    EXPECT_GE(results[i].frames, 36U * seconds) << "round trip " << round_trips[i];
    EXPECT_LT(results[i].p50_ms, one_way + 60) << "round trip " << round_trips[i];
    EXPECT_LT(results[i].p99_ms, one_way + 200) << "round trip " << round_trips[i];
  }
}

TEST_F(Lag, OnALinkThatIsTooSlowIsBoundedAndTheLinkIsUsed) {
  const std::vector<double> rates{0.75, 0.5, 0.5, 0.25};
  const auto results =
      measure_alike({link(0.75, 100), link(0.5, 300), link(0.5, 1), link(0.25, 20)});
  const std::vector<double> medians{400, 650, 400, 650};
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_LT(results[i].p50_ms, medians[i]) << "link " << i;
    EXPECT_LT(results[i].p99_ms, medians[i] + 400) << "link " << i;
    EXPECT_GT(results[i].frames_per_second, 0.75 * carried(rates[i])) << "link " << i;
    // Few long jumps sound better than many short ones: what is missing is so much of a second, and
    // a jump is about max_lag long.
    EXPECT_LT(results[i].jumps_per_second, 5) << "link " << i;
  }
}

TEST_F(Lag, OnALossyLinkIsNotTakenForThatOfASlowOne) {
  const auto results = measure_alike({link(1.5, 100, 0.03), link(5, 20, 0.03), link(5, 300, 0.01)});
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_GT(results[i].frames_per_second, 0.88 * mp3_frames_per_second) << "link " << i;
    EXPECT_LT(results[i].jumps_per_second, 1) << "link " << i;
    EXPECT_LT(results[i].p99_ms, 1500) << "link " << i;
  }
}

TEST_F(Lag, OfALinkThatFallsIsBoundedAndSoonForgottenWhenItComesBack) {
  begin({link(5, 40)});
  const auto newest_age_ms = [&] {
    return static_cast<double>(listeners_->heard_by(0).last_age_ns()) / 1e6;
  };
  links_->set(0, link(0.25, 40).link);
  listeners_->run_for(milliseconds(2000));  // what was on its way when it fell
  const auto slow = listeners_->measure(milliseconds(5000)).at(0);
  EXPECT_LT(slow.p99_ms, 900);
  EXPECT_GT(static_cast<double>(slow.frames), 0.75 * carried(0.25) * 5);
  links_->set(0, link(5, 40).link);
  listeners_->run_for(milliseconds(1000));
  EXPECT_LT(newest_age_ms(), 600);
  const auto again = listeners_->measure(milliseconds(3000)).at(0);
  EXPECT_EQ(again.missed, 0U);
  EXPECT_LT(again.p50_ms, 100);
  EXPECT_EQ(listeners_->fault(), "");
}

TEST_F(Lag, OfALinkThatGetsLongerIsThatOfTheNewWaySoon) {
  begin({link(5, 20)});
  links_->set(0, link(5, 320).link);
  LagResult longer{.missed = 1};
  for (int i = 0; i < 15 && longer.missed > 0; ++i) {  // it is measured, and the rate grows
    longer = listeners_->measure(milliseconds(3000)).at(0);
  }
  EXPECT_EQ(longer.missed, 0U);
  EXPECT_LT(longer.p50_ms, 300);
  links_->set(0, link(5, 20).link);
  listeners_->run_for(milliseconds(1000));
  EXPECT_LT(listeners_->measure(milliseconds(2000)).at(0).p50_ms, 100);
}

TEST_F(Lag, OfFramesLargerThanAnyBufferIsThatOfTheWayToo) {
  // 20 Mbit/s: 25 frames of 100 KB a second, as a video has them.
  const auto video = [](double times_the_stream) {
    return LagListener{
        .link = {.bits_per_second = static_cast<std::uint64_t>(times_the_stream * 20e6),
                 .delay_ns = 10 * ns_per_ms,
                 .queue_bytes = std::uint64_t{512} * 1024}};
  };
  begin({video(1.5), video(0.5)}, {.source = test_source("--rate 25 --size 100000")});
  const auto results = listeners_->measure(std::chrono::seconds(seconds));
  EXPECT_EQ(listeners_->fault(), "");
  EXPECT_EQ(results[0].missed, 0U);
  EXPECT_LT(results[0].p50_ms, 150);
  EXPECT_GT(results[1].frames, 25 * 0.5 * 0.7 * seconds);
  EXPECT_LT(results[1].p99_ms, 900);
}

TEST_F(Lag, OfSpeechInSmallFramesIsThatOfTheWayToo) {
  // 16 kbit/s: 50 frames of 40 bytes a second; with their heads they need 37 kbit/s.
  begin({{.link = {.bits_per_second = 45'000, .delay_ns = 20 * ns_per_ms}}},
        {.source = test_source("--rate 50 --size 40")});
  const auto result = listeners_->measure(std::chrono::seconds(seconds)).at(0);
  EXPECT_EQ(listeners_->fault(), "");
  EXPECT_EQ(result.missed, 0U);
  EXPECT_LT(result.p50_ms, 120);
}

TEST_F(Lag, OnASlowLinkIsBoundedByTheDistanceOfSyncPointsToo) {
  // Ten frames to a group: 0.26 s, more than max_lag; and a header that goes before some of them.
  begin({link(0.5, 40), link(0.75, 40), link(1.5, 40)},
        {.source = test_source("--rate 38.28 --size 418 --sync_every 10 --header_every 50")});
  const auto results = listeners_->measure(std::chrono::seconds(seconds));
  EXPECT_EQ(listeners_->fault(), "") << "all went on at sync points, with their headers";
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_GT(results[i].jumps, 0U);
    EXPECT_LT(results[i].p99_ms, 1500) << i;
  }
  EXPECT_EQ(results[2].missed, 0U) << "this one is fast enough";
  EXPECT_LT(results[2].p99_ms, 250);
}

TEST_F(Lag, IsForEachListenerAsItAsksForUpToTheCeiling) {
  std::vector<LagListener> listeners(4, link(0.5, 20));
  listeners[0].target = "/stream.mp3?max_lag=0";
  listeners[2].target = "/stream.mp3?max_lag=1000";
  listeners[3].target = "/stream.mp3?max_lag=60000";
  begin(listeners, {.arguments = {"--max_lag_ceiling", "1 s"}});
  const auto results = listeners_->measure(std::chrono::seconds(seconds));
  EXPECT_EQ(listeners_->fault(), "");
  EXPECT_LT(results[0].p99_ms + 50, results[1].p99_ms) << "none, and 250 ms";
  EXPECT_LT(results[1].p99_ms + 300, results[2].p99_ms) << "250 ms, and a second";
  EXPECT_LT(results[3].p99_ms, results[2].p99_ms + 300) << "a minute is over the ceiling";
  EXPECT_GT(results[0].jumps, results[1].jumps);
  EXPECT_GT(results[1].jumps, results[2].jumps);
}

TEST_F(Lag, OfAPeerThatHasVanishedIsNotWaitedForLongerThanTheStallTimeout) {
  begin({link(5, 20)}, {.arguments = {"--stall_timeout", "2 s"}});
  const InNetworkNamespace inside(links_->near());
  const auto listeners = [&] {
    const auto metadata = get_metadata(server_->ipv4());
    return metadata ? metadata->listeners : 99;
  };
  EXPECT_EQ(listeners(), 1U);
  links_->set(0, {.loss = 1});
  const std::int64_t begin_ns = monotonic_ns();
  EXPECT_TRUE(comes_true([&] { return listeners() == 0; }));
  EXPECT_GT(monotonic_ns() - begin_ns, 1500 * ns_per_ms);
}

}  // namespace
}  // namespace eradio::testing
