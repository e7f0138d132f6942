// The programme with a real ring behind it, read as a worker reads it.
#include "master/programme.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "shm/stream_segment.h"

namespace eradio {
namespace {

using std::chrono::milliseconds;

class ProgrammeTest : public testing::Test {
 protected:
  void run_loop(milliseconds time) {
    loop.call_after(time, [this] { loop.stop(); });
    loop.run();
  }
  // What has been published since the last call: "d" for a frame, and the metadata.
  std::string published() {
    std::string text;
    std::optional<StreamMetadata> newest;
    std::vector<std::byte> payload(reader.ring().payload_bytes_max());
    Record record;
    while (reader.ring().read(record, payload) == ReadResult::record) {
      if (record.type == RecordType::sync_point) {
        text += "d ";
        continue;
      }
      const auto metadata = decode_stream_metadata(std::span(payload).first(record.payload_bytes));
      newest = metadata;
      const auto& track = metadata->now_playing.track;
      text += (track                           ? track->name
               : metadata->now_playing.playing ? "?"
                                               : "-") +
              "/" + std::to_string(metadata->listeners) + "/" + std::to_string(metadata->vetoes) +
              " ";
    }
    if (newest) {
      EXPECT_EQ(newest, reader.state().read()->metadata) << "late-comers are told the same";
    }
    return text;
  }
  void audience(std::size_t slot, std::vector<AudienceEvent> events) {
    programme.on_audience(slot, events);
  }
  static AudienceEvent joined(std::uint64_t id) {
    return {.listener_id = id, .type = AudienceEventType::joined};
  }
  static AudienceEvent left(std::uint64_t id) {
    return {.listener_id = id, .type = AudienceEventType::left};
  }
  // Of somebody who was told of the track that plays now, or of an earlier one.
  AudienceEvent vote(std::uint64_t id, std::uint64_t token = 0, std::uint64_t tracks_ago = 0) {
    programme.flush();
    return {.listener_id = id,
            .token = token,
            .track_number = reader.state().read()->metadata.track_number - tracks_ago,
            .type = AudienceEventType::vote};
  }
  static NowPlaying track(const char* name) {
    return {.playing = true, .track = TrackName{.uri = "", .name = name}};
  }

  EventLoop loop;
  Publisher publisher{1 << 20, 1000, 2};
  StreamSegmentReader reader{publisher.reopen_read_only()};
  int skips = 0;
  std::vector<std::pair<std::size_t, VoteAnswer>> answers;
  Programme programme{
      loop,
      publisher,
      {.workers = 2, .return_patience = milliseconds(200)},
      [this] { ++skips; },
      [this](std::size_t slot, const VoteAnswer& answer) { answers.emplace_back(slot, answer); }};
};

TEST_F(ProgrammeTest, PublishesATrackInItsPlaceBetweenTheFrames) {
  const std::byte frame{1};
  programme.frame(FrameKind::sync_point, std::span(&frame, 1));
  programme.now_playing(track("A"));
  programme.frame(FrameKind::sync_point, std::span(&frame, 1));
  programme.now_playing({});
  programme.flush();
  EXPECT_EQ(published(), "d A/0/0 d -/0/0 ");
}

TEST_F(ProgrammeTest, PublishesNothingTwice) {
  const std::byte frame{1};
  programme.now_playing({});  // as it was from the beginning
  programme.frame(FrameKind::sync_point, std::span(&frame, 1));
  programme.now_playing(track("A"));
  programme.flush();
  programme.now_playing(track("A"));
  programme.flush();
  programme.now_playing({});
  programme.flush();
  programme.now_playing({});
  programme.frame(FrameKind::sync_point, std::span(&frame, 1));
  EXPECT_EQ(published(), "d A/0/0 A/0/0 -/0/0 d ") << "the same track again is another one";
}

TEST_F(ProgrammeTest, TracksWithNothingBetweenThemAreOnePieceOfNews) {
  const std::byte frame{1};
  for (int i = 0; i < 1000; ++i) {
    programme.now_playing(track("A"));
    programme.now_playing({});
  }
  programme.now_playing(track("B"));
  programme.frame(FrameKind::sync_point, std::span(&frame, 1));
  programme.flush();
  EXPECT_EQ(published(), "B/0/0 d ");
}

TEST_F(ProgrammeTest, AVoteAgainstTheTrackBeforeSkipsNothing) {
  programme.now_playing(track("A"));
  audience(0, {joined(1)});
  programme.now_playing(track("B"));
  audience(0, {vote(1, 5, 1)});
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].second.outcome, VoteOutcome::counted) << "that track has gone, as wished";
  EXPECT_EQ(skips, 0);
  audience(0, {vote(1, 6)});
  EXPECT_EQ(skips, 1);
}

