#include "worker/master_line.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/system_error.h"

namespace eradio {
namespace {

using std::chrono::milliseconds;

class MasterLineTest : public ::testing::Test {
 protected:
  MasterLineTest() {
    std::array<int, 2> ends{};
    check_syscall(
        ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()),
        "socketpair");
    master = Descriptor(ends[0]);
    MasterOrders orders;
    orders.stop = [this] {
      ++stops;
      loop.stop();
    };
    orders.hand_over = [this] {
      handed_over = line->hand_over();
      on_hand_over();
    };
    orders.adopt = [this](const EscrowItem& item, Descriptor socket) {
      inherited.push_back({.item = item, .socket = std::move(socket)});
    };
    orders.adopt_end = [this] { inherited.emplace_back(); };
    orders.not_held = [this](const std::vector<EscrowItem>& items) { not_held = items; };
    orders.kick = [this](const KickOrder& order) {
      kicks.push_back(order);
      return std::uint64_t{4};
    };
    orders.set_log_level = [this](LogLevel level) { log_levels.push_back(level); };
    line.emplace(loop, Descriptor(ends[1]), std::move(orders));
  }
  void run_loop(milliseconds time = milliseconds(30)) {
    loop.call_after(time, [this] { loop.stop(); });
    loop.run();
  }
  // All events that have come, and in how many messages.
  std::vector<AudienceEvent> received() {
    std::vector<AudienceEvent> events;
    WorkerMessage message;
    while (receive_worker_message(master.number(), message) == ReceiveResult::message) {
      events.insert(events.end(), message.audience.begin(), message.audience.end());
      ++messages;
    }
    return events;
  }
  void answer(std::uint64_t token, VoteOutcome outcome) {
    const VoteAnswer vote_answer{.token = token, .outcome = outcome};
    ASSERT_EQ(send_worker_message(master.number(), std::span(&vote_answer, 1)), SendResult::sent);
  }

  EventLoop loop;
  Descriptor master;
  std::optional<MasterLine> line;
  struct Inherited {
    std::optional<EscrowItem> item;
    Descriptor socket;
  };
  std::vector<Inherited> inherited;
  std::vector<EscrowItem> not_held;
  std::optional<bool> handed_over;
  std::function<void()> on_hand_over = [] {};
  std::vector<KickOrder> kicks;
  std::vector<LogLevel> log_levels;
  int stops = 0;
  int messages = 0;
};

TEST_F(MasterLineTest, TellsWhatHappensInOrderAndFewMessages) {
  for (std::uint64_t id = 0; id < 600; ++id) {
    line->joined(id);
  }
  line->left(3);
  run_loop();
  const auto events = received();
  ASSERT_EQ(events.size(), 601U);
  EXPECT_EQ(messages, 3);
  EXPECT_EQ(events[599].listener_id, 599U);
  EXPECT_EQ(events[599].type, AudienceEventType::joined);
  EXPECT_EQ(events[600].listener_id, 3U);
  EXPECT_EQ(events[600].type, AudienceEventType::left);
}

TEST_F(MasterLineTest, KeepsWhatABusyMasterDoesNotTakeYet) {
  constexpr std::uint64_t crowd = 50'000;
  for (std::uint64_t id = 0; id < crowd; ++id) {
    line->joined(id);
  }
  run_loop();
  std::vector<AudienceEvent> events = received();
  EXPECT_LT(events.size(), crowd) << "the socket holds less than that";
  for (int i = 0; i < 200 && events.size() < crowd; ++i) {
    run_loop();
    const auto more = received();
    events.insert(events.end(), more.begin(), more.end());
  }
  ASSERT_EQ(events.size(), crowd);
  for (std::uint64_t id = 0; id < crowd; ++id) {
    ASSERT_EQ(events[id].listener_id, id);
  }
}

TEST_F(MasterLineTest, DoesNotGrowWhileTheMasterTakesNothingForLong) {
  for (std::uint64_t i = 0; i < 2'000'000; ++i) {
    line->joined(i % 1000);
    if (i >= 500) {
      line->left((i - 500) % 1000);
    }
  }
  std::map<std::uint64_t, int> connections;
  for (int i = 0; i < 300; ++i) {
    run_loop(milliseconds(12));
    for (const AudienceEvent& event : received()) {
      connections[event.listener_id] += event.type == AudienceEventType::joined ? 1 : -1;
    }
    if (i > 20 && messages == 0) {
      break;
    }
  }
  std::erase_if(connections, [](const auto& one) { return one.second == 0; });
  EXPECT_EQ(connections.size(), 500U) << "and all are right in the end";
  EXPECT_LT(messages, 1000);
}

TEST_F(MasterLineTest, BringsEachVoterItsAnswer) {
  std::vector<std::pair<std::uint64_t, VoteOutcome>> outcomes;
  for (const std::uint64_t id : {10U, 20U, 30U}) {
    ASSERT_TRUE(line->vote(
        id, 7, [&outcomes, id](VoteOutcome outcome) { outcomes.emplace_back(id, outcome); }));
  }
  run_loop();
  const auto events = received();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[2].track_number, 7U);
  answer(events[1].token, VoteOutcome::no_such_listener);
  answer(events[0].token, VoteOutcome::counted);
  answer(events[0].token, VoteOutcome::counted);
  answer(12345, VoteOutcome::counted);
  run_loop();
  ASSERT_EQ(outcomes.size(), 2U) << "each once, and none that nobody asked for";
  EXPECT_EQ(outcomes[0], std::pair(std::uint64_t{20}, VoteOutcome::no_such_listener));
  EXPECT_EQ(outcomes[1], std::pair(std::uint64_t{10}, VoteOutcome::counted));
}

