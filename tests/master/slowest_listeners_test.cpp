#include "master/slowest_listeners.h"

#include <unistd.h>

#include <chrono>
#include <optional>

#include <gtest/gtest.h>

#include "common/clock.h"

namespace eradio {
namespace {

class SlowestListenersTest : public testing::Test {
 protected:
  void make_tables(std::size_t count, std::size_t records) {
    for (std::size_t slot = 0; slot < count; ++slot) {
      tables.emplace_back(records);
      workers.emplace_back(Descriptor(::dup(tables.back().descriptor())), 1);
    }
  }
  void add(std::size_t slot, std::int64_t lag_ms) {
    ListenerIdentity identity;
    identity.id = static_cast<std::uint64_t>(lag_ms);
    const auto record = workers.at(slot).take(identity, {});
    ASSERT_TRUE(record);
    workers[slot].write_progress(*record, {.lag_ns = lag_ms * ns_per_ms});
  }
  static std::vector<std::int64_t> lags_ms(const std::vector<ListenersPage::Entry>& entries) {
    std::vector<std::int64_t> lags;
    for (const auto& entry : entries) {
      lags.push_back(entry.listener.lag_ns / ns_per_ms);
    }
    return lags;
  }

  EventLoop loop;
  std::vector<ListenerTable> tables;
  std::vector<WorkerListenerTable> workers;
};

TEST_F(SlowestListenersTest, AreNoneWhereThereAreNone) {
  SlowestListeners slowest(loop, tables);
  std::optional<std::size_t> found;
  slowest.find([&](const auto& entries) { found = entries.size(); });
  EXPECT_EQ(found, 0U);
}

TEST_F(SlowestListenersTest, AreThoseOfAllWorkersInTheOrderOfTheirLag) {
  make_tables(3, 10);
  for (const auto& [slot, lag_ms] :
       {std::pair<std::size_t, std::int64_t>{0, 5}, {2, 70}, {1, 30}, {0, 0}, {2, 31}}) {
    add(slot, lag_ms);
  }
  SlowestListeners slowest(loop, tables);
  std::vector<ListenersPage::Entry> found;
  slowest.find([&](const auto& entries) { found = entries; });
  EXPECT_EQ(lags_ms(found), (std::vector<std::int64_t>{70, 31, 30, 5, 0}));
  EXPECT_EQ(found.at(2).slot, 1U);
}

// More than are looked at in one turn, and more than are kept.
TEST_F(SlowestListenersTest, AreFoundInManyTurnsForAllWhoAskMeanwhile) {
  constexpr std::int64_t listeners = 5000;
  make_tables(2, listeners);
  for (std::int64_t i = 0; i < listeners; ++i) {
    add(static_cast<std::size_t>(i) % 2, i * 7919 % listeners);
  }
  SlowestListeners slowest(loop, tables);
  std::vector<std::vector<std::int64_t>> answers;
  const auto note = [&](const std::vector<ListenersPage::Entry>& entries) {
    answers.push_back(lags_ms(entries));
    if (answers.size() == 2) {
      loop.stop();
    }
  };
  slowest.find(note);
  EXPECT_TRUE(answers.empty()) << "it looked at all of them in one turn";
  slowest.find(note);
  EventLoop::TimerId limit = loop.call_after(std::chrono::seconds(10), [&] { loop.stop(); });
  loop.run();
  loop.cancel(limit);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0], answers[1]);
  ASSERT_EQ(answers[0].size(), SlowestListeners::kept_max);
  for (std::size_t place = 0; place < SlowestListeners::kept_max; ++place) {
    EXPECT_EQ(answers[0][place], listeners - 1 - static_cast<std::int64_t>(place));
  }
  slowest.find(note);
  EXPECT_EQ(answers.size(), 3U) << "it looked again at once";
}

}  // namespace
}  // namespace eradio
