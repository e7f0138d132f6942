#include "master/kicks.h"

#include <vector>

#include <gtest/gtest.h>

namespace eradio {
namespace {

class KicksTest : public testing::Test {
 protected:
  std::uint64_t order(std::set<std::size_t> slots, bool complete = true) {
    const std::uint64_t token = kicks.make_token();
    kicks.expect(token, std::move(slots), complete,
                 [this](const KickResult& result) { results.push_back(result); });
    return token;
  }
  void answer(std::size_t slot, std::uint64_t token, std::uint64_t connections) {
    kicks.on_answer(slot, {.token = token, .connections = connections});
  }

  Kicks kicks;
  std::vector<KickResult> results;
};

TEST_F(KicksTest, AreDoneWhenEveryWorkerHasAnswered) {
  const auto token = order({0, 1, 2});
  answer(1, token, 2);
  answer(0, token, 0);
  EXPECT_TRUE(results.empty());
  answer(2, token, 3);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].connections, 5U);
  EXPECT_TRUE(results[0].complete);
}

TEST_F(KicksTest, AreIncompleteWhenAWorkerEndsOrWasNotTold) {
  const auto token = order({0, 1});
  answer(0, token, 4);
  kicks.on_worker_gone(1);
  order({}, false);
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].connections, 4U);
  EXPECT_FALSE(results[0].complete);
  EXPECT_FALSE(results[1].complete);
}

TEST_F(KicksTest, CanBeGivenUpForWorkersThatDoNotAnswer) {
  const auto token = order({0, 1, 2});
  answer(1, token, 2);
  kicks.give_up(token);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].connections, 2U);
  EXPECT_FALSE(results[0].complete);
  EXPECT_EQ(results[0].silent, (std::vector<std::size_t>{0, 2}));
  answer(0, token, 5);
  kicks.give_up(token);
  EXPECT_EQ(results.size(), 1U) << "it is over";
}

TEST_F(KicksTest, AreDoneAtOnceWhenThereIsNobodyToTell) {
  order({});
  ASSERT_EQ(results.size(), 1U);
  EXPECT_TRUE(results[0].complete);
}

TEST_F(KicksTest, TakeNoAnswerTwiceNorOneThatNobodyWaitsFor) {
  const auto first = order({0, 1});
  const auto second = order({0});
  answer(0, first, 1);
  answer(0, first, 1);
  answer(7, first, 1);
  answer(0, 12345, 1);
  EXPECT_TRUE(results.empty());
  answer(1, first, 1);
  answer(0, second, 9);
  answer(0, second, 9);
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].connections, 2U);
  EXPECT_EQ(results[1].connections, 9U);
}

TEST_F(KicksTest, MayBeFollowedByAnotherFromWithinTheirEnd) {
  int done = 0;
  const auto token = kicks.make_token();
  kicks.expect(token, {0}, true, [&](const KickResult&) {
    ++done;
    order({0});
  });
  kicks.on_worker_gone(0);
  EXPECT_EQ(done, 1);
  EXPECT_TRUE(results.empty());
  kicks.on_worker_gone(0);
  EXPECT_EQ(results.size(), 1U);
}

}  // namespace
}  // namespace eradio