TEST_F(MasterLineTest, TakesNoMoreVotesThanItCanKeep) {
  int taken = 0;
  while (taken < 100'000 && line->vote(1, 1, [](VoteOutcome) {})) {
    ++taken;
  }
  EXPECT_GT(taken, 1000);
  EXPECT_LT(taken, 10'000);
}

TEST_F(MasterLineTest, GivesTheMasterWhatItIsToHoldAtOnceAndInOrder) {
  const auto item = [](std::uint64_t serial) { return EscrowItem{.serial = serial}; };
  line->escrow(item(1), master.number());
  WorkerMessage message;
  ASSERT_EQ(receive_worker_message(master.number(), message), ReceiveResult::message);
  EXPECT_EQ(message.type, WorkerMessageType::escrow);
  EXPECT_EQ(message.descriptors.size(), 1U);
  // Until the master takes no more.
  std::uint64_t last = 1;
  for (int i = 0; i < 2000; ++i) {
    line->escrow(item(++last), master.number());
  }
  line->release(item(1));
  line->release(item(last));
  std::vector<std::uint64_t> serials;
  bool released = false;
  const auto take = [&] {
    while (receive_worker_message(master.number(), message) == ReceiveResult::message) {
      for (const EscrowItem& held : message.escrow) {
        EXPECT_FALSE(released);
        released = message.type == WorkerMessageType::release;
        serials.push_back(held.serial);
      }
    }
  };
  for (int i = 0; i < 1000 && !released; ++i) {
    take();
    run_loop();
  }
  std::vector<std::uint64_t> all;
  for (std::uint64_t serial = 2; serial < last; ++serial) {
    all.push_back(serial);
  }
  all.push_back(1);
  EXPECT_EQ(serials, all) << "the last one had gone before the master heard of it";
}

// The master had no room for some: it is given them when it has, or when it must have them.
TEST_F(MasterLineTest, OffersAgainWhatTheMasterCouldNotTake) {
  for (std::uint64_t serial = 1; serial <= 5; ++serial) {
    line->keep_for_later({.serial = serial}, master.number());
  }
  const auto offered = [&] {
    std::set<std::uint64_t> serials;
    WorkerMessage message;
    while (receive_worker_message(master.number(), message) == ReceiveResult::message) {
      EXPECT_EQ(message.descriptors.size(), message.escrow.size());
      for (const EscrowItem& item : message.escrow) {
        serials.insert(item.serial);
      }
    }
    return serials;
  };
  line->release({.serial = 3});
  run_loop();
  EXPECT_EQ(offered().size(), 0U) << "nobody has asked";
  ASSERT_EQ(send_worker_message(master.number(), WorkerMessageType::offer, 2), SendResult::sent);
  run_loop();
  std::set<std::uint64_t> all = offered();
  EXPECT_EQ(all.size(), 2U);
  ASSERT_EQ(send_worker_message(master.number(), WorkerMessageType::hand_over), SendResult::sent);
  on_hand_over = [this] { loop.stop(); };
  run_loop();
  all.merge(offered());
  EXPECT_EQ(all, (std::set<std::uint64_t>{1, 2, 4, 5})) << "one has left meanwhile";
}

TEST_F(MasterLineTest, HandsOnWhatTheMasterCouldNotTake) {
  const std::vector<EscrowItem> items{{.serial = 1}, {.serial = 2}};
  ASSERT_EQ(send_worker_message(master.number(), WorkerMessageType::not_held, items, {}),
            SendResult::sent);
  run_loop();
  EXPECT_EQ(not_held.size(), 2U);
  EXPECT_EQ(inherited.size(), 0U);
}

TEST_F(MasterLineTest, HandsOnWhatTheWorkerBeforeHasLeft) {
  const std::vector<EscrowItem> items{{.serial = 1}, {.serial = 2}};
  const std::vector<int> sockets{master.number(), master.number()};
  ASSERT_EQ(send_worker_message(master.number(), WorkerMessageType::adopt, items, sockets),
            SendResult::sent);
  ASSERT_EQ(send_worker_message(master.number(), WorkerMessageType::adopt_end), SendResult::sent);
  run_loop();
  ASSERT_EQ(inherited.size(), 3U);
  EXPECT_EQ(inherited[1].item->serial, 2U);
  EXPECT_TRUE(inherited[1].socket);
  EXPECT_FALSE(inherited[2].item);
}

TEST_F(MasterLineTest, TellsEverythingBeforeItSaysThatItHasHandedOver) {
  constexpr std::uint32_t listeners = 3000;  // more than the socket holds at a time
  for (std::uint32_t i = 0; i < listeners; ++i) {
    line->joined(i);
    line->escrow({.listener_id = i, .serial = i + 1, .record = i}, master.number());
  }
  ASSERT_EQ(send_worker_message(master.number(), WorkerMessageType::hand_over), SendResult::sent);
  std::size_t joined = 0;
  std::size_t given = 0;
  bool last_word = false;
  std::jthread reader([&] {
    for (pollfd readable{.fd = master.number(), .events = POLLIN, .revents = 0};
         !last_word && ::poll(&readable, 1, 5000) == 1;) {
      WorkerMessage message;
      if (receive_worker_message(master.number(), message) == ReceiveResult::message) {
        joined += message.audience.size();
        given += message.descriptors.size();
        last_word = message.type == WorkerMessageType::handed_over;
      }
    }
  });
  run_loop();
  reader.join();
  EXPECT_EQ(handed_over, true);
  EXPECT_TRUE(last_word);
  EXPECT_EQ(joined, listeners);
  EXPECT_EQ(given, listeners);
}

TEST_F(MasterLineTest, HearsNothingMoreBeforeItHasHandedOver) {
  ASSERT_EQ(send_worker_message(master.number(), WorkerMessageType::hand_over), SendResult::sent);
  ASSERT_EQ(send_worker_message(master.number(), LogLevel::debug), SendResult::sent);
  loop.call_after(milliseconds(1000), [this] { loop.stop(); });
  on_hand_over = [this] { loop.stop(); };
  loop.run();
  EXPECT_EQ(handed_over, true);
  EXPECT_EQ(log_levels.size(), 0U);
}

TEST_F(MasterLineTest, StopsWhenToldAndWhenTheMasterGoes) {
  ASSERT_TRUE(line->say_ready(4));
  WorkerMessage message;
  ASSERT_EQ(receive_worker_message(master.number(), message), ReceiveResult::message);
  EXPECT_EQ(message.type, WorkerMessageType::ready);
  EXPECT_EQ(message.value, 4U);

  ASSERT_EQ(send_worker_message(master.number(), WorkerMessageType::stop), SendResult::sent);
  loop.run();
  EXPECT_EQ(stops, 1);
  master.reset();
  loop.run();
  EXPECT_EQ(stops, 2);
  EXPECT_FALSE(line->say_ready(5));
}

TEST_F(MasterLineTest, AnswersHowManyItHasKicked) {
  const KickOrder order{.token = 9, .listener_id = 5, .target = KickTarget::listener_id};
  ASSERT_EQ(send_worker_message(master.number(), std::span(&order, 1)), SendResult::sent);
  run_loop();
  ASSERT_EQ(kicks.size(), 1U);
  EXPECT_EQ(kicks[0].listener_id, 5U);
  WorkerMessage message;
  ASSERT_EQ(receive_worker_message(master.number(), message), ReceiveResult::message);
  ASSERT_EQ(message.kick_answers.size(), 1U);
  EXPECT_EQ(message.kick_answers[0].token, 9U);
  EXPECT_EQ(message.kick_answers[0].connections, 4U);
}

TEST_F(MasterLineTest, HandsOnTheLogLevel) {
  ASSERT_EQ(send_worker_message(master.number(), LogLevel::debug), SendResult::sent);
  run_loop();
  EXPECT_EQ(log_levels, std::vector{LogLevel::debug});
}

}  // namespace
}  // namespace eradio
