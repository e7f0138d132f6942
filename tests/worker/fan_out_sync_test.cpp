// Where a listener may begin and go on, and the header that it needs there.

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/worker/fan_out_fixture.h"

namespace eradio {
namespace {

using test::Connection;
using test::Numbers;
using test::test_time;

class FanOutSync : public test::FanOutTest {
 protected:
  // A frame for each letter: "s" a sync point, "d" dependent, "h" a header, "-" no header any more.
  void append_all(const std::string& kinds, std::size_t bytes = 418) {
    for (const char kind : kinds) {
      if (kind == '-') {
        store.forget_header();
      } else {
        append(bytes, kind == 's'   ? FrameKind::sync_point
                      : kind == 'd' ? FrameKind::dependent
                                    : FrameKind::header);
      }
    }
  }
  void pass_all(const std::string& kinds, std::int64_t interval_ns = 0, std::size_t bytes = 418) {
    for (const char kind : kinds) {
      append_all({kind}, bytes);
      fan_out.pass();
      test_time += interval_ns;
    }
  }
  // Lets a listener with a small buffer fall behind, so that it has begun no frame that it has not
  // been sent.
  void fill(Connection& connection) {
    join(connection);
    while (!fan_out.somebody_waits()) {
      pass_all("s");
    }
    fan_out.pass();
  }
};

TEST_F(FanOutSync, AListenerBeginsWithTheNewestSyncPointAndGetsWhatFollowsItAtOnce) {
  append_all("sddsdd");
  Connection connection;
  join(connection);
  EXPECT_EQ(frames_in(drain(connection)), (Numbers{4, 5, 6}));
  EXPECT_EQ(totals().frames_skipped, 0U);
}

TEST_F(FanOutSync, AListenerThatFindsNoSyncPointWaitsForTheNext) {
  append_all("dd");
  Connection connection;
  join(connection);
  pass_all("dd");
  EXPECT_EQ(frames_in(drain(connection)), Numbers{});
  pass_all("sd");
  EXPECT_EQ(frames_in(drain(connection)), (Numbers{5, 6}));
  EXPECT_EQ(totals().frames_skipped, 0U) << "they were none of its";
  EXPECT_EQ(totals().jumps, 0U);
}

TEST_F(FanOutSync, ASyncPointOlderThanTheCeilingIsNoPlaceToBegin) {
  append_all("s");
  test_time += limits.lag_ns_ceiling + 1;
  append_all("d");
  Connection connection;
  join(connection);
  pass_all("s");
  EXPECT_EQ(frames_in(drain(connection)), (Numbers{3}));
}

TEST_F(FanOutSync, AListenerThatHasSkippedGoesOnWithTheNewestSyncPoint) {
  Connection connection(2048);
  fill(connection);
  const std::uint64_t before = store.next();
  pass_all("ddsdddsddd", 26 * ns_per_ms);
  test_time += 100 * ns_per_ms;
  pass_all("d");
  const Numbers got = frames_in(drain(connection));
  const auto gap = std::adjacent_find(got.begin(), got.end(),
                                      [](auto one, auto next) { return next != one + 1; });
  ASSERT_NE(gap, got.end()) << "there is no jump";
  EXPECT_EQ(*(gap + 1), before + 6) << "the newest sync point";
  EXPECT_EQ(got.back(), store.next() - 1);
  EXPECT_EQ(totals().jumps, 1U);
  EXPECT_EQ(totals().frames_skipped + got.size(), store.next() - 1);
}

TEST_F(FanOutSync, AListenerForWhichThereIsNothingToSkipToGoesOnUpToTheCeiling) {
  Connection connection(2048);
  fill(connection);
  const int socket_frames = static_cast<int>(store.next());
  EXPECT_GT(socket_frames, 2);
  pass_all(std::string(20, 'd'), 50 * ns_per_ms);  // a second: more than max_lag
  EXPECT_EQ(totals().jumps, 0U);
  Numbers got = frames_in(drain(connection));
  EXPECT_EQ(got.size(), store.next() - 1) << "none is missing";
  EXPECT_EQ(totals().jumps, 0U);
}

TEST_F(FanOutSync, BeyondTheCeilingItWaitsForTheNextSyncPoint) {
  Connection connection(2048);
  fill(connection);
  pass_all(std::string(60, 'd'), 50 * ns_per_ms);  // three seconds
  EXPECT_EQ(totals().jumps, 1U);
  drain(connection);
  pass_all("dd");
  EXPECT_EQ(frames_in(drain(connection)), Numbers{});
  pass_all("sd");
  EXPECT_EQ(frames_in(drain(connection)), (Numbers{store.next() - 2, store.next() - 1}));
  EXPECT_EQ(totals().jumps, 1U) << "still the same";
}

TEST_F(FanOutSync, TheHeaderGoesBeforeTheFirstFrame) {
  append_all("hsdsd");
  Connection connection;
  join(connection);
  pass_all("d");
  EXPECT_EQ(frames_in(drain(connection)), (Numbers{1, 4, 5, 6}));
}

TEST_F(FanOutSync, ANewHeaderReachesEverybodyInItsPlace) {
  append_all("hs");
  Connection connection;
  join(connection);
  pass_all("shsd");
  EXPECT_EQ(frames_in(drain(connection)), (Numbers{1, 2, 3, 4, 5, 6}));
  Connection late;
  join(late, 2);
  EXPECT_EQ(frames_in(drain(late)), (Numbers{4, 5, 6})) << "only the newest";
}

TEST_F(FanOutSync, BehindAHeaderAListenerWaitsForASyncPoint) {
  append_all("shd");
  Connection connection;
  join(connection);
  EXPECT_EQ(frames_in(drain(connection)), Numbers{}) << "the one before has another header";
  pass_all("ds");
  EXPECT_EQ(frames_in(drain(connection)), (Numbers{2, 5}));
}

TEST_F(FanOutSync, WhoSkipsGetsTheHeaderThatItMissedAndNoOtherTwice) {
  append_all("h");
  Connection connection(2048);
  fill(connection);
  pass_all("ss", 200 * ns_per_ms);
  pass_all("s");  // a jump with the same header
  Numbers got = frames_in(drain(connection));
  EXPECT_EQ(std::count(got.begin(), got.end(), 1U), 1);
  EXPECT_EQ(totals().jumps, 1U);

  while (!fan_out.somebody_waits()) {
    pass_all("s");
  }
  const std::uint64_t header = store.next();
  pass_all("h");
  pass_all("ss", 200 * ns_per_ms);
  pass_all("s");
  got = frames_in(drain(connection));
  EXPECT_EQ(totals().jumps, 2U);
  const auto place = std::find(got.begin(), got.end(), header);
  ASSERT_NE(place, got.end());
  EXPECT_EQ(*(place + 1), header + 3);
}

TEST_F(FanOutSync, AHeaderLongerThanTheSocketTakesIsFinishedFirst) {
  constexpr std::size_t header_bytes = 200'000;
  append(header_bytes, FrameKind::header);
  append_all("s");
  Connection connection(2048);
  join(connection);
  std::string all;
  while (all.size() < header_bytes + 418) {
    const std::string more = drain(connection);
    ASSERT_FALSE(more.empty()) << all.size();
    all += more;
  }
  EXPECT_EQ(frames_in(all), (Numbers{1, 2}));
  pass_all("d");
  EXPECT_EQ(frames_in(drain(connection)), (Numbers{3}));
  EXPECT_EQ(totals().frames_sent, 2U) << "a header out of turn is none";
}

TEST_F(FanOutSync, WhatIsOnItsWayBehindALongHeaderIsNotTakenForOld) {
  // Positions in the store begin with 0: the header's would be before that.
  append(50'000, FrameKind::header);
  append_all("s");
  Connection connection(2048);
  join(connection);
  for (int i = 0; i < 20; ++i) {
    pass_all("s", 26 * ns_per_ms);
    drain(connection);
  }
  EXPECT_EQ(totals().jumps, 0U);
}

TEST_F(FanOutSync, AHeaderThatIsForgottenIsNotSentAnyMore) {
  append_all("hs-s");
  Connection connection;
  join(connection);
  EXPECT_EQ(frames_in(drain(connection)), (Numbers{3}));
}

TEST_F(FanOutSync, WhatLiesBeforeTheEndOfAHeaderIsNoPlaceToBegin) {
  append_all("hs-");
  Connection connection;
  join(connection);
  EXPECT_EQ(frames_in(drain(connection)), Numbers{});
  pass_all("s");
  EXPECT_EQ(frames_in(drain(connection)), (Numbers{3}));
}

TEST_F(FanOutSync, BehindALongHeaderTheGateIsAskedAgain) {
  append(50'000, FrameKind::header);
  append_all("s");
  Connection connection(2048);
  join(connection);
  for (int i = 0; i < 20; ++i) {
    run_loop();
    pass_all("s");
  }
  EXPECT_EQ(totals().frames_sent, 0U) << "the header is on its way still";
  EXPECT_EQ(frames_in(drain(connection)).size(), 22U);
  EXPECT_EQ(totals().jumps, 0U);
}

TEST_F(FanOutSync, WhatIsSkippedBeforeAListenersFirstFrameIsNoneOfIts) {
  append(50'000, FrameKind::header);
  append_all("s");
  Connection connection(2048);
  join(connection);
  pass_all(std::string(40, 's'), 26 * ns_per_ms);
  const Numbers got = frames_in(drain(connection));
  ASSERT_GE(got.size(), 2U);
  EXPECT_GT(got[1], 30U) << "behind the header it began with the newest";
  EXPECT_EQ(totals().jumps, 0U);
  EXPECT_EQ(totals().frames_skipped, 0U);
}

TEST_F(FanOutSync, AListenerThatBeginsWithAnOldSyncPointIsNotTakenForOneOnASlowLink) {
  append_all("s");
  for (int i = 0; i < 35; ++i) {
    test_time += 50 * ns_per_ms;
    append_all("d");
  }
  Connection connection;
  join(connection);
  for (int i = 0; i < 20; ++i) {
    run_loop(std::chrono::milliseconds(2));
    connection.read_all();
  }
  const std::uint64_t looks = counters.queue_looks_total.get();
  for (int i = 0; i < 100; ++i) {
    pass_all("d", 5 * ns_per_ms);
    connection.read_all();
  }
  EXPECT_LT(counters.queue_looks_total.get() - looks, 20U)
      << "a congested one is looked at for each";
  EXPECT_EQ(totals().jumps, 0U);
}

}  // namespace
}  // namespace eradio
