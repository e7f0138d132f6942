// A fan-out that goes on with the listeners of another that has ended at any point.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/worker/fan_out_fixture.h"

namespace eradio {
namespace {

using test::Connection;
using test::Numbers;

class FanOutAdopt : public test::FanOutTest {
 protected:
  // What the next worker has of its own. Its loop is another: the old fan-out does nothing more.
  struct Next {
    explicit Next(const ListenerTable& shared)
        : table(shared), worker_table(Descriptor(::dup(table.descriptor())), 2) {}
    ListenerTotals totals() {
      fan_out.hand_over();  // writes down how everybody is
      return table.count().totals;
    }
    const ListenerTable& table;
    EventLoop loop;
    FrameStore store{frame_bytes_max};
    WorkerCounters counters;
    WorkerListenerTable worker_table;
    std::vector<std::uint64_t> left;
    FanOut fan_out{
        loop,
        store,
        counters,
        worker_table,
        limits,
        std::chrono::seconds(30),
        [](const Listener&, const ListenerIdentity&) { ADD_FAILURE() << "it has joined long ago"; },
        [this](const Listener&, const ListenerIdentity& who) { left.push_back(who.id); },
        test::test_clock};
  };

  // Keeps a duplicate of the listener's socket, as the master does.
  void join_and_keep(Connection& connection, std::string_view head = {}) {
    kept = Descriptor(::dup(connection.server.number()));
    join(connection, 1, head);
  }
  // The next worker has the frames from `first` on, as the ring has them.
  void begin_next(std::uint64_t first = 1) {
    next.emplace(table);
    for (std::uint64_t number = std::max(first, store.oldest()); number < store.next(); ++number) {
      copy_frame(number);
    }
    next->store.begin_turn();
  }
  void copy_frame(std::uint64_t number) {
    const FrameStore::Frame& frame = store.frame(number);
    if (next->store.turn_is_full()) {
      next->store.begin_turn();
    }
    std::memcpy(next->store.next_space().data(), store.at(frame.begin), frame.bytes);
    next->store.append(frame.bytes, frame.time_ns, frame.kind, frame.stream_position);
  }
  // Both have it: the old one for its number.
  void append_to_both(std::size_t bytes = 418, FrameKind kind = FrameKind::sync_point) {
    append(bytes, kind);
    copy_frame(store.next() - 1);
    next->fan_out.pass();
  }
  std::string_view adopt() {
    return next->fan_out.adopt(std::move(kept), PeerAddress(), 0, worker_table.serial(0), nullptr);
  }
  std::string drain_next(const Connection& connection) {
    std::string all;
    for (int quiet = 0; quiet < 3;) {
      next->loop.call_after(std::chrono::milliseconds(10), [this] { next->loop.stop(); });
      next->loop.run();
      const std::string more = connection.read_all();
      quiet = more.empty() ? quiet + 1 : 0;
      all += more;
    }
    return all;
  }
  static bool is_closed(const Connection& connection) {
    char byte = 0;
    return ::recv(connection.client.number(), &byte, 1, 0) == 0;
  }

  static Connection unix_connection() {
    std::array<int, 2> ends{};
    check_syscall(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()),
                  "socketpair");
    Connection connection;
    connection.server = Descriptor(ends[0]);
    connection.client = Descriptor(ends[1]);
    return connection;
  }

