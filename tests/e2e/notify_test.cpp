// What WebSockets are told, and when: every change of the metadata, in its place in the stream,
// soon and yet not too often; and what becomes of clients that are silent.

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/support/api_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/server.h"
#include "tests/support/source_remote.h"
#include "tests/support/websocket_client.h"
#include "tests/support/worker_of.h"
#include "tests/worker/websocket_frames.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::client_frame;
using test::text_frame;

TEST(Notification, TellsEveryChangeOfTheMetadata) {
  const SourceRemote remote;
  const Server server({.source = remote.source(), .arguments = {"--workers", "2"}});
  ASSERT_TRUE(tells_everywhere(server, {.track = "Test tone"}));
  WebSocketClient client(server.ipv4());
  remote.send({SourceRemote::track("One \"quoted\"")});
  auto told = next_notification(client);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->track, "One \"quoted\"");
  EXPECT_EQ(told->uri, "test:One \"quoted\"");
  EXPECT_EQ(told->listeners, 0U);

  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4(), .target = "/stream.mp3?listener_id=1"});
  CrowdListener& second =
      crowd.add({.endpoint = server.ipv4(), .target = "/stream.mp3?listener_id=2"});
  crowd.add({.endpoint = server.ipv4(), .target = "/stream.mp3?listener_id=3"});
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  EXPECT_TRUE(is_told(client, [](const Metadata& m) { return m.listeners == 3; }));
  EXPECT_EQ(put_veto(server.ipv4(), 1), 200);
  told = next_notification(client);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->vetoes, 1U);
  EXPECT_EQ(told->listeners, 3U);
  crowd.close(second);
  told = next_notification(client);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->listeners, 2U);
  remote.send({SourceRemote::unknown_track()});
  told = next_notification(client);
  ASSERT_TRUE(told);
  EXPECT_FALSE(told->track);
  EXPECT_EQ(told->vetoes, 0U);
  remote.send({SourceRemote::track("Three")});
  EXPECT_TRUE(is_told_of_track(client, "Three"));
  remote.send({SourceRemote::stop()});
  told = next_notification(client);
  ASSERT_TRUE(told);
  EXPECT_FALSE(told->track);
  EXPECT_FALSE(next_notification(client, milliseconds(300))) << "nothing has changed";
}

TEST(Notification, ComesAboutTwentyTimesASecondWhileManyComeAndGo) {
  const Server server({.arguments = {"--workers", "1"}});
  WebSocketClient client(server.ipv4());
  ListenerCrowd crowd;
  const std::int64_t begin_ns = monotonic_ns();
  std::vector<CrowdListener*> coming;
  while (monotonic_ns() - begin_ns < 2 * ns_per_second) {
    coming.push_back(&crowd.add({.endpoint = server.ipv4()}));
    crowd.run_for(milliseconds(3));
    if (coming.size() % 3 == 0) {
      crowd.close(*coming[coming.size() - 2]);
    }
  }
  const auto stay = static_cast<std::uint64_t>(
      std::count_if(coming.begin(), coming.end(), [](const CrowdListener* listener) {
        return listener->state() != CrowdListener::State::ended;
      }));
  int notifications = 0;
  std::uint64_t told = 0;
  while (told != stay) {
    const auto metadata = next_notification(client);
    ASSERT_TRUE(metadata) << "told " << told << " and not " << stay;
    told = metadata->listeners;
    ++notifications;
  }
  const std::int64_t took_ms = (monotonic_ns() - begin_ns) / ns_per_ms;
  std::printf("%zu joins and their leaves within %lld ms: %d notifications\n", coming.size(),
              static_cast<long long>(took_ms), notifications);
  EXPECT_LE(notifications, took_ms / 50 + 3);
  EXPECT_GE(notifications, sanitized_build ? 3 : 10) << "it waited for the storm's end";
  EXPECT_FALSE(next_notification(client, milliseconds(300))) << "nothing has changed";
}

