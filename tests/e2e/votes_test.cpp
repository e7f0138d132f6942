// Votes of real listeners over two workers: who counts, who may vote, and when the source is told
// to go on.

#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/api_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/server.h"
#include "tests/support/source_remote.h"
#include "tests/support/worker_of.h"

namespace eradio::testing {
namespace {

// The test source logs it when it is sent `next`.
const std::string next_in_log = "got command 4";

class Votes : public ::testing::Test {
 protected:
  void start(const std::vector<std::string>& more_arguments = {}) {
    std::vector<std::string> arguments{"--workers", "2"};
    arguments.insert(arguments.end(), more_arguments.begin(), more_arguments.end());
    server_.emplace(ServerOptions{.source = remote_.source(), .arguments = arguments});
    begin_track("First");
  }

  CrowdListener& join(std::uint64_t id) {
    CrowdListener& listener = crowd_.add(
        {.endpoint = server_->ipv4(), .target = "/stream.mp3?listener_id=" + std::to_string(id)});
    EXPECT_TRUE(crowd_.run_until([&] { return listener.check().frames() > 0; }, patience));
    return listener;
  }
  void join_each(std::uint64_t first_id, std::uint64_t last_id) {
    for (std::uint64_t id = first_id; id <= last_id; ++id) {
      join(id);
    }
  }
  void leave(CrowdListener& listener) { crowd_.close(listener); }
  void expect_vote(std::uint64_t id, int status = 200) {
    EXPECT_EQ(put_veto(server_->ipv4(), id), status) << "of listener " << id;
  }
  void expect_counts(std::uint64_t listeners, std::uint64_t vetoes) {
    EXPECT_TRUE(
        tells_everywhere(*server_, {.track = track_, .listeners = listeners, .vetoes = vetoes}))
        << listeners << " listeners and " << vetoes << " vetoes were expected";
  }

  void begin_track(const std::string& name) {
    remote_.send({SourceRemote::track(name)});
    track_ = name;
    EXPECT_TRUE(comes_true([&] {
      const auto metadata = get_metadata(server_->ipv4());
      return metadata && metadata->track == track_ && metadata->vetoes == 0;
    }));
  }
  // How often the source has been told to go on. What the master has sent before a count was
  // published the source reads before a command of the remote's that comes afterwards, so that a
  // new track is a barrier; a wrong `next` is not missed because it is late.
  [[nodiscard]] std::size_t skips_until_new_track(const std::string& name) {
    begin_track(name);
    return server_->log().count(next_in_log);
  }

  SourceRemote remote_;
  std::optional<Server> server_;
  ListenerCrowd crowd_;
  std::string track_;
};

TEST_F(Votes, OfNobodyWhoListensDoNotCount) {
  start();
  expect_vote(1, 404);
  CrowdListener& listener = join(1);
  expect_counts(1, 0);
  expect_vote(2, 404);
  leave(listener);
  expect_counts(0, 0);
  expect_vote(1, 404);
  expect_counts(0, 0);
  EXPECT_EQ(skips_until_new_track("Second"), 0U);
}

TEST_F(Votes, OfTheOnlyListenerSkip) {
  start();
  join(1);
  expect_counts(1, 0);
  expect_vote(1);
  expect_counts(1, 1);
  EXPECT_EQ(skips_until_new_track("Second"), 1U);
}

TEST_F(Votes, OfOneInThreeDoNotSkipButOfTwoDoAndOnlyOnce) {
  start();
  join_each(1, 3);
  expect_counts(3, 0);
  for (int i = 0; i < 3; ++i) {
    expect_vote(1);  // again and again
  }
  expect_counts(3, 1);
  EXPECT_EQ(skips_until_new_track("Second"), 0U);

  expect_counts(3, 0);
  expect_vote(1);
  expect_vote(2);
  ASSERT_TRUE(server_->log().wait_for(next_in_log, patience));
  expect_vote(3);
  expect_vote(2);
  expect_counts(3, 3);
  EXPECT_EQ(skips_until_new_track("Third"), 1U) << "once for each track";

  expect_vote(2);
  expect_vote(3);
  expect_counts(3, 2);
  EXPECT_EQ(skips_until_new_track("Fourth"), 2U);
}

TEST_F(Votes, OfTwoTabsOnTwoWorkersAreOne) {
  start();
  CrowdListener& first = join(7);
  const auto worker = worker_of(*server_, first.descriptor());
  ASSERT_TRUE(worker);
  CrowdListener* other = &join(7);
  for (int i = 0; i < 100 && worker_of(*server_, other->descriptor()) == worker; ++i) {
    leave(*other);
    other = &join(7);
  }
  ASSERT_NE(worker_of(*server_, other->descriptor()), worker);
  join_each(8, 9);
  expect_counts(3, 0);
  expect_vote(7);
  expect_vote(7);
  expect_counts(3, 1);
  leave(first);
  join(10);
  expect_counts(4, 1);  // it is there still, and so is its vote
  leave(*other);
  expect_counts(3, 0);
  expect_vote(7, 404);
  EXPECT_EQ(skips_until_new_track("Second"), 0U);
}

TEST_F(Votes, AreCountedAgainWhenAListenerLeaves) {
  start();
  join_each(1, 2);
  CrowdListener& third = join(3);
  CrowdListener& fourth = join(4);
  expect_counts(4, 0);
  expect_vote(1);
  expect_counts(4, 1);
  leave(third);
  expect_counts(3, 1);
  EXPECT_EQ(server_->log().count(next_in_log), 0U) << "two of three are needed";
  leave(fourth);
  expect_counts(2, 1);
  EXPECT_EQ(skips_until_new_track("Second"), 1U) << "one of two is enough";
}

TEST_F(Votes, GoWithTheListenerWhoVoted) {
  start();
  CrowdListener& voter = join(1);
  join_each(2, 4);
  expect_counts(4, 0);
  expect_vote(1);
  expect_counts(4, 1);
  leave(voter);
  expect_counts(3, 0);
  join(1);
  expect_counts(4, 0);
  EXPECT_EQ(skips_until_new_track("Second"), 0U);
}

TEST_F(Votes, AreClearedByATrackThatChangesOrStopsOrBeginsAgain) {
  start({"--veto_ratio", "1"});
  join_each(1, 3);
  expect_counts(3, 0);
  expect_vote(1);
  expect_vote(2);
  expect_counts(3, 2);
  begin_track("Second");
  expect_counts(3, 0);
  expect_vote(1);
  expect_counts(3, 1);
  begin_track("Second");  // the same once more
  expect_counts(3, 0);
  expect_vote(1);
  expect_counts(3, 1);
  remote_.send({SourceRemote::stop()});
  EXPECT_TRUE(tells_everywhere(*server_, {.listeners = 3}));
  expect_vote(2, 409);
  begin_track("Third");
  expect_counts(3, 0);
  EXPECT_EQ(server_->log().count(next_in_log), 0U);
}

TEST_F(Votes, AreForgottenWithTheSourceThatPlayedTheTrack) {
  start({"--source_restart_delay", "100 ms", "--veto_ratio", "1"});
  join_each(1, 2);
  expect_counts(2, 0);
  expect_vote(1);
  expect_counts(2, 1);
  const auto source = server_->source();
  ASSERT_TRUE(source);
  ::kill(*source, SIGKILL);
  EXPECT_TRUE(tells_everywhere(*server_, {.track = "Test tone", .listeners = 2}));
  EXPECT_EQ(crowd_.ended(), 0U);
}

TEST_F(Votes, ThatAreNeededFollowTheRatio) {
  start({"--veto_ratio", "1"});
  join_each(1, 3);
  expect_counts(3, 0);
  expect_vote(1);
  expect_vote(2);
  expect_counts(3, 2);
  EXPECT_EQ(skips_until_new_track("Second"), 0U);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    expect_vote(id);
  }
  expect_counts(3, 3);
  EXPECT_EQ(skips_until_new_track("Third"), 1U);