  Descriptor kept;
  std::optional<Next> next;
};

TEST_F(FanOutAdopt, GoesOnBehindTheHeadThatCameWithTheListener) {
  std::array<Connection, 2> connections{Connection(), unix_connection()};
  for (Connection& connection : connections) {
    append();
    join_and_keep(connection, "head\n");
    begin_next();
    EXPECT_EQ(adopt(), "");
    append_to_both();
    const std::string got = drain_next(connection);
    ASSERT_TRUE(got.starts_with("head\n")) << got;
    EXPECT_EQ(frames_in(got.substr(5)), (Numbers{store.next() - 2, store.next() - 1}));
    next.reset();
    fan_out.close_those([](const ListenerIdentity&) { return true; }, "the next");
  }
}

TEST_F(FanOutAdopt, ClosesWhoHasNotGotTheHead) {
  const auto expect_closed = [&](Connection connection, const char* why) {
    append();
    when_told_joined = [&] {  // as if its worker were killed now
      begin_next();
      EXPECT_EQ(adopt(), why);
    };
    join_and_keep(connection, "head\n");
    EXPECT_EQ(connection.read_all(), "");
    EXPECT_TRUE(is_closed(connection));
    next.reset();
  };
  expect_closed(Connection(), "its request had not been answered yet");
  expect_closed(unix_connection(), "nobody knows how much its socket has taken");
}

TEST_F(FanOutAdopt, DoesNotGoOnWithAnotherOnesRecord) {
  Connection connection;
  append();
  join_and_keep(connection);
  append_and_pass();
  begin_next();
  const auto another = PeerAddress::from_text("192.0.2.1").value();
  const auto why =
      next->fan_out.adopt(std::move(kept), another, 0, worker_table.serial(0), nullptr);
  EXPECT_NE(why.find("address"), std::string_view::npos) << why;
  EXPECT_EQ(next->fan_out.listeners(), 0U);
  EXPECT_EQ(table.read().size(), 0U) << "its record is free";
  connection.read_all();
  EXPECT_TRUE(is_closed(connection));
}

TEST_F(FanOutAdopt, BelievesNoRecordThatAListenerMayBeAnyTimeBehind) {
  Connection connection;
  append();
  lag_ns_max = INT64_MAX;
  join_and_keep(connection);
  append();  // which the old one does not send any more
  begin_next();
  test::test_time += limits.lag_ns_ceiling + ns_per_second;
  append();
  copy_frame(store.next() - 1);
  EXPECT_EQ(adopt(), "");
  append_to_both();
  EXPECT_EQ(frames_in(drain_next(connection)), (Numbers{1, 3, 4}));
  EXPECT_EQ(next->totals().frames_skipped, 1U);
}

TEST_F(FanOutAdopt, GoesOnBehindTheLastFrame) {
  Connection connection;
  append();
  join_and_keep(connection);
  append_and_pass();
  append_and_pass(100);
  append();  // which the old one does not send any more
  begin_next();
  EXPECT_EQ(adopt(), "");
  append_to_both();
  EXPECT_EQ(frames_in(drain_next(connection)), (Numbers{1, 2, 3, 4, 5}));
  EXPECT_EQ(next->fan_out.listeners(), 1U);
  EXPECT_EQ(next->totals(), (ListenerTotals{.frames_sent = 5, .bytes_sent = 4 * 418 + 100}));
}

TEST_F(FanOutAdopt, GoesOnInTheMiddleOfAFrame) {
  Connection connection(4000);
  append(200'000);
  join_and_keep(connection);
  append(300);
  begin_next();
  EXPECT_EQ(adopt(), "");
  append_to_both(200'000);
  EXPECT_EQ(frames_in(drain_next(connection)), (Numbers{1, 2, 3}));
}

TEST_F(FanOutAdopt, AgainAndAgain) {
  Connection connection(4000);
  append(150'000);
  join_and_keep(connection);
  std::string all;
  for (int round = 0; round < 5; ++round) {
    all += connection.read_all();
    append(50'000);
    // As a worker that is killed: without a word, the table as it is.
    Descriptor another(::dup(kept.number()));
    const std::uint64_t serial = worker_table.serial(0);
    begin_next();
    EXPECT_EQ(next->fan_out.adopt(std::move(kept), PeerAddress(), 0, serial, nullptr), "");
    kept = std::move(another);
  }
  all += drain_next(connection);
  EXPECT_EQ(frames_in(all), (Numbers{1, 2, 3, 4, 5, 6}));
}

TEST_F(FanOutAdopt, WithoutTheRestOfTheFrameTheListenerIsClosed) {
  Connection connection(4000);
  append(200'000);
  join_and_keep(connection);
  append(300);
  begin_next(2);
  EXPECT_NE(adopt().find("no longer there"), std::string_view::npos);
  EXPECT_EQ(next->fan_out.listeners(), 0U);
  connection.read_all();
  EXPECT_TRUE(is_closed(connection)) << "though the old one has the socket, too";
  EXPECT_EQ(table.read().size(), 0U);
}

TEST_F(FanOutAdopt, AListenerFarBehindButAtAFrameSkips) {
  Connection connection;
  append();
  join_and_keep(connection);
  let_everybody_be_looked_at();
  for (int i = 0; i < 10; ++i) {
    append();
  }
  begin_next(6);
  EXPECT_EQ(adopt(), "");
  append_to_both();
  EXPECT_EQ(frames_in(drain_next(connection)), (Numbers{1, 11, 12}));
  EXPECT_EQ(next->totals().jumps, 1U);
}

// Whenever its worker is killed; with what it has written down of the listener as old, or as new,
// as can be.
class FanOutAdoptAfter : public FanOutAdopt,
                         public ::testing::WithParamInterface<std::tuple<int, bool>> {};

TEST_P(FanOutAdoptAfter, CountsExactlyWhatTheListenerHasGotAndMissed) {
  Connection connection(2048);
  append();
  join_and_keep(connection);
  std::string got;
  const auto [frames, written_down] = GetParam();
  for (int frame = 1; frame <= frames; ++frame) {
    append_and_pass();
    test::test_time += 26 * ns_per_ms;
    if (frame == 70) {
      got += connection.read_all();
      run_loop();
    }
  }
  if (written_down) {
    fan_out.hand_over();
  }
  begin_next();
  ASSERT_EQ(adopt(), "");
  append_to_both();
  got += drain_next(connection);
  append_to_both();
  got += drain_next(connection);

  const Numbers numbers = frames_in(got);
  std::uint64_t gaps = 0;
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    gaps += numbers[i] == numbers[i - 1] + 1 ? 0U : 1U;
  }
  EXPECT_EQ(next->totals(), (ListenerTotals{.frames_sent = numbers.size(),
                                            .bytes_sent = got.size(),
                                            .frames_skipped = store.next() - 1 - numbers.size(),
                                            .jumps = gaps}));
}

INSTANTIATE_TEST_SUITE_P(SoManyFrames, FanOutAdoptAfter,
                         ::testing::Combine(::testing::Values(0, 1, 5, 20, 30, 45, 60, 69, 70, 71,
                                                              72, 80, 120, 180),
                                            ::testing::Bool()));

TEST_F(FanOutAdopt, KnowsWhereAListenerIsWhoHasJumpedOrMissedWhatWasLost) {
  Connection connection;
  append();
  join_and_keep(connection);
  test::test_time += ns_per_second;
  append();  // too old when its turn comes
  test::test_time += ns_per_second;
  append_and_pass();
  // Something was overwritten in the ring before this worker could read it.
  const std::string text = "<4:20>xxxxxxxxxxxxxx";
  std::memcpy(store.next_space().data(), text.data(), text.size());
  store.append(text.size(), test::test_time, FrameKind::sync_point, store.stream_end() + 12'345);
  fan_out.pass();
  append_and_pass();
  begin_next();
  EXPECT_EQ(adopt(), "");
  append_to_both();
  EXPECT_EQ(frames_in(drain_next(connection)), (Numbers{1, 3, 4, 5, 6}));
}

TEST_F(FanOutAdopt, GoesOnInTheMiddleOfAHeaderAndDoesNotSendItTwice) {
  append(150'000, FrameKind::header);
  append(100);
  append(418);
  Connection connection(4000);
  join_and_keep(connection);  // the header goes before the newest frame
  begin_next();
  EXPECT_EQ(adopt(), "");
  append_to_both();
  EXPECT_EQ(frames_in(drain_next(connection)), (Numbers{1, 3, 4}));
  test::test_time += 10 * ns_per_second;
  append_to_both();
  EXPECT_EQ(frames_in(drain_next(connection)), (Numbers{5})) << "it has the header";
}

TEST_F(FanOutAdopt, AListenerThatCameByAHeaderAndHasSkippedSinceDoesNotGetItTwice) {
  append();
  Connection connection(2048);
  join_and_keep(connection);
  append_and_pass(1000, FrameKind::header);
  for (int frame = 0; frame < 100; ++frame) {
    append_and_pass();
    test::test_time += 26 * ns_per_ms;
  }
  fan_out.hand_over();
  begin_next();
  ASSERT_EQ(adopt(), "");
  std::string got = connection.read_all();
  append_to_both();
  got += drain_next(connection);
  const Numbers numbers = frames_in(got);
  EXPECT_EQ(std::count(numbers.begin(), numbers.end(), 2U), 1);
  EXPECT_EQ(numbers.back(), store.next() - 1);
  EXPECT_LT(numbers.size(), 100U) << "it has skipped nothing";
}

TEST_F(FanOutAdopt, OneThatHasHadNothingBegins) {
  append(10'000, FrameKind::header);
  Connection connection;
  join_and_keep(connection);  // there is no sync point yet
  begin_next();
  EXPECT_EQ(adopt(), "");
  append_to_both();
  EXPECT_EQ(frames_in(drain_next(connection)), (Numbers{1, 2}));
}

TEST_F(FanOutAdopt, OnAUnixSocketGoesOnWithoutAWordFromTheOldOne) {
  Connection connection = unix_connection();
  append(150'000);
  join_and_keep(connection);  // in the middle of a frame: the socket takes no more
  append(418);
  begin_next();
  EXPECT_EQ(adopt(), "");
  append_to_both(100'000);
  EXPECT_EQ(frames_in(drain_next(connection)), (Numbers{1, 2, 3}));
  EXPECT_EQ(next->fan_out.listeners(), 1U);
}

TEST_F(FanOutAdopt, OnAUnixSocketAgainAndAgain) {
  Connection connection = unix_connection();
  append(300, FrameKind::header);
  append();
  join_and_keep(connection);
  const std::uint64_t serial = worker_table.serial(0);
  std::string all;
  for (int round = 0; round < 5; ++round) {
    Descriptor another(::dup(kept.number()));
    append(40'000);
    begin_next();  // those of the rounds before have not read the newest
    EXPECT_EQ(next->fan_out.adopt(std::move(kept), PeerAddress(), 0, serial, nullptr), "");
    all += drain_next(connection);
    kept = std::move(another);
  }
  EXPECT_EQ(frames_in(all), (Numbers{1, 2, 3, 4, 5, 6, 7}));
}

TEST_F(FanOutAdopt, OnAUnixSocketOfAWorkerThatWasKilledInTheMiddleOfASendIsClosed) {
  Connection connection = unix_connection();
  append();
  join_and_keep(connection);
  worker_table.write_sending(0);  // as it does before each
  begin_next();
  EXPECT_NE(adopt().find("nobody knows"), std::string_view::npos);
  EXPECT_EQ(next->fan_out.listeners(), 0U);
  connection.read_all();
  EXPECT_TRUE(is_closed(connection));
}

TEST_F(FanOutAdopt, WhomTheLoopCannotWatchIsClosed) {
  Connection connection = unix_connection();
  append();
  join_and_keep(connection);
  begin_next();
  kept = Descriptor(check_syscall(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open"));
  EXPECT_NE(adopt(), "");
  EXPECT_EQ(next->fan_out.listeners(), 0U);
  EXPECT_EQ(table.read().size(), 0U);
}

TEST_F(FanOutAdopt, WhatTheRecordsDoNotKnowIsClosed) {
  Connection connection;
  append();
  join_and_keep(connection);
  begin_next();
  const std::uint64_t serial = worker_table.serial(0);
  Descriptor another(::dup(kept.number()));
  EXPECT_NE(next->fan_out.adopt(std::move(kept), PeerAddress(), 0, serial + 1, nullptr), "");
  EXPECT_NE(next->fan_out.adopt(std::move(another), PeerAddress(), 99, serial, nullptr), "");
  EXPECT_EQ(next->fan_out.listeners(), 0U);
  connection.read_all();
  EXPECT_TRUE(is_closed(connection));
}

}  // namespace
}  // namespace eradio
