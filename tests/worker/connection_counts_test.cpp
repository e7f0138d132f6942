#include "worker/connection_counts.h"

#include <fcntl.h>

#include <gtest/gtest.h>

namespace eradio {
namespace {

PeerAddress peer(std::uint8_t last_byte) {
  PeerAddress::Bytes bytes{};
  bytes[15] = last_byte;
  return PeerAddress(bytes, 1234);
}

class ConnectionCountsTest : public ::testing::Test {
 protected:
  ConnectionCountsTest() { board.use(1); }

  Scoreboard board{2, 4};
  WorkerScoreboard one{board.reopen_front_read_only(),
                       Descriptor(::fcntl(board.descriptor(), F_DUPFD_CLOEXEC, 0)), 0};
  WorkerScoreboard other{board.reopen_front_read_only(),
                         Descriptor(::fcntl(board.descriptor(), F_DUPFD_CLOEXEC, 0)), 1};
};

TEST_F(ConnectionCountsTest, TheLimitHoldsForEachAddressOverAllWorkers) {
  ConnectionCounts mine(one, 3);
  ConnectionCounts theirs(other, 3);
  EXPECT_TRUE(mine.add(peer(1)));
  EXPECT_TRUE(theirs.add(peer(1)));
  EXPECT_TRUE(mine.add(peer(1)));
  EXPECT_FALSE(mine.add(peer(1)));
  EXPECT_FALSE(theirs.add(peer(1)));
  EXPECT_TRUE(theirs.add(peer(2)));
  EXPECT_EQ(mine.open(), 2U);
  theirs.remove(peer(1));
  EXPECT_TRUE(mine.add(peer(1)));
  EXPECT_EQ(mine.open(), 3U);
}

PeerAddress address(const char* text) { return PeerAddress::from_text(text).value(); }

TEST_F(ConnectionCountsTest, AnIPv6NetworkOf64BitsCountsAsOneAddressAndAnIPv4AddressAlone) {
  ConnectionCounts mine(one, 2);
  ConnectionCounts theirs(other, 2);
  EXPECT_TRUE(mine.add(address("2001:db8:1:2::1")));
  EXPECT_TRUE(theirs.add(address("2001:db8:1:2:ffff:ffff:ffff:ffff")));
  EXPECT_FALSE(mine.add(address("2001:db8:1:2::3")));
  EXPECT_TRUE(mine.add(address("2001:db8:1:3::1"))) << "the next household";
  mine.remove(address("2001:db8:1:2::1"));
  EXPECT_TRUE(mine.add(address("2001:db8:1:2::3"))) << "another address of it has left";

  EXPECT_TRUE(mine.add(address("192.0.2.1")));
  EXPECT_TRUE(mine.add(address("192.0.2.2")));
  EXPECT_TRUE(mine.add(address("::ffff:192.0.2.1"))) << "mapped addresses have a /64 in common";
  EXPECT_FALSE(mine.add(address("192.0.2.1"))) << "the same, mapped or not";
  EXPECT_TRUE(mine.add(address("192.0.2.2")));
}

TEST_F(ConnectionCountsTest, AnAddressWithoutConnectionsTakesNobodyElsesPlace) {
  ConnectionCounts counts(one, 1);
  EXPECT_TRUE(counts.add(peer(1)));
  counts.remove(peer(2));
  EXPECT_EQ(counts.open(), 0U);
  EXPECT_FALSE(counts.add(peer(1)));
}

TEST_F(ConnectionCountsTest, PlacesAreUsedAgain) {
  ConnectionCounts counts(one, 1);
  for (std::uint8_t i = 1; i < 100; ++i) {
    EXPECT_TRUE(counts.add(peer(i)));
    counts.remove(peer(i));
  }
}

TEST_F(ConnectionCountsTest, MoreAddressesThanThereCanBeConnectionsAreRefusedNotOverrun) {
  ConnectionCounts counts(one, 1);
  for (std::uint8_t i = 1; i <= 4; ++i) {
    EXPECT_TRUE(counts.add(peer(i)));
  }
  EXPECT_FALSE(counts.add(peer(5)));
  counts.remove(peer(2));
  EXPECT_TRUE(counts.add(peer(5)));
}

TEST_F(ConnectionCountsTest, WithoutALimitAndForUnixPeersItOnlyCounts) {
  ConnectionCounts unlimited(one, 0);
  ConnectionCounts limited(other, 1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(unlimited.add(peer(1)));
    EXPECT_TRUE(limited.add(PeerAddress()));
  }
  EXPECT_EQ(unlimited.open(), 10U);
  EXPECT_EQ(limited.open(), 10U);
  limited.remove(PeerAddress());
  EXPECT_EQ(limited.open(), 9U);
}

}  // namespace
}  // namespace eradio
