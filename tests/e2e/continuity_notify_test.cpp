// WebSockets, event streams and listeners on a Unix socket whose worker goes: the next one goes on
// with them, and they are told what they do not know, once.

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/e2e/eradioctl.h"
#include "tests/e2e/replacing_workers.h"
#include "tests/support/api_client.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/notify_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/source_remote.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/websocket_client.h"
#include "tests/worker/websocket_frames.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;
using test::text_frame;

bool answers(WebSocketClient& client) {
  client.send(text_frame(""));
  const auto echo = client.read_answer();
  // We may be faster than the worker, which is not done with it as soon as we have it.
  std::this_thread::sleep_for(milliseconds(100));
  return echo && echo->is_text();
}

// A server whose tracks the test changes, and all kinds of clients that outlive their worker.
class ContinuityOfNotifications : public ::testing::Test {
 protected:
  ContinuityOfNotifications() {
    crowd_.also_serve(clients_.descriptor(), [this] { clients_.serve(); });
  }

  void add_clients(int of_each_kind) {
    clients_.add(server().ipv4(), of_each_kind);
    clients_.add(server().ipv6(), of_each_kind, NotifyCrowd::Kind::event_stream);
    clients_added_ += 2 * static_cast<std::size_t>(of_each_kind);
    told_.resize(clients_added_);
    ASSERT_TRUE(crowd_.run_until([&] { return clients_.open() == clients_added_; }, patience));
  }
  void add_listeners(const Endpoint& endpoint, int count) {
    crowd_.add({.endpoint = endpoint}, count);
    ASSERT_TRUE(crowd_.run_until_all_listen(patience));
  }
  // Until nothing changes any more but what the test changes.
  void let_counts_settle() { crowd_.run_for(milliseconds(300)); }
  // Who is just being read or written when his worker is killed, is closed: now nobody is.
  void let_nobody_be_spoken_to() {
    clients_.be_silent(true);
    let_counts_settle();
  }
  void change_track() { remote_.send({SourceRemote::track(std::to_string(++track_))}); }
  [[nodiscard]] bool all_know_the_track() {
    return crowd_.run_until(
        [&] {
          return std::all_of(told_.begin(), told_.end(),
                             [&](const Told& told) { return told.track == track_; });
        },
        patience);
  }
  // Each with what it was told before: nothing twice, and nothing that is older.
  void take(std::size_t client, std::string_view json) {
    Told& told = told_.at(client);
    EXPECT_NE(told.json, json) << client << " was told twice";
    told.json = json;
    const auto metadata = parse_notification(told.json);
    ASSERT_TRUE(metadata && metadata->track);
    const int track = std::atoi(metadata->track->c_str());  // 0: what the source begins with
    EXPECT_GE(track, told.track) << client << " was told of an old one";
    told.tracks += track != told.track ? 1 : 0;
    told.track = track;
  }
  // Of each that was there for all of them.
  void expect_told_of_each_track_since(const std::vector<int>& before, int tracks) {
    for (std::size_t client = 0; client < told_.size(); ++client) {
      EXPECT_EQ(told_[client].tracks, before[client] + tracks) << client;
    }
  }
  [[nodiscard]] std::vector<int> tracks_told() const {
    std::vector<int> tracks;
    for (const Told& told : told_) {
      tracks.push_back(told.tracks);
    }
    return tracks;
  }
  nlohmann::json totals() { return operated_.ctl_json({"status"}).at("totals"); }
  Server& server() { return operated_.server(); }
  Endpoint unix_endpoint() { return Endpoint::unix_socket(unix_path_); }

  struct Told {
    std::string json;
    int track = -1;
    int tracks = 0;  // how many
  };

  static constexpr int of_each_kind_ = scaled_down(100);
  static constexpr int unix_listeners_ = scaled_down(50);

  SourceRemote remote_;
  TemporaryDirectory directory_;
  std::string unix_path_ = directory_.file("listen");
  OperatedServer operated_{
      {.source = remote_.source(),
       .arguments = {"--workers", "2", "--max_lag", "2 s", "--listen_unix", unix_path_}}};
  ListenerCrowd crowd_;
  NotifyCrowd clients_{
      [this](std::size_t client, std::string_view json, std::int64_t) { take(client, json); }};
  std::size_t clients_added_ = 0;
  std::vector<Told> told_;
  int track_ = 0;
};