  start({"--veto_ratio", "0.1"});
  join_each(1, 11);
  expect_counts(11, 0);
  expect_vote(1);
  expect_counts(11, 1);
  EXPECT_EQ(skips_until_new_track("Second"), 0U) << "two of eleven are needed";
  expect_vote(1);
  expect_vote(2);
  expect_counts(11, 2);
  EXPECT_EQ(skips_until_new_track("Third"), 1U);
}

TEST_F(Votes, AndListenersOfAWorkerThatIsKilledAreThoseOfTheNextOne) {
  start({"--veto_ratio", "1"});
  const auto workers = server_->workers();
  ASSERT_EQ(workers.size(), 2U);
  std::uint64_t joined = 0;
  std::uint64_t votes = 0;
  std::uint64_t votes_stay = 0;
  // Until each worker has some who vote and some who do not.
  for (std::uint64_t id = 1; id <= 40; ++id) {
    const CrowdListener& listener = join(id);
    const auto worker = worker_of(*server_, listener.descriptor());
    ASSERT_TRUE(worker);
    const bool stays = *worker != workers.front();
    const bool does_vote = id % 3 == 0;
    joined += 1;
    if (does_vote) {
      expect_vote(id);
      votes += 1;
      votes_stay += stays ? 1U : 0U;
    }
  }
  ASSERT_GT(votes_stay, 0U);
  ASSERT_LT(votes_stay, votes);
  expect_counts(joined, votes);
  ::kill(workers.front(), SIGKILL);
  crowd_.run_for(std::chrono::seconds(1));
  expect_counts(joined, votes);
  const auto now = server_->workers();
  ASSERT_EQ(now.size(), 2U);
  EXPECT_EQ(std::count(now.begin(), now.end(), workers.front()), 0);
  EXPECT_EQ(skips_until_new_track("Second"), 0U);
  // The new worker's count like everybody's.
  for (std::uint64_t id = 101; id <= 110; ++id) {
    join(id);
    expect_vote(id);
  }
  expect_counts(joined + 10, 10);
}

TEST_F(Votes, OfAListenerWhoHasJustComeCountWhicheverWorkerIsAsked) {
  start({"--veto_ratio", "1"});
  constexpr std::uint64_t listeners = 60;
  for (std::uint64_t id = 1; id <= listeners; ++id) {
    join(id);
    expect_vote(id);  // the other worker may be the faster one to tell the master
  }
  expect_counts(listeners, listeners);
}

TEST_F(Votes, OfManyAtOnceAreAllCounted) {
  start({"--veto_ratio", "1"});
  const auto listeners = static_cast<std::uint64_t>(scaled_down(500));
  join(0);  // who does not vote
  for (std::uint64_t id = 1; id <= listeners; ++id) {
    crowd_.add(
        {.endpoint = server_->ipv4(), .target = "/stream.mp3?listener_id=" + std::to_string(id)});
  }
  ASSERT_TRUE(crowd_.run_until_all_listen(patience));
  HttpClient client(server_->ipv4());
  for (std::uint64_t id = 1; id <= listeners; ++id) {
    ASSERT_TRUE(client.request("/v1/veto?listener_id=" + std::to_string(id), "PUT"));
  }
  for (std::uint64_t id = 1; id <= listeners; ++id) {
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply) << id;
    EXPECT_EQ(reply->status, 200) << id << reply->body;
  }
  expect_counts(listeners + 1, listeners);
  EXPECT_EQ(skips_until_new_track("Second"), 0U);
}

}  // namespace
}  // namespace eradio::testing
