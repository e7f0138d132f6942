#include "shm/scoreboard.h"

#include <fcntl.h>

#include <algorithm>
#include <cstddef>
#include <stdexcept>

#include <gtest/gtest.h>

#include "common/system_error.h"

namespace eradio {
namespace {

Descriptor duplicate(int descriptor) {
  return Descriptor(check_syscall(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0), "dup"));
}

TEST(Scoreboard, TheMasterSeesWhatAWorkerCounts) {
  Scoreboard board(2, 100);
  board.use(1);
  WorkerScoreboard worker(duplicate(board.front_descriptor()), duplicate(board.descriptor()), 1);
  worker.counters().listeners.set(5);
  worker.counters().sends_total.add(7);
  worker.counters().sends_total.add(1);
  EXPECT_EQ(board.counters(1).listeners.get(), 5U);
  EXPECT_EQ(board.counters(1).sends_total.get(), 8U);
  EXPECT_EQ(board.counters(0).listeners.get(), 0U);
}

TEST(Scoreboard, AWorkerSeesTheListenersAndAddressesOfAll) {
  Scoreboard board(3, 100);
  board.use(2);
  WorkerScoreboard one(duplicate(board.front_descriptor()), duplicate(board.descriptor()), 0);
  WorkerScoreboard other(duplicate(board.front_descriptor()), duplicate(board.descriptor()), 2);
  one.counters().listeners.set(5);
  other.counters().listeners.set(6);
  EXPECT_EQ(one.listeners_of_all(), 11U);

  const PeerKey peer{.high = 1, .low = 2};
  one.set_peer(0, peer, 3);
  other.set_peer(99, peer, 4);
  other.set_peer(4, {.high = 1, .low = 3}, 100);
  EXPECT_EQ(one.connections_of(peer), 7U);
  EXPECT_EQ(one.connections_of({.high = 9, .low = 9}), 0U);
}

TEST(Scoreboard, ASlotThatIsClearedCountsForNothing) {
  Scoreboard board(2, 100);
  board.use(1);
  WorkerScoreboard one(duplicate(board.front_descriptor()), duplicate(board.descriptor()), 0);
  WorkerScoreboard other(duplicate(board.front_descriptor()), duplicate(board.descriptor()), 1);
  const PeerKey peer{.high = 1, .low = 2};
  one.counters().listeners.set(5);
  one.set_peer(50, peer, 3);
  other.set_peer(1, peer, 1);
  board.clear(0);
  EXPECT_EQ(other.listeners_of_all(), 0U);
  EXPECT_EQ(other.connections_of(peer), 1U);
}

TEST(Scoreboard, WhatIsNoneOrHasNoSuchSlotIsRefused) {
  Scoreboard board(2, 100);
  board.use(1);
  EXPECT_THROW(
      WorkerScoreboard(duplicate(board.front_descriptor()), duplicate(board.descriptor()), 2),
      std::runtime_error);
  const MemoryFile zeros = MemoryFile::create("zeros", 4 * page_bytes);
  EXPECT_THROW(WorkerScoreboard(duplicate(zeros.descriptor()), duplicate(zeros.descriptor()), 0),
               std::runtime_error);
  const MemoryFile small = MemoryFile::create("small", 1);
  EXPECT_THROW(WorkerScoreboard(duplicate(small.descriptor()), duplicate(board.descriptor()), 0),
               std::runtime_error);
}

// A worker has the slots writable, those of others too, and so may have harmed them.
TEST(Scoreboard, IsReadableWhateverAWorkerHasWritten) {
  Scoreboard board(2, 100);
  board.use(1);
  const MemoryFile slots(duplicate(board.descriptor()));
  const auto region = slots.map_writable(0, slots.bytes());
  for (const std::byte value : {std::byte{0}, std::byte{0xff}}) {
    std::ranges::fill(writable_bytes(region), value);
    WorkerScoreboard worker(board.reopen_front_read_only(), duplicate(board.descriptor()), 1);
    EXPECT_EQ(worker.peers_max(), 100U);
    board.clear(0);
    board.clear(1);
    EXPECT_EQ(worker.listeners_of_all(), 0U);
    const Scoreboard after(duplicate(board.front_descriptor()), duplicate(board.descriptor()), 2);
    EXPECT_EQ(after.counters(1).listeners.get(), 0U);
  }
}

TEST(Scoreboard, HasAFrontThatWorkersCannotWrite) {
  const Scoreboard board(2, 100);
  const MemoryFile front(board.reopen_front_read_only());
  EXPECT_ANY_THROW(static_cast<void>(front.map_writable(0, front.bytes())));
}

}  // namespace
}  // namespace eradio