TEST_F(ContinuityOfNotifications, IsUnbrokenWhenWorkersAreRestarted) {
  add_listeners(unix_endpoint(), unix_listeners_);
  add_listeners(server().ipv4(), unix_listeners_);
  add_clients(of_each_kind_);
  let_counts_settle();
  change_track();
  ASSERT_TRUE(all_know_the_track());
  constexpr int rounds = 4;
  for (int round = 0; round < rounds; ++round) {
    const auto before = tracks_told();
    std::atomic<bool> done = false;
    std::jthread operator_([&] {
      EXPECT_EQ(operated_.ctl({"restart-workers"}).output, "2 workers replaced\n");
      done = true;
    });
    // Slow enough that none goes by in the gap between two workers.
    int tracks = 0;
    while (!done) {
      change_track();
      ++tracks;
      ASSERT_TRUE(all_know_the_track());
    }
    operator_.join();
    expect_told_of_each_track_since(before, tracks);
  }
  crowd_.run_for(milliseconds(500));
  EXPECT_EQ(clients_.ended(), 0U);
  EXPECT_EQ(clients_.open(), clients_added_);
  EXPECT_EQ(crowd_.ended(), 0U);
  EXPECT_EQ(crowd_.missed(), 0U);
  EXPECT_EQ(crowd_.fault(), "");
  const auto now = totals();
  EXPECT_EQ(now.at("listeners_adopted"), rounds * 2 * unix_listeners_);
  EXPECT_EQ(now.at("listeners_not_adopted"), 0);
  EXPECT_EQ(now.at("notify_clients_adopted"), rounds * 2 * of_each_kind_);
  EXPECT_EQ(now.at("notify_clients_not_adopted"), 0);
  EXPECT_EQ(now.at("notify_clients"), 2 * of_each_kind_);
  EXPECT_EQ(now.at("connections"), 2 * of_each_kind_ + 2 * unix_listeners_);
  EXPECT_EQ(now.at("requests_dropped"), 0);
  EXPECT_EQ(operated_.ctl_json({"listeners"}).at("listeners").size(),
            static_cast<std::size_t>(2 * unix_listeners_))
      << "and no others";
  expect_clean_stop(server().stop());
}

TEST_F(ContinuityOfNotifications, IsUnbrokenWhenAWorkerIsKilled) {
  add_listeners(server().ipv4(), unix_listeners_);
  add_clients(of_each_kind_);
  let_counts_settle();
  change_track();
  ASSERT_TRUE(all_know_the_track());
  const auto before = tracks_told();
  constexpr int kills = 6;
  for (int kill = 0; kill < kills; ++kill) {
    let_nobody_be_spoken_to();
    const std::size_t served = server().log().count(" serves");
    ::kill(server().workers().front(), SIGKILL);
    change_track();  // while there is one worker less
    ASSERT_TRUE(
        crowd_.run_until([&] { return server().log().count(" serves") > served; }, patience));
    ASSERT_TRUE(all_know_the_track()) << "after " << kill << " kills";
  }
  expect_told_of_each_track_since(before, kills);
  clients_.be_silent(false);
  crowd_.run_for(milliseconds(500));
  EXPECT_EQ(clients_.ended(), 0U);
  EXPECT_EQ(crowd_.ended(), 0U);
  EXPECT_EQ(crowd_.missed(), 0U);
  const auto now = totals();
  EXPECT_EQ(now.at("notify_clients_not_adopted"), 0);
  EXPECT_EQ(now.at("notify_clients"), 2 * of_each_kind_);
  EXPECT_EQ(now.at("connections"), 2 * of_each_kind_ + unix_listeners_);
  expect_clean_stop(server().stop());
}

TEST_F(ContinuityOfNotifications, LeavesNoDescriptorBehind) {
  const OpenDescriptors at_rest = descriptors_of(server());
  const auto settles_with = [&](std::size_t clients) {
    return crowd_.run_until([&] { return has_clients(descriptors_of(server()), at_rest, clients); },
                            patience);
  };
  constexpr std::size_t notify_clients = 40;
  constexpr std::size_t all_clients = notify_clients + 10;
  add_listeners(unix_endpoint(), 10);
  add_clients(20);
  EXPECT_TRUE(settles_with(all_clients)) << "one in the worker, one in escrow";
  EXPECT_EQ(restart_workers(crowd_, operated_).exit_status(), 0);
  EXPECT_TRUE(settles_with(all_clients)) << descriptors_of(server()) << " of " << at_rest;
  for (const auto& listener : crowd_.listeners()) {
    crowd_.close(*listener);
  }
  let_nobody_be_spoken_to();
  replace_worker(crowd_, server());
  replace_worker(crowd_, server());
  EXPECT_TRUE(settles_with(notify_clients)) << descriptors_of(server()) << " of " << at_rest;
  clients_.close_all();
  EXPECT_TRUE(settles_with(0)) << descriptors_of(server()) << " of " << at_rest;
  EXPECT_TRUE(comes_true([&] { return totals().at("connections") == 0; }));
}

