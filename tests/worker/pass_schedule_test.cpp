// How frames share sends, by a clock of our own: how old that makes them, and what part of the time
// passes take.

#include "worker/pass_schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"

namespace eradio {
namespace {

using std::chrono::milliseconds;

// What became of frames that come regularly, while a pass over all listeners takes so long.
struct Course {
  std::int64_t p99_ns = 0;     // age of frames when listeners get them
  std::int64_t oldest_ns = 0;  // the highest
  double busy = 0;             // part of the time that passes took
  double frames_in_send = 0;
};

Course course(PassSchedule schedule, std::int64_t pass_ns, std::int64_t frame_ns = 26 * ns_per_ms) {
  constexpr std::size_t listeners = 100;
  constexpr std::int64_t frames = 2000;
  constexpr std::int64_t frames_before = 200;  // until it knows how long a pass takes
  std::array<std::int64_t, listeners> cursors{};
  std::vector<std::int64_t> ages;
  std::size_t next_listener = 0;
  std::int64_t now_ns = 0;
  std::int64_t busy_ns = 0;
  std::int64_t sends = 0;
  std::int64_t sent = 0;
  for (std::int64_t there = 0; there < frames;) {
    now_ns = std::max(now_ns, there * frame_ns);
    const std::int64_t before = there;
    there = now_ns / frame_ns + 1;
    const double part = std::min(
        1.0, static_cast<double>(there - before) / static_cast<double>(schedule.frames_in_send()));
    const auto count = static_cast<std::size_t>(std::lround(part * listeners));
    const std::int64_t begin_ns = now_ns;
    for (std::size_t i = 0; i < count; ++i, ++next_listener) {
      now_ns += pass_ns / static_cast<std::int64_t>(listeners);
      std::int64_t& cursor = cursors.at(next_listener % listeners);
      if (there >= frames_before) {
        ++sends;
        sent += there - cursor;
        for (; cursor < there; ++cursor) {
          ages.push_back(now_ns - cursor * frame_ns);
        }
      }
      cursor = there;
    }
    busy_ns += there >= frames_before ? now_ns - begin_ns : 0;
    schedule.passed(begin_ns, now_ns, part, frame_ns);
  }
  std::sort(ages.begin(), ages.end());
  return {.p99_ns = ages[ages.size() * 99 / 100],
          .oldest_ns = ages.back(),
          .busy = static_cast<double>(busy_ns) /
                  static_cast<double>((frames - frames_before) * frame_ns),
          .frames_in_send = static_cast<double>(sent) / static_cast<double>(sends)};
}

PassSchedule by_load() { return {std::nullopt, milliseconds(100)}; }

TEST(PassSchedule, WithAFixedTimeLetsNoFramesShareSendsByLoad) {
  PassSchedule schedule(milliseconds(0), milliseconds(100));
  for (std::int64_t frame = 0; frame < 100; ++frame) {
    const std::int64_t begin_ns = frame * 26 * ns_per_ms;
    schedule.passed(begin_ns, begin_ns + 25 * ns_per_ms, 1, 26 * ns_per_ms);
  }
  EXPECT_GT(schedule.pass_ns(), 20 * ns_per_ms);
  EXPECT_EQ(schedule.frames_in_send(), 1);
  EXPECT_EQ(schedule.gathering_ns(), 0);
}

TEST(PassSchedule, SendsAtOnceWhileThereIsTime) {
  for (const std::int64_t pass_ns : {0L, ns_per_ms, 12 * ns_per_ms}) {
    const Course quick = course(by_load(), pass_ns);
    EXPECT_LE(quick.oldest_ns, pass_ns) << pass_ns;
    EXPECT_NEAR(quick.frames_in_send, 1, 0.01) << pass_ns;
  }
}

TEST(PassSchedule, HasFramesShareSendsSoThatPassesTakeHalfOfTheTime) {
  for (const std::int64_t pass_ms : {14, 20, 30, 45}) {
    const Course slow = course(by_load(), pass_ms * ns_per_ms);
    EXPECT_LE(slow.busy, 1.05 * PassSchedule::busy_share) << pass_ms;
    EXPECT_GE(slow.busy, 0.5 * PassSchedule::busy_share) << pass_ms;
    EXPECT_GE(slow.frames_in_send, 1.9) << "waiting must save something, " << pass_ms;
  }
}

TEST(PassSchedule, LetsNobodyWaitBehindEverybodyElse) {
  for (const std::int64_t pass_ms : {14, 20, 25}) {
    const Course slow = course(by_load(), pass_ms * ns_per_ms);
    EXPECT_NEAR(slow.frames_in_send, 2, 0.1) << pass_ms;
    // A frame to wait for, and a pass over half of them.
    EXPECT_LE(slow.p99_ns, 26 * ns_per_ms + pass_ms * ns_per_ms / 2) << pass_ms;
  }
}

TEST(PassSchedule, MakesNoFrameOlderThanItMay) {
  for (const std::int64_t pass_ms : {20, 30, 40, 45, 50, 70}) {
    const Course slow = course(by_load(), pass_ms * ns_per_ms);
    EXPECT_LE(slow.oldest_ns, 101 * ns_per_ms) << pass_ms;
  }
}

TEST(PassSchedule, WaitsForNoFrameThatComesTooLate) {
  const std::int64_t frame_ns = 110 * ns_per_ms;
  const Course rare = course(by_load(), 70 * ns_per_ms, frame_ns);
  EXPECT_NEAR(rare.frames_in_send, 1, 0.01);
  EXPECT_LE(rare.oldest_ns, 70 * ns_per_ms);
}

TEST(PassSchedule, HasManySmallFramesShareASend) {
  const Course many = course(by_load(), 20 * ns_per_ms, 2 * ns_per_ms);
  EXPECT_LE(many.busy, 1.1 * PassSchedule::busy_share);
  EXPECT_NEAR(many.frames_in_send, 20, 3);
  EXPECT_LE(many.oldest_ns, 50 * ns_per_ms);
}

TEST(PassSchedule, KeepsUpWhereAPassTakesLongerThanFramesMayGetOld) {
  const std::int64_t pass_ns = 120 * ns_per_ms;
  EXPECT_LE(course(by_load(), pass_ns).oldest_ns, 2 * pass_ns);  // as old as without any schedule
}

TEST(PassSchedule, HasOneSlowPassNotChangeMuch) {
  constexpr std::int64_t frame_ns = 26 * ns_per_ms;
  PassSchedule schedule = by_load();
  for (int i = 0; i < 50; ++i) {
    schedule.passed(0, 5 * ns_per_ms, 1, frame_ns);
  }
  schedule.passed(0, 5000 * ns_per_ms, 1, frame_ns);  // the process stood still
  EXPECT_LE(schedule.frames_in_send(), 2);
  for (int i = 0; i < 10; ++i) {
    schedule.passed(0, 5 * ns_per_ms, 1, frame_ns);
  }
  EXPECT_EQ(schedule.frames_in_send(), 1);
}

TEST(PassSchedule, ChangesTheNumberOnlyWithTheLoad) {
  constexpr std::int64_t frame_ns = 26 * ns_per_ms;
  PassSchedule schedule = by_load();
  for (int i = 0; i < 200; ++i) {
    schedule.passed(0, 13 * ns_per_ms + (i % 2) * ns_per_ms, 1, frame_ns);
    if (i > 50) {
      EXPECT_EQ(schedule.frames_in_send(), 2) << i;
    }
  }
}

TEST(PassSchedule, SaysHowLongToWaitForAFrameThatDoesNotCome) {
  constexpr std::int64_t frame_ns = 26 * ns_per_ms;
  PassSchedule schedule = by_load();
  for (int i = 0; i < 100; ++i) {
    schedule.passed(0, 20 * ns_per_ms, 1, frame_ns);
  }
  ASSERT_EQ(schedule.frames_in_send(), 2);
  EXPECT_EQ(schedule.gathering_ns(), frame_ns);
  EXPECT_GE(schedule.patience_ns(), frame_ns);
  EXPECT_LE(schedule.patience_ns(), 100 * ns_per_ms);
}

TEST(PassSchedule, WaitsAsLongAsItIsTold) {
  EXPECT_EQ(PassSchedule(milliseconds(40), milliseconds(100)).fixed(), milliseconds(40));
  EXPECT_EQ(by_load().fixed(), std::nullopt);
}

}  // namespace
}  // namespace eradio
