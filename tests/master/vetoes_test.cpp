#include "master/vetoes.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace eradio {
namespace {

// Two workers, half of the listeners, and something plays.
class VetoesTest : public testing::Test {
 protected:
  VetoesTest() { vetoes.start_track(); }
  Vetoes vetoes{0.5, 2};
};

TEST(VetoesNeeded, IsThePartRoundedUpAndAtLeastOne) {
  struct Case {
    double ratio;
    std::uint64_t listeners;
    std::uint64_t needed;
  };
  for (const Case& c :
       {Case{0.5, 0, 1}, Case{0.5, 1, 1}, Case{0.5, 2, 1}, Case{0.5, 3, 2}, Case{0.5, 4, 2},
        Case{0.5, 5, 3}, Case{0.5, 20001, 10001}, Case{1, 3, 3}, Case{0.1, 30, 3}, Case{0.1, 31, 4},
        Case{0.7, 10, 7}, Case{0.001, 3, 1}, Case{1e-12, 1000, 1}}) {
    EXPECT_EQ(Vetoes::vetoes_needed(c.ratio, c.listeners), c.needed)
        << c.ratio << " of " << c.listeners;
  }
}

TEST_F(VetoesTest, WithoutListenersNobodyCanVote) {
  EXPECT_EQ(vetoes.vote(1), VoteOutcome::no_such_listener);
  EXPECT_EQ(vetoes.vetoes(), 0U);
  EXPECT_FALSE(vetoes.skip_is_due());
}

TEST_F(VetoesTest, OneListenerDecidesAloneAndNobodyElseForHim) {
  EXPECT_TRUE(vetoes.join(0, 1));
  EXPECT_FALSE(vetoes.skip_is_due());
  EXPECT_EQ(vetoes.vote(2), VoteOutcome::no_such_listener);
  EXPECT_FALSE(vetoes.skip_is_due());
  EXPECT_EQ(vetoes.vote(1), VoteOutcome::counted);
  EXPECT_TRUE(vetoes.skip_is_due());
}

TEST_F(VetoesTest, OfThreeListenersOneIsNotEnoughAndTwoAre) {
  for (const std::uint64_t id : {1U, 2U, 3U}) {
    EXPECT_TRUE(vetoes.join(id % 2, id));
  }
  EXPECT_EQ(vetoes.vote(1), VoteOutcome::counted);
  EXPECT_FALSE(vetoes.skip_is_due());
  EXPECT_EQ(vetoes.vote(2), VoteOutcome::counted);
  EXPECT_TRUE(vetoes.skip_is_due());
}

TEST_F(VetoesTest, AnIdHasOneVote) {
  for (const std::uint64_t id : {1U, 2U, 3U}) {
    EXPECT_TRUE(vetoes.join(0, id));
  }
  EXPECT_EQ(vetoes.vote(1), VoteOutcome::counted);
  EXPECT_EQ(vetoes.vote(1), VoteOutcome::counted);
  EXPECT_EQ(vetoes.vetoes(), 1U);
  EXPECT_FALSE(vetoes.skip_is_due());
}

TEST_F(VetoesTest, TwoTabsWithOneIdAreOneListenerWithOneVote) {
  EXPECT_TRUE(vetoes.join(0, 7));
  EXPECT_TRUE(vetoes.join(1, 7));
  EXPECT_TRUE(vetoes.join(0, 8));
  EXPECT_TRUE(vetoes.join(0, 9));
  EXPECT_EQ(vetoes.listeners(), 3U);
  EXPECT_EQ(vetoes.vote(7), VoteOutcome::counted);
  EXPECT_EQ(vetoes.vote(7), VoteOutcome::counted);
  EXPECT_EQ(vetoes.vetoes(), 1U);
  EXPECT_FALSE(vetoes.skip_is_due());

  EXPECT_TRUE(vetoes.leave(1, 7));
  EXPECT_EQ(vetoes.listeners(), 3U) << "the other tab is there";
  EXPECT_EQ(vetoes.vetoes(), 1U);
  EXPECT_TRUE(vetoes.leave(0, 7));
  EXPECT_EQ(vetoes.listeners(), 2U);
  EXPECT_EQ(vetoes.vetoes(), 0U) << "only ids with a live stream count";
  EXPECT_EQ(vetoes.vote(7), VoteOutcome::no_such_listener);
}

TEST_F(VetoesTest, AreRecountedWhenAListenerLeaves) {
  for (const std::uint64_t id : {1U, 2U, 3U}) {
    EXPECT_TRUE(vetoes.join(0, id));
  }
  EXPECT_EQ(vetoes.vote(1), VoteOutcome::counted);
  EXPECT_FALSE(vetoes.skip_is_due());
  EXPECT_TRUE(vetoes.leave(0, 3));
  EXPECT_TRUE(vetoes.skip_is_due()) << "one of two";
}

TEST_F(VetoesTest, OfThoseWhoHaveLeftAreGone) {
  for (const std::uint64_t id : {1U, 2U, 3U}) {
    EXPECT_TRUE(vetoes.join(0, id));
  }
  EXPECT_EQ(vetoes.vote(1), VoteOutcome::counted);
  EXPECT_TRUE(vetoes.leave(0, 1));
  EXPECT_TRUE(vetoes.join(0, 1));
  EXPECT_EQ(vetoes.vetoes(), 0U) << "and do not come back with them";
  EXPECT_EQ(vetoes.vote(2), VoteOutcome::counted);
  EXPECT_FALSE(vetoes.skip_is_due());
}

TEST_F(VetoesTest, SkipATrackOnce) {
  for (const std::uint64_t id : {1U, 2U}) {
    EXPECT_TRUE(vetoes.join(0, id));
  }
  EXPECT_EQ(vetoes.vote(1), VoteOutcome::counted);
  EXPECT_TRUE(vetoes.skip_is_due());
  EXPECT_FALSE(vetoes.skip_is_due());
  EXPECT_EQ(vetoes.vote(2), VoteOutcome::counted);
  EXPECT_FALSE(vetoes.skip_is_due()) << "the source may take its time";
  EXPECT_EQ(vetoes.vetoes(), 2U);

  vetoes.start_track();
  EXPECT_EQ(vetoes.vetoes(), 0U);
  EXPECT_FALSE(vetoes.skip_is_due());
  EXPECT_EQ(vetoes.vote(2), VoteOutcome::counted);
  EXPECT_TRUE(vetoes.skip_is_due());
}

TEST_F(VetoesTest, AreNotTakenWhileNothingPlays) {
  EXPECT_TRUE(vetoes.join(0, 1));
  EXPECT_EQ(vetoes.vote(1), VoteOutcome::counted);
  vetoes.stop();
  EXPECT_EQ(vetoes.vetoes(), 0U);
  EXPECT_FALSE(vetoes.skip_is_due());
  EXPECT_EQ(vetoes.vote(1), VoteOutcome::nothing_plays);
  EXPECT_EQ(vetoes.vote(2), VoteOutcome::no_such_listener);
  EXPECT_FALSE(vetoes.skip_is_due());
}

TEST_F(VetoesTest, OfAWorkerThatHasGoneGoWithIt) {
  EXPECT_TRUE(vetoes.join(0, 1));
  EXPECT_TRUE(vetoes.join(0, 1));
  EXPECT_TRUE(vetoes.join(0, 2));
  EXPECT_TRUE(vetoes.join(1, 2));
  EXPECT_TRUE(vetoes.join(1, 3));
  EXPECT_EQ(vetoes.vote(1), VoteOutcome::counted);
  vetoes.keep_only(0, {});
  EXPECT_EQ(vetoes.listeners(), 2U);
  EXPECT_EQ(vetoes.vetoes(), 0U);
  EXPECT_FALSE(vetoes.leave(0, 2)) << "that worker has none any more";
  EXPECT_TRUE(vetoes.leave(1, 2));
  EXPECT_EQ(vetoes.listeners(), 1U);
}

TEST_F(VetoesTest, ALeaveOfSomebodyWhoIsNotThereChangesNothing) {
  EXPECT_TRUE(vetoes.join(0, 1));
  EXPECT_FALSE(vetoes.leave(1, 1)) << "he is at the other worker";
  EXPECT_FALSE(vetoes.leave(0, 2));
  EXPECT_EQ(vetoes.listeners(), 1U);
}

TEST_F(VetoesTest, AWorkerCannotHaveMoreListenersThanThereCanBe) {
  for (std::size_t i = 0; i < Vetoes::connections_max; ++i) {
    ASSERT_TRUE(vetoes.join(0, i % 10));
  }
  EXPECT_FALSE(vetoes.join(0, 10));
  EXPECT_TRUE(vetoes.join(1, 11)) << "the other one can";
  EXPECT_EQ(vetoes.listeners(), 11U);
  EXPECT_TRUE(vetoes.leave(0, 1));
  EXPECT_TRUE(vetoes.join(0, 10));
}

TEST(Vetoes, OfAllWantAll) {
  Vetoes vetoes(1, 1);
  vetoes.start_track();
  for (std::uint64_t id = 0; id < 10; ++id) {
    EXPECT_TRUE(vetoes.join(0, id));
  }
  for (std::uint64_t id = 0; id < 10; ++id) {
    EXPECT_FALSE(vetoes.skip_is_due());
    EXPECT_EQ(vetoes.vote(id), VoteOutcome::counted);
  }
  EXPECT_TRUE(vetoes.skip_is_due());
}

// Whatever order things come in, it is as if each connection were counted by itself.
// As when two workers' listeners become one's: first the heir is told of all, then the other of
// none.
TEST_F(VetoesTest, OfListenersWhoMoveToAnotherWorkerAreKept) {
  EXPECT_TRUE(vetoes.join(0, 1));
  EXPECT_TRUE(vetoes.join(1, 1));
  EXPECT_TRUE(vetoes.join(1, 2));
  EXPECT_TRUE(vetoes.join(1, 3));
  EXPECT_EQ(vetoes.vote(1), VoteOutcome::counted);
  EXPECT_EQ(vetoes.vote(2), VoteOutcome::counted);
  const std::array<std::uint64_t, 3> all{1, 1, 2};
  vetoes.keep_only(0, all);
  vetoes.keep_only(1, {});
  EXPECT_EQ(vetoes.listeners(), 2U) << "3 has gone meanwhile";
  EXPECT_EQ(vetoes.vetoes(), 2U);
  EXPECT_TRUE(vetoes.leave(0, 1));
  EXPECT_EQ(vetoes.vetoes(), 2U) << "one of two connections";
  EXPECT_TRUE(vetoes.leave(0, 1));
  EXPECT_EQ(vetoes.vetoes(), 1U);
  EXPECT_FALSE(vetoes.leave(1, 2));
}

TEST(Vetoes, CountIdsThatAreOnManyWorkersAsIfEachConnectionWereCounted) {
  constexpr std::size_t slots = 4;
  constexpr std::uint64_t ids = 6;
  Vetoes vetoes(1.0, slots);
  vetoes.start_track();
  std::array<std::array<std::size_t, ids>, slots> connections{};
  std::array<bool, ids> voted{};
  std::mt19937 random(7);
  const auto below = [&](std::size_t end) { return std::size_t{random()} % end; };
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t slot = below(slots);
    const std::uint64_t id = below(ids);
    switch (below(9)) {
      case 8:
        voted[id] = vetoes.vote(id) == VoteOutcome::counted;
        break;
      case 0: {
        std::vector<std::uint64_t> kept;
        for (std::uint64_t other = 0; other < ids; ++other) {
          connections[slot][other] = below(3);
          kept.insert(kept.begin(), connections[slot][other], other);
        }
        vetoes.keep_only(slot, kept);
        break;
      }
      case 1:
      case 2:
      case 3:
        ASSERT_TRUE(vetoes.join(slot, id));
        ++connections[slot][id];
        break;
      default:
        ASSERT_EQ(vetoes.leave(slot, id), connections[slot][id] > 0);
        connections[slot][id] -= connections[slot][id] > 0 ? 1U : 0U;
    }
    std::uint64_t listeners = 0;
    for (std::uint64_t other = 0; other < ids; ++other) {
      std::size_t all = 0;
      for (const auto& of_slot : connections) {
        all += of_slot[other];
      }
      ASSERT_EQ(vetoes.is_listening(other), all > 0);
      listeners += all > 0 ? 1U : 0U;
      voted[other] = voted[other] && all > 0;
    }
    ASSERT_EQ(vetoes.listeners(), listeners);
    ASSERT_EQ(vetoes.vetoes(), std::count(voted.begin(), voted.end(), true));
    if (step % 100 == 0) {
      SavedProgramme saved;
      vetoes.save(saved);
      Vetoes next(1.0, slots);
      next.resume(saved, true);
      ASSERT_EQ(next.listeners(), listeners);
      vetoes = next;
    }
  }
}

}  // namespace
}  // namespace eradio