TEST_F(ContinuityOfNotifications, OnAUnixSocketIsUnbrokenButForASendThatIsUnderWay) {
  add_listeners(unix_endpoint(), unix_listeners_);
  constexpr int kills = 6;
  for (int kill = 0; kill < kills; ++kill) {
    crowd_.run_for(milliseconds(300));
    replace_worker(crowd_, server());
  }
  crowd_.run_for(milliseconds(500));
  EXPECT_EQ(crowd_.fault(), "");
  EXPECT_LE(crowd_.ended(), static_cast<std::size_t>(kills)) << "a worker sends to one at a time";
  EXPECT_EQ(totals().at("listeners_not_adopted"), crowd_.ended());
  EXPECT_GT(totals().at("listeners_adopted"), kills);
  for (const auto& listener : crowd_.listeners()) {
    EXPECT_TRUE(!listener->listening() ||
                monotonic_ns() - listener->check().last().time_ns < ns_per_second);
  }
  WebSocketClient client(unix_endpoint());
  ASSERT_TRUE(answers(client));
  replace_worker(crowd_, server());
  replace_worker(crowd_, server());
  EXPECT_TRUE(answers(client));
}

// Clients of a server with one worker, one at a time.
class ContinuityOfAWebSocket : public ::testing::Test {
 protected:
  nlohmann::json totals() { return operated_.ctl_json({"status"}).at("totals"); }
  Server& server() { return operated_.server(); }
  OperatedServer operated_{{.arguments = {"--workers", "1", "--max_connections_per_ip", "3"}}};
  ListenerCrowd crowd_;
  const std::string frame_ = text_frame("some text");
};

TEST_F(ContinuityOfAWebSocket, InTheMiddleOfAFrameEndsAndIsCounted) {
  for (const bool planned : {false, true}) {
    WebSocketClient half(server().ipv4());
    WebSocketClient whole(server().ipv4());
    half.send(std::string_view(frame_).substr(0, 4));
    ASSERT_TRUE(answers(whole)) << "so the worker has read what came before";
    const auto before = totals();
    if (planned) {
      ASSERT_EQ(restart_workers(crowd_, operated_).exit_status(), 0);
    } else {
      replace_worker(crowd_, server());
    }
    EXPECT_TRUE(half.read_to_end());
    EXPECT_TRUE(answers(whole));
    const auto after = totals();
    EXPECT_EQ(after.at("notify_clients_not_adopted"),
              before.at("notify_clients_not_adopted").get<int>() + 1);
    EXPECT_EQ(after.at("notify_clients_adopted"),
              before.at("notify_clients_adopted").get<int>() + 1);
    EXPECT_EQ(after.at("notify_clients"), 1);
    EXPECT_EQ(after.at("connections"), 1);
  }
}

TEST_F(ContinuityOfAWebSocket, GetsTheTimeToFinishItsFrame) {
  WebSocketClient client(server().ipv4());
  std::atomic<bool> done = false;
  std::jthread operator_([&] {
    for (int round = 0; round < 5; ++round) {
      EXPECT_EQ(operated_.ctl({"restart-workers"}).exit_status(), 0);
    }
    done = true;
  });
  const std::string frame = text_frame("");
  int sent = 0;
  int answered = 0;
  while (!done) {  // nearly always in the middle of one
    ASSERT_TRUE(client.send(std::string_view(frame).substr(0, 3)));
    std::this_thread::sleep_for(milliseconds(40));
    ASSERT_TRUE(client.send(std::string_view(frame).substr(3)));
    ++sent;
    answered += client.read_answer().has_value() ? 1 : 0;
    ASSERT_EQ(answered, sent) << server().log().text();
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(totals().at("notify_clients_not_adopted"), 0);
  EXPECT_EQ(totals().at("notify_clients_adopted"), 5);
}

TEST_F(ContinuityOfAWebSocket, HasItsPlaceAmongTheConnectionsOfItsAddress) {
  const auto open = [&] { return std::make_unique<WebSocketClient>(server().ipv4()); };
  std::vector<std::unique_ptr<WebSocketClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(open());
    ASSERT_TRUE(answers(*clients.back()));
  }
  replace_worker(crowd_, server());
  ASSERT_EQ(restart_workers(crowd_, operated_).exit_status(), 0);
  EXPECT_THROW(open(), std::runtime_error);
  clients.pop_back();
  EXPECT_TRUE(comes_true([&] {
    try {
      clients.push_back(open());
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }));
  ASSERT_EQ(restart_workers(crowd_, operated_).exit_status(), 0);
  EXPECT_EQ(operated_.ctl_json({"kick", "127.0.0.1"}).at("kicked"), 3);
  for (const auto& client : clients) {
    EXPECT_TRUE(client->read_to_end());
  }
}

TEST_F(ContinuityOfAWebSocket, IsToldGoodbyeOnlyWhenTheServerStops) {
  WebSocketClient client(server().ipv4());
  ASSERT_EQ(restart_workers(crowd_, operated_).exit_status(), 0);
  replace_worker(crowd_, server());
  ASSERT_TRUE(answers(client));
  server().stop();
  const auto last = client.read_answer();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->close_code(), 1001);
}

}  // namespace
}  // namespace eradio::testing
