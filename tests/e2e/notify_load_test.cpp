// Crowds that come and go, clients that do not read, and clients that mean harm: what they may cost
// the others. Timed: runs alone.

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/support/age_histogram.h"
#include "tests/support/api_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/notify_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"
#include "tests/support/server.h"
#include "tests/support/source_remote.h"
#include "tests/support/websocket_client.h"
#include "tests/worker/websocket_frames.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::client_frame;
using test::text_frame;

// A few listeners who stay, in a thread of their own so that what is measured is the server and not
// this program.
class SteadyListeners {
 public:
  // max_lag so long that whoever misses a frame was kept from it, and not only late on a busy
  // machine.
  static inline const std::vector<std::string> server_arguments{"--workers", "2", "--max_lag",
                                                                "10 s"};
  static constexpr int listeners = 20;

  explicit SteadyListeners(const Server& server) {
    crowd_.add({.endpoint = server.ipv4(), .ages = &ages_}, listeners);
    EXPECT_TRUE(crowd_.run_until_all_listen(patience));
    crowd_.run_for(milliseconds(500));
    ages_.clear();
    crowd_.run_for(seconds(2));
    p99_before_ms_ = take_p99("before");
    listen();
  }
  ~SteadyListeners() { pause(); }
  SteadyListeners(const SteadyListeners&) = delete;
  SteadyListeners& operator=(const SteadyListeners&) = delete;

  // Since the last time.
  void expect_undisturbed(const char* meanwhile) {
    pause();
    const double p99_ms = take_p99(meanwhile);
    EXPECT_LT(p99_ms, 3 * p99_before_ms_ + (sanitized_build ? 500 : 150)) << meanwhile;
    EXPECT_EQ(crowd_.missed(), 0U) << meanwhile;
    EXPECT_EQ(crowd_.ended(), 0U) << meanwhile;
    EXPECT_EQ(crowd_.fault(), "");
    listen();
  }

 private:
  void listen() {
    paused_ = false;
    thread_ = std::thread([this] {
      EXPECT_TRUE(crowd_.run_until([this] { return paused_.load(); }, std::chrono::minutes(5)));
    });
  }
  void pause() {
    paused_ = true;
    thread_.join();
  }
  double take_p99(const char* when) {
    const double p99_ms = ages_.quantile_ms(0.99);
    std::printf("steady listeners' frames, %s: %llu, age p50 %.1f ms, p99 %.1f ms, max %.1f ms\n",
                when, static_cast<unsigned long long>(ages_.total()), ages_.quantile_ms(0.5),
                p99_ms, ages_.max_ms());
    ages_.clear();
    return p99_ms;
  }

  ListenerCrowd crowd_;
  AgeHistogram ages_;
  double p99_before_ms_ = 0;
  std::atomic<bool> paused_ = false;
  std::thread thread_;
};

TEST(Crowd, OfListenersThatComesAndGoesDoesNotHoldUpTheStreamAndIsCountedExactly) {
  // Ten frames a second: what thousands of listeners cost is another test's matter.
  const Server server({.source = test_source("--rate 10 --size 1600"),
                       .arguments = SteadyListeners::server_arguments});
  SteadyListeners steady(server);
  ListenerCrowd crowd;
  WebSocketClient client(server.ipv4());
  const int many = scaled_down(4000);
  const int batch = std::max(1, many / 40);
  std::vector<CrowdListener*> here;
  const auto all_here_listen = [&] {
    return std::all_of(here.begin(), here.end(),
                       [](const CrowdListener* l) { return l->check().frames() > 0; });
  };
  const auto leave = [&](std::size_t stay) {
    for (; here.size() > stay; here.pop_back()) {
      crowd.close(*here.back());
      if (here.size() % static_cast<std::size_t>(batch) == 0) {
        crowd.run_for(milliseconds(5));
      }
    }
  };
  const auto come = [&] {
    while (here.size() < static_cast<std::size_t>(many)) {
      const auto added = crowd.add({.endpoint = server.ipv4()}, batch);
      here.insert(here.end(), added.begin(), added.end());
      crowd.run_for(milliseconds(5));
    }
    return crowd.run_until(all_here_listen, 4 * patience);
  };
  ASSERT_TRUE(come());
  steady.expect_undisturbed("while thousands come");
  leave(static_cast<std::size_t>(many) / 4);
  crowd.run_for(milliseconds(500));
  steady.expect_undisturbed("while most of them leave");
  ASSERT_TRUE(come());
  steady.expect_undisturbed("while they come again");
  client.send(text_frame("x"));
  const auto expected = here.size() + SteadyListeners::listeners;
  EXPECT_TRUE(tells_everywhere(server, {.track = "Test tone", .listeners = expected}));
  leave(0);
  crowd.run_for(milliseconds(500));
  steady.expect_undisturbed("while all leave");
  EXPECT_TRUE(
      tells_everywhere(server, {.track = "Test tone", .listeners = SteadyListeners::listeners}));
  EXPECT_TRUE(is_told(client, [](const Metadata& metadata) {
    return metadata.listeners == SteadyListeners::listeners;
  }));
}

std::size_t resident_bytes_of_workers(const Server& server) {
  std::size_t bytes = 0;
  for (const pid_t worker : server.workers()) {
    bytes += resident_bytes(worker);
  }
  return bytes;
}

