// A fan-out that passes over a part of its listeners at a time, so that several frames share each
// send.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/worker/fan_out_fixture.h"

namespace eradio {
namespace {

using test::Connection;
using test::Numbers;
using test::test_time;

class FanOutParts : public test::FanOutTest {
 protected:
  static constexpr std::int64_t frame_ns = 26 * ns_per_ms;

  Connection& come(std::uint64_t id) {
    connections_.push_back(std::make_unique<Connection>());
    join(*connections_.back(), id);
    return *connections_.back();
  }
  void append_and_pass_over_a_part(std::int64_t of) {
    test_time += frame_ns;
    append();
    fan_out.set_gathering((of - 1) * frame_ns);
    fan_out.pass_over(1, of);
  }

  std::vector<std::unique_ptr<Connection>> connections_;
};

TEST_F(FanOutParts, EachGetsSoManyFramesAtATimeAndAllOfThem) {
  constexpr std::int64_t of = 3;
  for (std::uint64_t id = 0; id < 30; ++id) {
    come(id);
  }
  const std::uint64_t sends_before = counters.sends_total.get();
  std::vector<std::string> heard(connections_.size());
  std::size_t sends_with_one_frame = 0;
  for (int frame = 0; frame < 60; ++frame) {
    append_and_pass_over_a_part(of);
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      const std::string bytes = connections_[i]->read_all();
      const std::size_t frames = frames_in(bytes).size();
      EXPECT_LE(frames, 3U) << "nobody waits for longer than his turn";
      sends_with_one_frame += frames == 1 ? 1U : 0U;
      heard[i] += bytes;
    }
  }
  EXPECT_LE(counters.sends_total.get() - sends_before, 30U * 60 / 3 * 5 / 4);
  EXPECT_LE(sends_with_one_frame, 30U) << "but for the beginning";
  fan_out.pass();
  EXPECT_FALSE(fan_out.is_within_turn());
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    const Numbers numbers = frames_in(heard[i] + connections_[i]->read_all());
    ASSERT_EQ(numbers.size(), 60U);
    EXPECT_EQ(numbers.front(), 1U);
    EXPECT_EQ(numbers.back(), 60U);
  }
}

TEST_F(FanOutParts, NobodyIsPassedByHoweverManyComeAndGo) {
  std::mt19937 random(11);
  std::uint64_t next_id = 0;
  for (; next_id < 20; ++next_id) {
    come(next_id);
  }
  std::vector<std::string> heard(next_id);
  for (int frame = 0; frame < 400; ++frame) {
    const std::int64_t of = 2 + frame / 100;
    if (random() % 2 == 0 && connections_.size() > 5) {
      const std::size_t who = random() % connections_.size();
      connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(who));
      heard.erase(heard.begin() + static_cast<std::ptrdiff_t>(who));
      run_loop(std::chrono::milliseconds(1));
    }
    append_and_pass_over_a_part(of);
    if (random() % 2 == 0) {
      come(next_id++);
      heard.emplace_back();
    }
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      const std::string bytes = connections_[i]->read_all();
      heard[i] += bytes;
      const Numbers numbers = frames_in(heard[i]);
      const std::uint64_t newest = store.next() - 1;
      if (numbers.empty()) {
        EXPECT_LE(frame, of) << "there was nothing to begin with when it came";
        continue;
      }
      // Early in one turn, and late in the next.
      EXPECT_GE(numbers.back() + 2 * static_cast<std::uint64_t>(of), newest) << "passed by";
      EXPECT_EQ(numbers.size(), numbers.back() - numbers.front() + 1);
    }
  }
}

TEST_F(FanOutParts, SharingASendCostsNobodyAFrameHoweverSmallHisLagMayBe) {
  lag_ns_max = 20 * ns_per_ms;
  for (std::uint64_t id = 0; id < 8; ++id) {
    come(id);
  }
  for (int frame = 0; frame < 80; ++frame) {
    append_and_pass_over_a_part(4);
    test_time += 5 * ns_per_ms;  // which the pass took
    for (const auto& connection : connections_) {
      connection->read_all();
    }
  }
  fan_out.pass();
  EXPECT_EQ(totals().frames_skipped, 0U);
  EXPECT_EQ(totals().frames_sent, 8U * 80);
  // Without, it is what it was.
  for (const auto& connection : connections_) {
    connection->read_all();
  }
  fan_out.set_gathering(0);
  append();
  test_time += 60 * ns_per_ms;
  fan_out.pass();
  EXPECT_EQ(totals().frames_skipped, 8U);
}

TEST_F(FanOutParts, WithoutListenersATurnIsOverAtOnce) {
  append_and_pass_over_a_part(3);
  EXPECT_FALSE(fan_out.is_within_turn());
  EXPECT_FALSE(store.is_of_turn(1));
}

}  // namespace
}  // namespace eradio
