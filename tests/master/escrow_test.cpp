#include "master/escrow.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "common/system_error.h"
#include "tests/support/connected_sockets.h"

namespace eradio {
namespace {

class EscrowTest : public testing::Test {
 protected:
  static EscrowItem item(std::uint32_t record, std::uint64_t serial) {
    return {.serial = serial, .record = record};
  }
  // Gives one end of a connection, and keeps the other.
  void give(const EscrowItem& of) {
    std::array<int, 2> ends{};
    check_syscall(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()),
                  "socketpair");
    std::vector<Descriptor> given;
    given.emplace_back(ends[0]);
    others.emplace_back(ends[1]);
    escrow.take({&of, 1}, given);
  }
  bool is_closed(std::size_t number) const {
    char byte = 0;
    return ::recv(others.at(number).number(), &byte, 1, 0) == 0;
  }
  void release(const EscrowItem& of) { escrow.release({&of, 1}); }

  Escrow escrow{4};
  std::vector<Descriptor> others;
};

TEST_F(EscrowTest, HoldsWhatIsGivenUntilItIsReleased) {
  give(item(1, 10));
  give(item(2, 11));
  EXPECT_EQ(escrow.size(), 2U);
  EXPECT_GE(escrow.descriptor(item(1, 10)), 0);
  EXPECT_EQ(escrow.descriptor(item(1, 99)), -1);
  release(item(1, 99));
  EXPECT_FALSE(is_closed(0)) << "the record is another listener's by now";
  release(item(1, 10));
  EXPECT_TRUE(is_closed(0));
  EXPECT_FALSE(is_closed(1));
  EXPECT_EQ(escrow.descriptor(item(1, 10)), -1);
  ASSERT_EQ(escrow.items().size(), 1U);
  EXPECT_EQ(escrow.items()[0].serial, 11U);
}

TEST_F(EscrowTest, KnowsOfEachItsRecordItsSerialAndItsKind) {
  give(item(1, serial_max));
  EscrowItem stream = item(3, serial_max - (std::uint64_t{1} << 32U));
  stream.kind = ClientKind::event_stream;
  give(stream);
  const std::vector<EscrowItem> items = escrow.items();
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].record, 1U);
  EXPECT_EQ(items[0].serial, serial_max);
  EXPECT_EQ(items[0].kind, ClientKind::listener);
  EXPECT_EQ(items[1].record, 3U);
  EXPECT_EQ(items[1].serial, stream.serial);
  EXPECT_EQ(items[1].kind, ClientKind::event_stream);
}

TEST_F(EscrowTest, GoesOnAsAnotherMasterHadIt) {
  give(item(1, serial_max));
  give(item(2, 7));
  const std::vector<EscrowItem> all{item(1, serial_max), item(2, 7)};
  EXPECT_EQ(escrow.blame(std::span(all).first(1)).all(), 0U);
  std::vector<SavedEscrowItem> saved = escrow.save();
  for (SavedEscrowItem& one : saved) {
    one.descriptor = ::dup(one.descriptor);  // each master has its own
  }
  Escrow next{4};
  next.resume(saved);
  EXPECT_EQ(next.size(), 2U);
  EXPECT_GE(next.descriptor(item(1, serial_max)), 0);
  EXPECT_EQ(next.blame(all).listeners, 1U) << "two workers in a row have died with one of them";
  EXPECT_EQ(next.descriptor(item(1, serial_max)), -1);
}

TEST_F(EscrowTest, ClosesThoseThatItIsToldTo) {
  give(item(1, 10));
  give(item(2, 11));
  const std::vector<EscrowItem> some{item(1, 10), item(2, 99), item(3, 1)};
  EXPECT_EQ(escrow.close(some).listeners, 1U);
  EXPECT_TRUE(is_closed(0));
  EXPECT_FALSE(is_closed(1)) << "the record is another listener's";
  EXPECT_EQ(escrow.size(), 1U);
}

TEST_F(EscrowTest, OfOneRecordHoldsTheNewest) {
  give(item(1, 10));
  give(item(1, 11));
  EXPECT_TRUE(is_closed(0));
  release(item(1, 10));
  EXPECT_FALSE(is_closed(1));
  EXPECT_EQ(escrow.size(), 1U);
}