TEST(Notification, IsForClientsThatSayNowAndThenThatTheyAreThere) {
  const SourceRemote remote;
  const Server server({.source = remote.source()});
  struct Client {
    const char* what;
    std::string keep_alive;  // sent every two seconds
    bool stays;
  };
  const std::vector<Client> kinds{{"silent", "", false},
                                  {"sends empty messages", text_frame(""), true},
                                  {"sends messages", text_frame("x"), true},
                                  {"sends pings", client_frame({.opcode = 9}), true},
                                  {"sends pongs", client_frame({.opcode = 10}), true}};
  std::vector<std::unique_ptr<WebSocketClient>> clients;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    clients.push_back(std::make_unique<WebSocketClient>(server.ipv4()));
  }
  WebSocketClient& silent = *clients.front();
  const std::int64_t begin_ns = monotonic_ns();
  std::optional<ServerFrame> close;
  for (int turn = 1; !close && turn < 20; ++turn) {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      clients[i]->send(kinds[i].keep_alive);
    }
    // Being told something does not count.
    remote.send({SourceRemote::track("Track " + std::to_string(turn))});
    close = silent.read_answer(seconds(2));
  }
  ASSERT_TRUE(close);
  EXPECT_EQ(close->close_code(), 1001);
  const std::int64_t took_ms = (monotonic_ns() - begin_ns) / ns_per_ms;
  EXPECT_GE(took_ms, 9'900);
  EXPECT_LE(took_ms, 10'000 + (sanitized_build ? 10'000 : 3'000));
  EXPECT_TRUE(silent.read_to_end());
  remote.send({SourceRemote::track("Last")});
  for (std::size_t i = 1; i < kinds.size(); ++i) {
    bool told = false;
    for (auto frame = clients[i]->read_frame(); frame && !told; frame = clients[i]->read_frame()) {
      const auto metadata = parse_notification(frame->payload);
      told = metadata && metadata->track == "Last";
      if (told) {
        break;
      }
    }
    EXPECT_TRUE(told) << "one that " << kinds[i].what;
  }
}

TEST(Notification, IsTheLastThingBeforeACloseWith1001WhenTheServerStops) {
  Server server({.arguments = {"--workers", "2"}});
  std::vector<std::unique_ptr<WebSocketClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<WebSocketClient>(server.ipv4()));
  }
  expect_clean_stop(server.stop());
  for (const auto& client : clients) {
    const auto close = client->read_answer();
    ASSERT_TRUE(close);
    EXPECT_EQ(close->close_code(), 1001);
    EXPECT_TRUE(client->read_to_end());
  }
}

// One client at each worker, and how long it takes until both know.
class TwoWorkers : public ::testing::Test {
 protected:
  TwoWorkers() : server_({.arguments = {"--workers", "2", "--veto_ratio", "1"}}) {
    clients_.push_back(std::make_unique<WebSocketClient>(server_.ipv4()));
    const auto first = worker_of(server_, clients_.front()->descriptor());
    do {
      clients_.resize(1);
      clients_.push_back(std::make_unique<WebSocketClient>(server_.ipv4()));
    } while (worker_of(server_, clients_.back()->descriptor()) == first);
  }

  // Until both are told so.
  [[nodiscard]] double ms_until(const std::function<bool(const Metadata&)>& wanted) {
    const std::int64_t begin_ns = monotonic_ns();
    for (const auto& client : clients_) {
      EXPECT_TRUE(is_told(*client, wanted));
      client->send(text_frame("still here"));
    }
    return static_cast<double>(monotonic_ns() - begin_ns) / 1e6;
  }

  static double print_and_take_median(const char* what, std::vector<double> times_ms) {
    std::sort(times_ms.begin(), times_ms.end());
    const double median_ms = times_ms[times_ms.size() / 2];
    std::printf("both workers' clients know of a %s after %.1f ms (median), %.1f ms (longest)\n",
                what, median_ms, times_ms.back());
    return median_ms;
  }

  Server server_;
  std::vector<std::unique_ptr<WebSocketClient>> clients_;
};

TEST_F(TwoWorkers, TellOfAJoinAVoteAndALeaveWithinATenthOfASecond) {
  ListenerCrowd crowd;
  crowd.add({.endpoint = server_.ipv4(), .target = "/stream.mp3?listener_id=1"});
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  ASSERT_TRUE(tells_everywhere(server_, {.track = "Test tone", .listeners = 1}));
  std::vector<double> joins;
  std::vector<double> votes;
  std::vector<double> leaves;
  for (int i = 0; i < 20; ++i) {
    HttpClient listener(server_.ipv4());
    listener.request("/stream.mp3?listener_id=2");
    joins.push_back(ms_until([](const Metadata& m) { return m.listeners == 2; }));
    HttpClient voter(server_.ipv4());
    voter.request("/v1/veto?listener_id=2", "PUT");
    votes.push_back(ms_until([](const Metadata& m) { return m.vetoes == 1; }));
    ::shutdown(listener.descriptor(), SHUT_RDWR);
    leaves.push_back(ms_until([](const Metadata& m) { return m.listeners == 1 && m.vetoes == 0; }));
    crowd.run_for(milliseconds(10));
  }
  const double limit_ms = sanitized_build ? 1000 : 100;
  EXPECT_LT(print_and_take_median("join", joins), limit_ms);
  EXPECT_LT(print_and_take_median("vote", votes), limit_ms);
  EXPECT_LT(print_and_take_median("leave", leaves), limit_ms);
}

}  // namespace
}  // namespace eradio::testing