TEST_F(ProgrammeTest, TheDeathOfAWorkerDoesNotSkipUntilItsListenersCouldBeBack) {
  programme.now_playing(track("A"));
  audience(0, {joined(1), vote(1)});
  audience(1, {joined(2), joined(3)});
  EXPECT_EQ(skips, 1) << "alone he was the majority";
  programme.now_playing(track("B"));
  audience(0, {vote(1)});
  EXPECT_EQ(skips, 1);
  programme.on_worker_gone(1, {});
  audience(0, {joined(4), left(4)});
  EXPECT_EQ(skips, 1);
  audience(1, {joined(2), joined(3)});
  run_loop(milliseconds(500));
  EXPECT_EQ(skips, 1) << "they are back";
  programme.on_worker_gone(1, {});
  run_loop(milliseconds(500));
  EXPECT_EQ(skips, 2) << "they are not";
}

TEST_F(ProgrammeTest, GathersChangesOfTheCounts) {
  programme.now_playing(track("A"));
  programme.flush();
  run_loop(milliseconds(60));
  EXPECT_EQ(published(), "A/0/0 ");
  audience(0, {joined(1)});
  EXPECT_EQ(published(), "A/1/0 ") << "the first at once";
  for (std::uint64_t id = 2; id <= 100; ++id) {
    audience(id % 2, {joined(id)});
  }
  EXPECT_EQ(published(), "");
  run_loop(milliseconds(80));
  EXPECT_EQ(published(), "A/100/0 ");
}

TEST_F(ProgrammeTest, PublishesNothingForACrowdThatComesAndGoesAtOnce) {
  programme.now_playing(track("A"));
  programme.flush();
  audience(0, {joined(1), left(1)});
  run_loop(milliseconds(80));
  EXPECT_EQ(published(), "A/0/0 ");
}

TEST_F(ProgrammeTest, ATrackIsNotGatheredAndClearsTheVotes) {
  programme.now_playing(track("A"));
  audience(0, {joined(1), joined(2), joined(3), vote(1, 5)});
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].first, 0U);
  EXPECT_EQ(answers[0].second.token, 5U);
  EXPECT_EQ(answers[0].second.outcome, VoteOutcome::counted);
  programme.now_playing(track("B"));
  programme.flush();
  EXPECT_EQ(published(), "A/0/0 B/3/0 ") << "with the counts as they are now";
  run_loop(milliseconds(80));
  EXPECT_EQ(published(), "");
}

TEST_F(ProgrammeTest, TheSameTrackAgainClearsTheVotesToo) {
  programme.now_playing(track("A"));
  audience(0, {joined(1), joined(2), joined(3), vote(1)});
  programme.now_playing(track("A"));
  programme.flush();
  EXPECT_EQ(published(), "A/0/0 A/3/0 ");
}

TEST_F(ProgrammeTest, SkipsOnceThereAreVotesEnough) {
  programme.now_playing(track("A"));
  audience(0, {joined(1), joined(2)});
  audience(1, {joined(3), vote(3)});
  EXPECT_EQ(skips, 0);
  audience(0, {left(2)});
  EXPECT_EQ(skips, 1) << "one of two";
  audience(0, {vote(1)});
  EXPECT_EQ(skips, 1);
}

TEST_F(ProgrammeTest, AVoteWaitsForAListenerWhoseJoinComesByAnotherLine) {
  programme.now_playing(track("A"));
  audience(1, {vote(1, 8)});
  run_loop(milliseconds(50));
  EXPECT_TRUE(answers.empty());
  audience(0, {joined(1)});
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].first, 1U);
  EXPECT_EQ(answers[0].second.token, 8U);
  EXPECT_EQ(answers[0].second.outcome, VoteOutcome::counted);
  EXPECT_EQ(skips, 1);
}

TEST_F(ProgrammeTest, AVoteWithoutAListenerIsRefusedAfterAWhile) {
  programme.now_playing(track("A"));
  audience(1, {vote(1, 8), vote(2, 9)});
  run_loop(milliseconds(600));
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].second.token, 8U);
  EXPECT_EQ(answers[1].second.outcome, VoteOutcome::no_such_listener);
  EXPECT_EQ(skips, 0);
}

TEST_F(ProgrammeTest, AFloodOfVotesFromNobodyIsAnsweredWithoutEnd) {
  for (std::uint64_t token = 1; token <= 5000; ++token) {
    audience(0, {vote(token, token)});
  }
  EXPECT_GE(answers.size(), 3000U);
  run_loop(milliseconds(600));
  EXPECT_EQ(answers.size(), 5000U);
}

TEST_F(ProgrammeTest, ForgetsTheListenersOfAWorkerThatHasGone) {
  programme.now_playing(track("A"));
  audience(0, {joined(1), joined(2)});
  audience(1, {joined(3), vote(77)});
  programme.on_worker_gone(1, {});
  run_loop(milliseconds(400));
  EXPECT_TRUE(answers.empty()) << "there is nobody to answer to";
  const std::string all = published();
  EXPECT_TRUE(all.ends_with("A/2/0 ")) << all;
  audience(0, {left(3)});
  run_loop(milliseconds(80));
  EXPECT_EQ(published(), "") << "a leave of somebody else's listener is ignored";
}

}  // namespace
}  // namespace eradio