TEST(Client, ThatNeverReadsGetsTheNewestOnlyAndCostsNoMemory) {
  const SourceRemote remote;
  const Server server({.source = remote.source(), .arguments = {"--workers", "2"}});
  std::vector<std::unique_ptr<WebSocketClient>> stalled;
  for (int i = 0; i < scaled_down(500); ++i) {
    stalled.push_back(std::make_unique<WebSocketClient>(
        server.ipv4(), SocketOptions{.receive_buffer_bytes = 4096}));
  }
  WebSocketClient reader(server.ipv4());
  const auto keep_alive = [&] {
    for (const auto& client : stalled) {
      client->send(text_frame("x"));
    }
    reader.send(text_frame("x"));
  };
  constexpr int changes = 400;
  const std::string filler(2000, 'n');
  const auto name = [&](int i) { return filler + std::to_string(i); };
  std::size_t bytes_before = 0;
  std::size_t bytes_told = 0;
  for (int i = 0; i < changes; ++i) {
    remote.send({SourceRemote::track(name(i))});
    ASSERT_TRUE(is_told_of_track(reader, name(i)));
    bytes_told += 2 * filler.size();
    if (i % 50 == 0) {
      keep_alive();
    }
    if (i == 10) {
      bytes_before = resident_bytes_of_workers(server);
    }
  }
  const std::size_t bytes_after = resident_bytes_of_workers(server);
  std::printf(
      "workers' memory with %zu clients that do not read: %zu KiB, after %d changes %zu KiB\n",
      stalled.size(), bytes_before / 1024, changes, bytes_after / 1024);
  if (!sanitized_build) {  // which keeps what was freed
    EXPECT_LT(bytes_after, bytes_before + (std::size_t{4} << 20))
        << "queued for each of them it would be " << bytes_told * stalled.size() / 1024 << " KiB";
  }
  for (const auto& client : stalled) {
    std::size_t notifications = 0;
    std::optional<std::string> last;
    while (last != name(changes - 1)) {
      const auto metadata = next_notification(*client);
      ASSERT_TRUE(metadata) << "it has not been told the newest, but " << last.value_or("nothing");
      last = metadata->track;
      ++notifications;
    }
    EXPECT_LT(notifications, changes / 4U) << "old ones were kept for it";
    EXPECT_FALSE(client->read_frame(milliseconds(0))) << "something came behind the newest";
  }
}

TEST(Client, ThatMeansHarmCostsItsOwnConnectionAndNoListenerAFrame) {
  const SourceRemote remote;
  const Server server({.source = remote.source(), .arguments = SteadyListeners::server_arguments});
  SteadyListeners steady(server);
  const auto workers = server.workers();
  const int rounds = scaled_down(300);
  std::vector<std::unique_ptr<HttpClient>> slow;  // in the middle of their handshake
  std::vector<std::unique_ptr<WebSocketClient>> silent;
  for (int i = 0; i < rounds; ++i) {
    slow.push_back(std::make_unique<HttpClient>(server.ipv4()));
    const auto bytes = static_cast<std::size_t>(i) % websocket_handshake().size();
    slow.back()->send(websocket_handshake().substr(0, bytes));
    silent.push_back(std::make_unique<WebSocketClient>(server.ipv4()));
    {
      WebSocketClient garbage(server.ipv4(), {}, std::string(5000, static_cast<char>(i)));
      const WebSocketClient begun(server.ipv4(), {},
                                  text_frame(std::string(500, 'x')).substr(0, 9));
      WebSocketClient reset(server.ipv4());
      // Closed with a reset, while a notification is on its way.
      const linger at_once{.l_onoff = 1, .l_linger = 0};
      ::setsockopt(reset.descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      WebSocketClient pinger(server.ipv4(), {.receive_buffer_bytes = 4096});
      for (int pings = 0; pings < 50; ++pings) {
        pinger.send(client_frame({.opcode = 9, .payload = std::string(125, 'p')}));
      }
      remote.send({SourceRemote::track("Track " + std::to_string(i))});
    }
  }
  steady.expect_undisturbed("beside clients that mean harm");
  EXPECT_EQ(server.workers(), workers) << "a worker has died";
  for (const auto& client : slow) {
    client->finish_sending();
  }
  WebSocketClient proper(server.ipv4());
  remote.send({SourceRemote::track("Last")});
  EXPECT_TRUE(is_told_of_track(proper, "Last"));
}

TEST(TrackChange, ReachesHundredsOfWebSocketsOfBothWorkersSoon) {
  const SourceRemote remote;
  const Server server({.source = remote.source(), .arguments = {"--workers", "2"}});
  const auto clients = static_cast<std::size_t>(scaled_down(1000));
  std::size_t told = 0;
  std::string wanted;
  ListenerCrowd crowd;
  NotifyCrowd sockets([&](std::size_t, std::string_view json, std::int64_t) {
    told += json.find(wanted) != std::string_view::npos ? 1U : 0U;
  });
  crowd.also_serve(sockets.descriptor(), [&] { sockets.serve(); });
  sockets.add(server.ipv4(), static_cast<int>(clients));
  ASSERT_TRUE(crowd.run_until([&] { return sockets.open() == clients; }, patience));
  std::vector<double> times_ms;
  for (int i = 0; i < 20; ++i) {
    crowd.run_for(milliseconds(50));
    told = 0;
    wanted = "\"Track " + std::to_string(i) + "\"";
    const std::int64_t begin_ns = monotonic_ns();
    remote.send({SourceRemote::track("Track " + std::to_string(i))});
    ASSERT_TRUE(crowd.run_until([&] { return told == clients; }, patience))
        << told << " of " << clients;
    times_ms.push_back(static_cast<double>(monotonic_ns() - begin_ns) / 1e6);
  }
  std::sort(times_ms.begin(), times_ms.end());
  std::printf("%zu WebSockets know of a new track after %.1f ms (median), %.1f ms (longest)\n",
              clients, times_ms[times_ms.size() / 2], times_ms.back());
  EXPECT_LT(times_ms[times_ms.size() / 2], sanitized_build ? 2000 : 250);
  EXPECT_EQ(sockets.ended(), 0U);
}

}  // namespace
}  // namespace eradio::testing
