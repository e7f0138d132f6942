#include "worker/fan_out.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>

#include "common/system_error.h"
#include "tests/worker/fan_out_fixture.h"
#include "tests/worker/io_uring_files.h"
#include "worker/kernel_queue.h"

namespace eradio {
namespace {

using std::chrono::milliseconds;
using test::Connection;
using test::FanOutTest;
using test::Numbers;
using test::test_time;

TEST_F(FanOutTest, AListenerBeginsWithTheNewestFrameAtOnce) {
  append();
  append();
  Connection connection;
  join(connection);
  EXPECT_EQ(frames_in(drain(connection)), (Numbers{2}));
  EXPECT_EQ(counters.listeners.get(), 1U);
}

TEST_F(FanOutTest, MoreListenersThanAreSentToAtOnceGetTheSame) {
  constexpr std::size_t count = 2 * SendRing::batch_max + 22;
  std::vector<Connection> connections(count);
  for (Connection& connection : connections) {
    join(connection);
  }
  const Connection& departed = connections[SendRing::batch_max];
  ASSERT_EQ(::shutdown(departed.client.number(), SHUT_RDWR), 0);
  constexpr std::uint64_t frames = 5;
  for (std::uint64_t i = 0; i < frames; ++i) {
    test_time += 26 * ns_per_ms;
    append_and_pass();
  }
  for (const Connection& connection : connections) {
    if (&connection != &departed) {
      EXPECT_EQ(frames_in(connection.read_all()), (Numbers{1, 2, 3, 4, 5}));
    }
  }
  run_loop();
  EXPECT_EQ(counters.listeners.get(), count - 1);
  EXPECT_EQ(totals().frames_skipped, 0U);
}

#ifdef ERADIO_TEST_THROUGH_RING
TEST_F(FanOutTest, WhenTheRingFailsEverybodyIsSentToAllTheSame) {
  std::vector<Connection> connections(5);
  for (Connection& connection : connections) {
    join(connection);
  }
  append_and_pass();
  ASSERT_EQ(test::break_rings(), 1);
  ring_fails = true;
  append_and_pass();
  append_and_pass();
  for (const Connection& connection : connections) {
    EXPECT_EQ(frames_in(drain(connection)), (Numbers{1, 2, 3}));
  }
  connections.front().client.reset();
  run_loop();
  EXPECT_EQ(counters.listeners.get(), 4U);
}
#endif

TEST_F(FanOutTest, TellsOfAListenerBeforeItHasItsHead) {
  append();
  Connection connection;
  when_told_joined = [&] {
    EXPECT_EQ(connection.read_all(), "");
    EXPECT_EQ(counters.listeners.get(), 0U) << "a request, as long as it is not answered";
  };
  join(connection, 7, "head\n");
  EXPECT_EQ(joined, Numbers{7});
  EXPECT_EQ(counters.listeners.get(), 1U);
  const std::string got = connection.read_all();
  ASSERT_TRUE(got.starts_with("head\n")) << got;
  EXPECT_EQ(frames_in(got.substr(5)), Numbers{1});
  EXPECT_EQ(totals().bytes_sent, 418U) << "of the stream";
}

TEST_F(FanOutTest, AListenerWhoseSocketTakesNoHeadHasLeft) {
  append();
  Connection connection;
  ::shutdown(connection.server.number(), SHUT_WR);
  join(connection, 7, "head\n");
  EXPECT_EQ(joined, Numbers{7});
  EXPECT_EQ(left, Numbers{7});
  EXPECT_EQ(counters.listeners.get(), 0U);
  EXPECT_EQ(table.count().listeners, 0U);
}

TEST_F(FanOutTest, AListenerThatComesInAPauseGetsNoOldFrame) {
  append();
  test_time += 251 * ns_per_ms;
  Connection connection;
  join(connection);
  append_and_pass();
  EXPECT_EQ(frames_in(drain(connection)), (Numbers{2}));
  EXPECT_EQ(totals().jumps, 0U);
}

TEST_F(FanOutTest, AListenerThatComesBeforeAllFramesGetsTheFirst) {
  Connection connection;
  join(connection);
  fan_out.pass();
  append_and_pass();
  EXPECT_EQ(frames_in(drain(connection)), (Numbers{1}));
}

TEST_F(FanOutTest, EverybodyGetsEveryFrameInOrder) {
  std::vector<Connection> connections(5);
  for (Connection& connection : connections) {
    join(connection);
  }
  Numbers expected;
  for (std::uint64_t i = 1; i <= 15; ++i) {
    append_and_pass();
    expected.push_back(i);
  }
  for (const Connection& connection : connections) {
    EXPECT_EQ(frames_in(drain(connection)), expected);
  }
  EXPECT_EQ(totals().frames_sent, 5U * 15U);
  EXPECT_EQ(totals().frames_skipped, 0U);
}

TEST_F(FanOutTest, WhomTheLoopCannotWatchLeavesNothingBehind) {
  Descriptor no_socket(check_syscall(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open"));
  EXPECT_THROW(fan_out.join(std::move(no_socket), PeerAddress(), {.id = 7}), std::system_error);
  EXPECT_EQ(fan_out.listeners(), 0U);
  EXPECT_EQ(table.read().size(), 0U) << "its record is free";
}

TEST_F(FanOutTest, FramesThatCameTogetherLeaveInOneSend) {
  Connection connection;
  join(connection);
  for (int i = 0; i < 10; ++i) {
    append();
  }
  fan_out.pass();
  EXPECT_EQ(counters.sends_total.get(), 1U);
  EXPECT_EQ(frames_in(drain(connection)).size(), 10U);
}

TEST_F(FanOutTest, AHealthyListenerIsLookedIntoOnlyOncePerQueueLimit) {
  Connection connection;
  join(connection);
  for (int i = 0; i < 1000; ++i) {
    append_and_pass();
    connection.read_all();
  }
  // 418,000 bytes and a limit of 8000: about 50 looks, and the first one.
  EXPECT_LE(counters.queue_looks_total.get(), 60U);
  EXPECT_EQ(totals().frames_sent, 1000U);
}

TEST_F(FanOutTest, NoMoreThanTheLimitAndOneFrameIsEverInTheKernelsQueue) {
  Connection connection(2048);
  const int socket = connection.server.number();
  join(connection);
  for (int i = 0; i < 200; ++i) {
    append_and_pass();
    EXPECT_LE(queued_bytes(socket).value(), limits.queue_bytes_max + 418);
  }
  EXPECT_TRUE(fan_out.somebody_waits());
}

TEST_F(FanOutTest, AStalledListenerGetsTheKernelsContentAndThenTheNewestFrame) {
  Connection connection(2048);
  join(connection);
  for (int i = 0; i < 1000; ++i) {
    append_and_pass();
    test_time += 26 * ns_per_ms;
  }
  const Numbers got = frames_in(drain(connection));
  const auto fresh =
      std::adjacent_find(got.begin(), got.end(),
                         [](std::uint64_t one, std::uint64_t next) { return next != one + 1; });
  ASSERT_NE(fresh, got.end()) << "there is no jump";
  EXPECT_LT(*fresh * 418, limits.queue_bytes_max + 10'000) << "so much the kernel held";
  EXPECT_GE(*(fresh + 1), 990U) << "older than max_lag";
  EXPECT_EQ(got.back(), 1000U);
  append_and_pass();
  EXPECT_EQ(frames_in(drain(connection)), (Numbers{1001}));
  EXPECT_EQ(totals().jumps, 1U) << "the listener hears one";
  EXPECT_EQ(totals().frames_sent + totals().frames_skipped, 1001U);
}

TEST_F(FanOutTest, AListenerThatFallsBehindForLessThanTheBoundMissesNothing) {
  Connection connection(2048);
  join(connection);
  while (!fan_out.somebody_waits()) {
    append_and_pass();
  }
  for (int i = 0; i < 9; ++i) {
    test_time += 26 * ns_per_ms;
    append_and_pass();
  }
  std::string all = drain(connection);
  fan_out.pass();
  all += drain(connection);
  EXPECT_EQ(frames_in(all).size(), store.next() - 1);
  EXPECT_EQ(totals().jumps, 0U);
}

TEST_F(FanOutTest, AStalledListenerDoesNotTouchTheOthers) {
  Connection stalled(2048);
  Connection healthy;
  join(stalled, 1);
  join(healthy, 2);
  Numbers got;
  for (int i = 0; i < 500; ++i) {
    append_and_pass();
    test_time += 26 * ns_per_ms;
    const Numbers now = frames_in(healthy.read_all());
    got.insert(got.end(), now.begin(), now.end());
  }
  const Numbers rest = frames_in(drain(healthy));
  got.insert(got.end(), rest.begin(), rest.end());
  ASSERT_EQ(got.size(), 500U);
  EXPECT_EQ(got.back(), 500U);
}

TEST_F(FanOutTest, AFrameLargerThanAnyBufferGetsThroughWhole) {
  Connection connection(4096);
  join(connection);
  append_and_pass(200'000);
  append_and_pass(200'000);
  std::string all = drain(connection);
  fan_out.pass();
  all += drain(connection);
  EXPECT_EQ(frames_in(all), (Numbers{1, 2}));
}

TEST_F(FanOutTest, ABegunFrameIsFinishedEvenWhenItHasLongLeftTheStore) {
  Connection connection(4096);
  join(connection);
  append_and_pass(200'000);
  for (int i = 0; i < 50; ++i) {
    test_time += ns_per_second;
    append_and_pass(100'000);
  }
  ASSERT_GT(store.oldest(), 1U) << "the test has not tested what it is for";
  std::string all = drain(connection);
  fan_out.pass();
  all += drain(connection);
  EXPECT_EQ(frames_in(all), (Numbers{1, 51}));
  EXPECT_EQ(totals().frames_sent, 2U);
  EXPECT_EQ(totals().frames_skipped, 49U);
}

// The old frame is begun in the very pass after which it can be overwritten.
TEST_F(FanOutTest, AnOldFrameThatIsBegunLateIsFinishedFromItsOwnBytes) {
  constexpr std::size_t large = std::size_t{250} * 1024;
  Connection connection(4096);
  join(connection);
  append_and_pass(200'000);  // fills the socket: what comes now waits
  append(large);
  append(large);
  std::string all;
  while (all.size() < 200'000) {
    all += connection.read_all();
    run_loop(milliseconds(1));
  }
  for (int i = 0; i < 20; ++i) {  // frame 2 is begun by now, and these go over it
    append(large);
    append(large);
    fan_out.pass();
  }
  for (int i = 0; i < 3; ++i) {
    all += drain(connection);
    fan_out.pass();
  }
  const Numbers got = frames_in(all);
  ASSERT_GE(got.size(), 2U);
  EXPECT_EQ(got[0], 1U);
  EXPECT_EQ(got[1], 2U);
  EXPECT_TRUE(std::is_sorted(got.begin(), got.end()));
}

TEST_F(FanOutTest, WhatWaitsAtTheGateIsSentEvenIfNoFrameComesAnyMore) {
  Connection connection(4096);
  join(connection);
  append_and_pass(200'000);
  for (int i = 0; i < 20; ++i) {
    append_and_pass();
  }
  std::string all;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (all.size() < 200'000 + 20 * 418 && std::chrono::steady_clock::now() < give_up) {
    run_loop();
    all += connection.read_all();
  }
  EXPECT_EQ(frames_in(all).size(), 21U);
}

// The bytes before a jump are as old as they are, however new those behind it.
TEST_F(FanOutTest, WhatIsStillOnItsWayFromBeforeAJumpCounts) {
  Connection connection(2048);
  join(connection);
  while (!fan_out.somebody_waits()) {
    append_and_pass();
    test_time += ns_per_ms;
  }
  test_time += 400 * ns_per_ms;  // over max_lag: the next frames come behind a jump
  append_and_pass();
  EXPECT_EQ(totals().jumps, 1U);
  EXPECT_FALSE(connection.read_all().empty());
  run_loop(milliseconds(50));
  // A part of the queue has gone. What is left is old, so every frame costs a look.
  const std::uint64_t looks = counters.queue_looks_total.get();
  for (int i = 0; i < 10; ++i) {
    append_and_pass(1);
  }
  EXPECT_GE(counters.queue_looks_total.get(), looks + 10);
  // All of it has gone: a while later the listener is a free one, and costs hardly any.
  for (int i = 0; i < 40; ++i) {
    drain(connection);
    test_time += 26 * ns_per_ms;
    append_and_pass();
  }
  const std::uint64_t later = counters.queue_looks_total.get();
  for (int i = 0; i < 12; ++i) {
    connection.read_all();
    test_time += 26 * ns_per_ms;
    append_and_pass();
  }
  EXPECT_LE(counters.queue_looks_total.get(), later + 4);
}

TEST_F(FanOutTest, AListenerThatTakesNothingForTooLongIsClosed) {
  Connection stalled(2048);
  Connection healthy;
  Connection idle;
  join(stalled, 1);
  join(healthy, 2);
  while (!fan_out.somebody_waits()) {
    append_and_pass();
    healthy.read_all();
  }
  join(idle, 3);
  drain(idle);
  test_time += ns_per_ms;  // so that the look is not the one at the join
  let_everybody_be_looked_at();
  healthy.read_all();
  test_time += 29 * ns_per_second;
  let_everybody_be_looked_at();
  EXPECT_EQ(fan_out.listeners(), 3U) << "too soon";
  for (int i = 0; i < 20 && left.empty(); ++i) {  // its kernel may have taken a little at first
    test_time += 31 * ns_per_second;
    let_everybody_be_looked_at();
  }
  EXPECT_EQ(left, (std::vector<std::uint64_t>{1}))
      << "who has nothing to take, or takes it, is not stalled";
}

TEST_F(FanOutTest, AListenerThatTakesALittleNowAndThenIsNotClosed) {
  Connection slow(2048);
  join(slow);
  while (!fan_out.somebody_waits()) {
    append_and_pass();
  }
  for (int i = 0; i < 4; ++i) {
    let_everybody_be_looked_at();
    EXPECT_FALSE(drain(slow).empty());
    append_and_pass(100'000);  // there is always something left to take
    append_and_pass(100'000);
    test_time += 20 * ns_per_second;
  }
  let_everybody_be_looked_at();
  EXPECT_EQ(left, std::vector<std::uint64_t>{});
}

TEST_F(FanOutTest, FramesThatCameTogetherAreAllNewHoweverSmallMaxLagIs) {
  lag_ns_max = 0;
  Connection connection;
  join(connection);
  for (int i = 0; i < 4; ++i) {
    append();
    test_time += 2 * ns_per_ms;
  }
  fan_out.pass();
  EXPECT_EQ(frames_in(drain(connection)), (Numbers{1, 2, 3, 4}));
  EXPECT_EQ(totals().jumps, 0U);
}

TEST_F(FanOutTest, WhatLiesBehindABegunFrameIsForTheGateToDecide) {
  Connection connection(2048);
  const int socket = connection.server.number();
  join(connection);
  append_and_pass(150'000);  // more than the socket takes, and short enough to stay in the store
  ASSERT_GT(queued_bytes(socket).value(), 0U);
  for (int i = 0; i < 200; ++i) {
    append();
  }
  fan_out.pass();
  std::size_t taken = 0;
  for (int quiet = 0; quiet < 3;) {
    run_loop();
    const std::size_t rest_of_the_first = 150'000 - std::min<std::size_t>(taken, 150'000);
    EXPECT_LE(queued_bytes(socket).value(), rest_of_the_first + limits.queue_bytes_max + 418);
    const std::size_t more = connection.read_all().size();
    quiet = more == 0 ? quiet + 1 : 0;
    taken += more;
  }
  EXPECT_GE(taken, 150'000U);
}

TEST_F(FanOutTest, WhoeverLeavesTheOthersStay) {
  std::vector<Connection> connections(5);
  for (std::size_t i = 0; i < connections.size(); ++i) {
    join(connections[i], i);
  }
  for (const std::size_t leaving : {1U, 4U, 0U, 2U}) {  // the last takes the place of each
    connections[leaving].client.reset();
    append_and_pass();
    run_loop();
  }
  EXPECT_EQ(left, (std::vector<std::uint64_t>{1, 4, 0, 2}));
  append_and_pass();
  EXPECT_EQ(frames_in(drain(connections[3])), (Numbers{1, 2, 3, 4, 5}));
}

TEST_F(FanOutTest, AListenerMayAskForALagOfItsOwn) {
  Connection patient(2048);
  Connection usual(2048);
  fan_out.join(std::move(patient.server), PeerAddress(), {.id = 1, .lag_ns_max = 2000 * ns_per_ms});
  fan_out.join(std::move(usual.server), PeerAddress(), {.id = 2, .lag_ns_max = lag_ns_max});
  for (int i = 0; i < 200; ++i) {
    append_and_pass();
  }
  EXPECT_TRUE(fan_out.somebody_waits());
  EXPECT_EQ(totals().jumps, 0U);
  for (int i = 0; i < 20; ++i) {  // half a second: both are behind, one of them too far
    test_time += 26 * ns_per_ms;
    append_and_pass();
  }
  EXPECT_EQ(totals().jumps, 1U);
  const Numbers all = frames_in(drain(patient));
  EXPECT_EQ(all.size(), store.next() - 1) << "none is missing";
}

TEST_F(FanOutTest, AListenerThatClosesIsForgotten) {
  Connection one;
  Connection other;
  join(one, 1);
  join(other, 2);
  one.client.reset();
  run_loop();
  EXPECT_EQ(fan_out.listeners(), 1U);
  EXPECT_EQ(counters.listeners.get(), 1U);
  EXPECT_EQ(left.size(), 1U);
  append_and_pass();
  EXPECT_EQ(frames_in(drain(other)), (Numbers{1}));
}

TEST_F(FanOutTest, AListenerThatResetsInThePassIsForgotten) {
  std::vector<Connection> connections(3);
  for (Connection& connection : connections) {
    join(connection);
  }
  const linger reset_on_close{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(connections[1].client.number(), SOL_SOCKET, SO_LINGER, &reset_on_close,
               sizeof reset_on_close);
  connections[1].client.reset();
  append_and_pass();
  EXPECT_EQ(fan_out.listeners(), 2U);
  append_and_pass();
  EXPECT_EQ(frames_in(drain(connections[0])), (Numbers{1, 2}));
  EXPECT_EQ(frames_in(drain(connections[2])), (Numbers{1, 2}));
}

TEST_F(FanOutTest, WhatAListenerSendsIsOfNoConsequence) {
  Connection connection;
  join(connection);
  const std::string noise(100'000, 'z');
  for (int i = 0; i < 20; ++i) {
    [[maybe_unused]] const ssize_t sent =
        ::send(connection.client.number(), noise.data(), noise.size(), MSG_NOSIGNAL);
    append_and_pass();
    run_loop(milliseconds(1));
  }
  EXPECT_EQ(frames_in(drain(connection)).size(), 20U);
}

TEST_F(FanOutTest, WhatAListenerIsLikeStandsInTheTable) {
  Connection stalled(2048);
  Connection healthy;
  join(stalled, 1);
  lag_ns_max = 1000 * ns_per_ms;
  join(healthy, 2);
  for (int i = 0; i < 200; ++i) {
    append_and_pass();
    test_time += 26 * ns_per_ms;
    healthy.read_all();
  }
  let_everybody_be_looked_at();
  auto all = table.read();
  ASSERT_EQ(all.size(), 2U);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  EXPECT_GT(all[0].queued_bytes, 0U);
  EXPECT_GT(all[0].lag_ns, 4 * ns_per_second) << "what it has not taken is from the beginning";
  EXPECT_LT(all[0].frames_sent, 150U);
  EXPECT_EQ(all[0].jumps, 1U);
  EXPECT_GT(all[0].frames_skipped, 50U);
  EXPECT_GE(all[0].frames_sent + all[0].frames_skipped, 189U) << "but for a quarter of a second";
  EXPECT_EQ(all[0].lag_ns_max, 250 * ns_per_ms);
  EXPECT_EQ(all[1].queued_bytes, 0U);
  EXPECT_EQ(all[1].lag_ns, 0);
  EXPECT_EQ(all[1].frames_sent, 200U);
  EXPECT_EQ(all[1].bytes_sent, 200U * 418);
  EXPECT_EQ(all[1].frames_skipped, 0U);
  EXPECT_EQ(all[1].jumps, 0U);
  EXPECT_EQ(all[1].lag_ns_max, 1000 * ns_per_ms);
  EXPECT_EQ(all[1].joined_ns, 1000 * ns_per_second);

  stalled.client.reset();
  run_loop();
  ASSERT_EQ(table.read().size(), 1U);
  EXPECT_EQ(table.read().front().id, 2U);
}

TEST_F(FanOutTest, AListenerIsInTheTableFromItsFirstMomentOn) {
  Connection connection;
  append();
  join(connection, 7);
  ASSERT_EQ(table.read().size(), 1U);
  EXPECT_EQ(table.read().front().id, 7U);
  EXPECT_EQ(table.read().front().frames_sent, 1U);
}

TEST_F(FanOutTest, TheAgesOfFramesAtTheirHandOverAreCounted) {
  std::vector<Connection> connections(3);
  for (Connection& connection : connections) {
    join(connection);
  }
  append_and_pass();
  append();
  test_time += 7 * ns_per_ms;
  append();
  test_time += 40 * ns_per_ms;
  fan_out.pass();
  const auto count = [&](std::int64_t bound_ms) {
    const auto place = std::find(frame_age_bounds_ms.begin(), frame_age_bounds_ms.end(), bound_ms);
    return counters.frame_ages.frames
        .at(static_cast<std::size_t>(place - frame_age_bounds_ms.begin()))
        .get();
  };
  EXPECT_EQ(count(1), 3U);
  EXPECT_EQ(count(50), 6U);
  EXPECT_EQ(count(25) + count(100), 0U);
  EXPECT_EQ(counters.frame_ages.sum_ns.get(), static_cast<std::uint64_t>(87 * ns_per_ms * 3));
}

TEST_F(FanOutTest, ClosesThoseThatAreChosenAndNoOther) {
  std::vector<Connection> connections(5);
  for (std::uint64_t id = 0; id < 5; ++id) {
    join(connections[id], id);
  }
  const auto is_even = [](const ListenerIdentity& who) { return who.id % 2 == 0; };
  EXPECT_EQ(fan_out.close_those(is_even, "a test"), 3U);
  EXPECT_EQ(fan_out.close_those(is_even, "a test"), 0U);
  EXPECT_EQ(fan_out.listeners(), 2U);
  EXPECT_EQ(left.size(), 3U);
  EXPECT_EQ(table.read().size(), 2U);
  append_and_pass();
  for (std::uint64_t id = 0; id < 5; ++id) {
    EXPECT_EQ(frames_in(drain(connections[id])).size(), id % 2) << id;
  }
}

// Whose connection is broken is found out when it is his turn.
class FanOutPass : public test::FanOutTest, public ::testing::WithParamInterface<int> {};

TEST_P(FanOutPass, BeginsWithAnotherListenerEachTime) {
  constexpr std::uint64_t listeners = 10;
  std::vector<Connection> connections(listeners);
  for (std::uint64_t id = 0; id < listeners; ++id) {
    join(connections[id], id);
  }
  for (int pass = 0; pass < GetParam(); ++pass) {
    append_and_pass();
  }
  append_and_pass();
  connections.clear();  // with what was not read: so they are reset
  append_and_pass();
  ASSERT_EQ(left.size(), listeners);
  EXPECT_EQ(left.front(), (static_cast<std::uint64_t>(GetParam()) + 1) % listeners);
}

INSTANTIATE_TEST_SUITE_P(After, FanOutPass, ::testing::Range(0, 10));

}  // namespace
}  // namespace eradio
