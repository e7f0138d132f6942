// WebSockets and event streams beside the rest of the server: limits, Unix sockets, names of every
// length, and processes that hang or die.

#include <signal.h>
#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/support/api_client.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/server.h"
#include "tests/support/source_remote.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/websocket_client.h"
#include "tests/support/worker_of.h"
#include "tests/worker/websocket_frames.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;
using test::client_frame;
using test::close_payload;
using test::text_frame;

TEST(NotifyClient, HasItsPlaceAmongTheConnectionsOfItsAddressUntilItHasGoneHoweverItWent) {
  const Server server({.arguments = {"--workers", "2", "--max_connections_per_ip", "4"}});
  // Throws while there is no place.
  const auto open = [&] { return std::make_unique<WebSocketClient>(server.ipv4()); };
  std::vector<std::unique_ptr<WebSocketClient>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(open());
  }
  EXPECT_THROW(open(), std::runtime_error);
  clients.clear();
  const auto ends = std::vector<std::function<void(WebSocketClient&)>>{
      [](WebSocketClient&) {},
      [](WebSocketClient& client) {
        client.send(client_frame({.opcode = 8, .payload = close_payload(1000)}));
        EXPECT_TRUE(client.read_to_end());
      },
      [](WebSocketClient& client) {
        client.send(client_frame({.payload = "x", .masked = false}));
        EXPECT_TRUE(client.read_to_end());
      },
      [](WebSocketClient& client) {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(client.descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      },
      [](WebSocketClient& client) { client.send("garbage of all kinds"); }};
  for (int round = 0; round < 10; ++round) {
    for (const auto& end : ends) {
      std::unique_ptr<WebSocketClient> client;
      ASSERT_TRUE(comes_true([&] {
        try {
          client = open();
        } catch (const std::runtime_error&) {  // the one before is not gone yet
        }
        return client != nullptr;
      })) << "a place was lost";
      end(*client);
    }
    HttpClient events(server.ipv4());
    events.request("/v1/events");
    ASSERT_TRUE(events.read_reply());
  }
  EXPECT_TRUE(comes_true([&] {
    try {
      clients.push_back(open());
    } catch (const std::runtime_error&) {
      clients.clear();
    }
    return clients.size() == 4;
  }));
}

TEST(NotifyClient, MayComeThroughAUnixSocket) {
  const SourceRemote remote;
  const TemporaryDirectory directory;
  const Server server(
      {.source = remote.source(), .arguments = {"--listen_unix", directory.file("socket")}});
  const Endpoint endpoint = Endpoint::unix_socket(directory.file("socket"));
  WebSocketClient reader(endpoint);
  WebSocketClient stalled(endpoint);
  for (int i = 0; i < 300; ++i) {
    const std::string name = std::string(1000, 'n') + std::to_string(i);
    remote.send({SourceRemote::track(name)});
    ASSERT_TRUE(is_told_of_track(reader, name));
  }
  std::size_t notifications = 0;
  for (std::string last; last != std::string(1000, 'n') + "299"; ++notifications) {
    const auto metadata = next_notification(stalled);
    ASSERT_TRUE(metadata);
    last = metadata->track.value_or("");
  }
  EXPECT_LT(notifications, 150U) << "old ones were kept for it";
}

TEST(NotifyClient, IsToldNamesAsLongAsTheyCanBe) {
  for (const char character : {'n', '\x01'}) {  // as JSON the second has six times as many
    const std::string name(65535, character);
    const Server server({.source = test_source("--track '" + name + "'")});
    ASSERT_TRUE(comes_true([&] {
      const auto metadata = get_metadata(server.ipv4());
      return metadata && metadata->track == name;
    }));
    WebSocketClient client(server.ipv4());
    HttpClient listener(server.ipv4());
    listener.request("/stream.mp3");
    ASSERT_TRUE(listener.read_reply());
    EXPECT_TRUE(is_told(client, [&](const Metadata& metadata) {
      return metadata.listeners == 1 && metadata.track == name;
    }));
  }
}

TEST(NotifyClient, OfAWorkerHearsOfTheListenersThatAnotherHasTakenOver) {
  const Server server({.arguments = {"--workers", "2"}});
  WebSocketClient client(server.ipv4());
  const auto its_worker = worker_of(server, client.descriptor());
  ASSERT_TRUE(its_worker);
  ListenerCrowd crowd;
  constexpr std::uint64_t listeners = 30;
  for (std::uint64_t i = 0; i < listeners; ++i) {
    crowd.add({.endpoint = server.ipv4()});
    ASSERT_TRUE(crowd.run_until_all_listen(patience));
    client.send(text_frame("still here"));
  }
  ASSERT_TRUE(is_told(client, [](const Metadata& m) { return m.listeners == listeners; }));
  const std::size_t served = server.log().count(" serves");
  for (const pid_t worker : server.workers()) {
    if (worker != *its_worker) {
      ::kill(worker, SIGKILL);
    }
  }
  ASSERT_TRUE(crowd.run_until([&] { return server.log().count(" serves") > served; }, patience));
  for (const auto& listener : crowd.listeners()) {
    crowd.close(*listener);
  }
  EXPECT_TRUE(is_told(client, [](const Metadata& m) { return m.listeners == 0; }));
}

TEST(NotifyClient, AndVotersAreAnsweredAgainAfterTheMasterHasHung) {
  const Server server({.arguments = {"--workers", "1"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4(), .target = "/stream.mp3?listener_id=1"});
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  ASSERT_TRUE(tells_everywhere(server, {.track = "Test tone", .listeners = 1}));
  WebSocketClient client(server.ipv4());
  ::kill(server.master(), SIGSTOP);
  HttpClient voter(server.ipv4());
  voter.request("/v1/veto?listener_id=1", "PUT");
  client.send(text_frame(""));
  const auto echo = client.read_frame();
  EXPECT_TRUE(echo && echo->payload.empty()) << "a worker needs no master for this";
  EXPECT_TRUE(get_metadata(server.ipv4()));
  const auto busy = voter.read_reply();
  ::kill(server.master(), SIGCONT);
  ASSERT_TRUE(busy);
  EXPECT_EQ(busy->status, 503) << busy->body;
  EXPECT_NE(busy->field("retry-after"), "");
  EXPECT_TRUE(is_told(client, [](const Metadata& metadata) { return metadata.vetoes == 1; }))
      << "the vote itself is not lost";
  EXPECT_EQ(put_veto(server.ipv4(), 1), 200);
}

TEST(NotifyClient, ThatAsksForTheHeadOnlyGetsNoEvents) {
  const Server server;
  HttpClient client(server.ipv4());
  client.request("/v1/events", "HEAD");
  const auto head = client.read_reply(true);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->field("content-type"), "text/event-stream");
  EXPECT_EQ(client.read_bytes(1, milliseconds(300)), "");
}

}  // namespace
}  // namespace eradio::testing
