// That it is proper text of the format, promtool says in tests/e2e/metrics_test.cpp.
#include "master/metrics.h"

#include <map>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "common/version.h"

namespace eradio {
namespace {

// Samples by name and labels.
std::map<std::string, double> samples_of(const std::string& text) {
  std::map<std::string, double> samples;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) {
      continue;
    }
    const auto space = line.rfind(' ');
    const bool is_new =
        samples.emplace(line.substr(0, space), std::stod(line.substr(space))).second;
    EXPECT_TRUE(is_new) << "twice: " << line;
  }
  return samples;
}

ServerStatus status_of_two_workers() {
  ServerStatus status;
  status.started_ns = 100 * ns_per_second;
  status.now_ns = 200 * ns_per_second;
  status.started_unix_s = 1000;
  status.now_unix_s = 5000;  // the clock has been set since
  status.source = {.process = 9, .restarts = 1, .last_frame_ns = 150 * ns_per_second};
  status.source.counters.dependent_frames = 6;
  status.workers.resize(2);
  status.workers[0].process = {
      .slot = 0, .process = 10, .restarts = 3, .crashes = 2, .ready = true};
  status.workers[0].counts = {.listeners = 4,
                              .notify_clients = 0,
                              .totals = {.frames_sent = 5, .bytes_sent = 0, .frames_skipped = 2}};
  status.workers[0].usage = ProcessUsage{.user_s = 0.5, .system_s = 0.25, .memory_bytes = 4096};
  status.workers[0].activity.frame_ages = {.frames = {1, 2}, .sum_ns = 4 * ns_per_ms};
  status.workers[1].process.slot = 1;
  status.past_activity.frame_ages = {.frames = {0, 1}, .sum_ns = 2 * ns_per_ms};
  status.past_activity.frame_ages.frames.back() = 1;
  return status;
}

TEST(Metrics, AreWhatTheStatusSays) {
  auto samples = samples_of(metrics_text(status_of_two_workers()));
  EXPECT_EQ(samples["eradio_build_info{version=\"" ERADIO_VERSION "\"}"], 1);
  EXPECT_EQ(samples["process_start_time_seconds"], 1000);
  EXPECT_EQ(samples[R"(eradio_listeners{worker="0"})"], 4);
  EXPECT_EQ(samples[R"(eradio_worker_up{worker="0"})"], 1);
  EXPECT_EQ(samples[R"(eradio_worker_up{worker="1"})"], 0);
  EXPECT_EQ(samples[R"(eradio_worker_restarts_total{worker="0"})"], 3);
  EXPECT_EQ(samples[R"(eradio_worker_crashes_total{worker="0"})"], 2);
  EXPECT_EQ(samples[R"(eradio_worker_cpu_seconds_total{worker="0",mode="system"})"], 0.25);
  EXPECT_EQ(samples.count(R"(eradio_worker_cpu_seconds_total{worker="1",mode="system"})"), 0U);
  EXPECT_EQ(samples["eradio_frames_sent_total"], 5);
  EXPECT_EQ(samples["eradio_frames_skipped_total"], 2);
  EXPECT_EQ(samples[R"(eradio_source_frames_total{kind="dependent"})"], 6);
  EXPECT_EQ(samples["eradio_source_last_frame_timestamp_seconds"], 4950);
}

TEST(Metrics, HaveTheAgesOfAllFramesAsACumulativeHistogram) {
  auto samples = samples_of(metrics_text(status_of_two_workers()));
  EXPECT_EQ(samples[R"(eradio_frame_age_seconds_bucket{le="0.001"})"], 1);
  EXPECT_EQ(samples[R"(eradio_frame_age_seconds_bucket{le="0.002"})"], 4);
  EXPECT_EQ(samples[R"(eradio_frame_age_seconds_bucket{le="2.5"})"], 4);
  EXPECT_EQ(samples[R"(eradio_frame_age_seconds_bucket{le="+Inf"})"], 5);
  EXPECT_EQ(samples["eradio_frame_age_seconds_count"], 5);
  EXPECT_DOUBLE_EQ(samples["eradio_frame_age_seconds_sum"], 0.006);
}

TEST(Metrics, AreAsManyWhateverTheListenersAre) {
  const std::size_t few = samples_of(metrics_text(status_of_two_workers())).size();
  ServerStatus status = status_of_two_workers();
  status.workers[0].counts.listeners = 100'000;
  EXPECT_EQ(samples_of(metrics_text(status)).size(), few);
}

}  // namespace
}  // namespace eradio