TEST_F(EscrowTest, TakesNoMoreThanAWorkerCanHaveAndNoneWithoutADescriptor) {
  for (std::uint32_t record = 0; record < 6; ++record) {
    give(item(record, record + 1));
  }
  EXPECT_EQ(escrow.size(), 4U);
  EXPECT_TRUE(is_closed(4));
  give(item(UINT32_MAX, 1));
  EXPECT_TRUE(is_closed(6)) << "a table has no such record";
  EXPECT_EQ(escrow.close_all().listeners, 4U);
  EXPECT_TRUE(is_closed(0));
  const EscrowItem without = item(2, 7);
  escrow.take({&without, 1}, {});
  EXPECT_EQ(escrow.size(), 0U);
}

TEST_F(EscrowTest, GivesUpWhatTwoWorkersInARowHaveDiedWith) {
  EscrowItem websocket = item(0, 9);
  websocket.kind = ClientKind::websocket;
  give(item(1, 10));
  give(item(2, 11));
  give(websocket);
  const std::vector<EscrowItem> adopted{item(1, 10), websocket};
  EXPECT_EQ(escrow.blame(adopted).all(), 0U);
  escrow.exonerate();  // the next has lived
  EXPECT_EQ(escrow.blame(adopted).all(), 0U);
  EXPECT_FALSE(is_closed(0));
  const ClosedClients closed = escrow.blame(adopted);
  EXPECT_EQ(closed.listeners, 1U);
  EXPECT_EQ(closed.notify_clients, 1U);
  EXPECT_TRUE(is_closed(0));
  EXPECT_FALSE(is_closed(1)) << "that one came later";
  EXPECT_TRUE(is_closed(2));
  EXPECT_EQ(escrow.size(), 1U);
  EXPECT_EQ(escrow.blame(adopted).all(), 0U);
}

TEST_F(EscrowTest, TakesItemsOverFromAnother) {
  give(item(1, 10));
  give(item(2, 11));
  Escrow another{4};
  another.take_from(escrow, item(1, 99), 0);
  EXPECT_EQ(another.size(), 0U) << "it is another's";
  another.take_from(escrow, item(1, 10), 7);
  EXPECT_EQ(another.size(), 0U) << "there is no such record";
  another.take_from(escrow, item(1, 10), 3);
  EXPECT_EQ(another.size(), 1U);
  EXPECT_EQ(escrow.size(), 1U);
  EXPECT_FALSE(is_closed(0));
  EXPECT_GE(another.descriptor(item(3, 10)), 0);
  EXPECT_EQ(escrow.descriptor(item(1, 10)), -1);
  another.close_all();
  EXPECT_TRUE(is_closed(0));
  EXPECT_FALSE(is_closed(1));
}

TEST_F(EscrowTest, NamesARecordThatIsFree) {
  give(item(0, 10));
  give(item(1, 11));
  give(item(3, 12));
  EXPECT_EQ(escrow.free_record(0), 2U);
  EXPECT_EQ(escrow.free_record(3), 4U);
}

// A connection that has taken nothing for long, and whose worker has said that closing it is to
// wait.
TEST_F(EscrowTest, ClosesWithoutWaitingWhateverTheWorkerHasSaid) {
  test::Pair connection = test::tcp_pair();
  const std::string bytes(1'000'000, 'x');
  while (::send(connection.server.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
  }
  Descriptor duplicate(::dup(connection.server.number()));
  const EscrowItem given = item(1, 10);
  escrow.take({&given, 1}, {&duplicate, 1});
  const linger wait{.l_onoff = 1, .l_linger = 5};
  check_syscall(::setsockopt(connection.server.number(), SOL_SOCKET, SO_LINGER, &wait, sizeof wait),
                "setsockopt");
  ASSERT_EQ(::fcntl(connection.server.number(), F_SETFL, 0), 0);
  connection.server.reset();  // the worker's: now ours is the last
  const std::int64_t begin_ns = monotonic_ns();
  release(given);
  EXPECT_LT(monotonic_ns() - begin_ns, ns_per_second);
}

TEST(EscrowRoom, LeavesEachSlotItsShare) {
  const auto room = [](std::vector<std::size_t> held, std::size_t slot) {
    return escrow_room(200, held, slot);
  };
  EXPECT_EQ(room({0}, 0), 200U);
  EXPECT_EQ(room({200}, 0), 0U);
  EXPECT_EQ(room({0, 0}, 0), 150U);
  EXPECT_EQ(room({150, 0}, 0), 0U);
  EXPECT_EQ(room({150, 0}, 1), 50U);
  EXPECT_EQ(room({90, 110}, 0), 0U);
  EXPECT_EQ(room({0, 100, 100}, 0), 0U) << "of a time with fewer slots";
}

}  // namespace
}  // namespace eradio
