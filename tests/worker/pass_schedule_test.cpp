// When passes begin, by a clock of our own: what a frame waits, and what part of the time passes
// take.

#include "worker/pass_schedule.h"

#include <gtest/gtest.h>

#include "common/clock.h"

namespace eradio {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t frame_ns = 26 * ns_per_ms;

// What became of frames that come every 26 ms while each pass takes so long.
struct Course {
  std::int64_t longest_wait_ns = 0;  // of a frame that has come, until its pass begins
  std::int64_t oldest_ns = 0;        // age of a frame when its pass ends
  double busy = 0;                   // part of the time that passes took
  double frames_in_pass = 0;
};

Course course(PassSchedule schedule, std::int64_t pass_ns) {
  Course course;
  constexpr int frames = 2000;
  constexpr int frames_before = 200;  // until it knows how long a pass takes
  std::int64_t now_ns = 0;
  std::int64_t busy_ns = 0;
  int passes = 0;
  for (int next = 0; next < frames;) {
    const std::int64_t came_ns = next * frame_ns;
    now_ns = std::max(now_ns, came_ns);
    const std::int64_t begin_ns = schedule.begin_ns(now_ns, came_ns);
    if (next >= frames_before) {
      course.longest_wait_ns = std::max(course.longest_wait_ns, begin_ns - now_ns);
      course.oldest_ns = std::max(course.oldest_ns, begin_ns + pass_ns - came_ns);
      busy_ns += pass_ns;
      ++passes;
    }
    while (next < frames && next * frame_ns <= begin_ns) {
      ++next;
    }
    now_ns = begin_ns + pass_ns;
    schedule.passed(begin_ns, now_ns);
  }
  const int counted = frames - frames_before;
  course.busy = static_cast<double>(busy_ns) / static_cast<double>(counted * frame_ns);
  course.frames_in_pass = static_cast<double>(counted) / passes;
  return course;
}

TEST(PassSchedule, SendsAtOnceWhileThereIsTime) {
  for (const std::int64_t pass_ns : {0L, ns_per_ms, 12 * ns_per_ms}) {
    const Course quick = course({std::nullopt, milliseconds(100)}, pass_ns);
    EXPECT_EQ(quick.longest_wait_ns, 0) << pass_ns;
    EXPECT_NEAR(quick.frames_in_pass, 1, 0.01) << pass_ns;
  }
}

TEST(PassSchedule, GathersSoThatPassesTakeHalfOfTheTime) {
  for (const std::int64_t pass_ns : {20 * ns_per_ms, 30 * ns_per_ms}) {
    const Course slow = course({std::nullopt, milliseconds(100)}, pass_ns);
    EXPECT_LE(slow.busy, 1.05 * PassSchedule::busy_share) << pass_ns;
    EXPECT_GE(slow.busy, 0.6 * PassSchedule::busy_share) << pass_ns;
    EXPECT_GT(slow.frames_in_pass, 1.5) << pass_ns;
  }
}

TEST(PassSchedule, MakesNoFrameOlderThanItMay) {
  for (const std::int64_t pass_ms : {20, 30, 40, 45, 50}) {
    const Course slow = course({std::nullopt, milliseconds(100)}, pass_ms * ns_per_ms);
    EXPECT_LE(slow.oldest_ns, 101 * ns_per_ms) << pass_ms;
  }
}

TEST(PassSchedule, WaitsForNothingWhereAPassTakesLongerThanFramesMayGetOld) {
  const std::int64_t pass_ns = 120 * ns_per_ms;
  const Course crawling = course({std::nullopt, milliseconds(100)}, pass_ns);
  EXPECT_EQ(crawling.longest_wait_ns, 0);
  EXPECT_LE(crawling.oldest_ns, 2 * pass_ns);  // as old as without any schedule
}

TEST(PassSchedule, HasOneSlowPassNotChangeMuch) {
  PassSchedule schedule(std::nullopt, milliseconds(100));
  schedule.passed(0, 10 * ns_per_ms);
  const std::int64_t begin_ns = 100 * ns_per_ms;
  schedule.passed(begin_ns, begin_ns + 5000 * ns_per_ms);  // the process stood still
  const std::int64_t next_ns = begin_ns + 5000 * ns_per_ms;
  EXPECT_EQ(schedule.begin_ns(next_ns, next_ns), next_ns);
  for (int i = 1; i < 4; ++i) {
    const std::int64_t came_ns = next_ns + i * frame_ns;
    const std::int64_t waits_ns = schedule.begin_ns(came_ns, came_ns) - came_ns;
    EXPECT_LE(waits_ns, frame_ns) << i;
    schedule.passed(came_ns, came_ns + 10 * ns_per_ms);
  }
}

TEST(PassSchedule, WaitsAsLongAsItIsTold) {
  const PassSchedule schedule(milliseconds(40), milliseconds(100));
  EXPECT_EQ(schedule.begin_ns(7, 5), 7 + 40 * ns_per_ms);
  EXPECT_EQ(PassSchedule(milliseconds(0), milliseconds(100)).begin_ns(7, 5), 7);
}

}  // namespace
}  // namespace eradio
