// The notifier's rounds, answers and limits.
#include "worker/notifier.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/worker/notifier_fixture.h"
#include "tests/worker/websocket_frames.h"
#include "worker/kernel_queue.h"
#include "worker/websocket_session.h"

namespace eradio::test {
namespace {

using std::chrono::milliseconds;

// With clients that say nothing for long.
class NotifierCrowd : public NotifierTest {
 protected:
  NotifierCrowd() : NotifierTest(std::chrono::minutes(1)) {}
};

TEST_F(NotifierTest, AWebSocketHearsOfTheNextChangeAndNotOfWhatHoldsAlready) {
  const Descriptor client = add_websocket();
  run_loop();
  EXPECT_EQ(read(client), "");
  publish(R"({"n":1})");
  EXPECT_EQ(read(client), websocket_notification(R"({"n":1})")) << "at once, without the loop";
  EXPECT_EQ(counters.notify_clients.get(), 1U);
  EXPECT_EQ(counters.notifications_total.get(), 1U);
}

TEST_F(NotifierTest, AnEventStreamHearsWhatHoldsFirst) {
  const Descriptor client = add_event_stream();
  const std::string first = read(client);
  EXPECT_TRUE(first.starts_with("retry: ")) << first;
  EXPECT_TRUE(first.ends_with("\n\ndata: " + notification(R"({"n":0})") + "\n\n")) << first;
  publish(R"({"n":1})");
  EXPECT_EQ(read(client), "data: " + notification(R"({"n":1})") + "\n\n");
  run_loop(milliseconds(1000));
  EXPECT_TRUE(read(client).starts_with(":\n\n")) << "so that the dead are noticed";
  EXPECT_FALSE(ended);
}

TEST_F(NotifierTest, AnswersEmptyMessagesAndPings) {
  const Descriptor client = add_websocket();
  EXPECT_EQ(exchange(client, text_frame("")), encode_websocket_frame(WebSocketOpcode::text, ""));
  EXPECT_EQ(exchange(client, text_frame("something")), "") << "which nobody asked for";
  std::string pings;
  std::string pongs;
  for (int i = 0; i < 10; ++i) {
    pings += client_frame({.opcode = 9, .payload = std::to_string(i)});
    pongs += encode_websocket_frame(WebSocketOpcode::pong, std::to_string(i));
  }
  EXPECT_EQ(exchange(client, pings), pongs) << "each of them, in order";
}

TEST_F(NotifierTest, TakesWhatCameBehindTheHandshake) {
  const Descriptor client = add_websocket(unix_pair(), text_frame(""));
  EXPECT_EQ(read(client), encode_websocket_frame(WebSocketOpcode::text, ""));
}

TEST_F(NotifierTest, AnswersACloseWithItsCodeAndCloses) {
  const Descriptor client = add_websocket();
  EXPECT_EQ(exchange(client, client_frame({.opcode = 8, .payload = close_payload(3001, "bye")})),
            encode_close_frame(3001, ""));
  EXPECT_TRUE(ended);
  EXPECT_EQ(closed, 0) << "it waits for the client";
  ::shutdown(client.number(), SHUT_WR);
  run_loop();
  EXPECT_EQ(closed, 1);
  EXPECT_EQ(notifier->clients(), 0U);
}

TEST_F(NotifierTest, ClosesWhoBreaksTheRulesAndSaysWhy) {
  for (const auto& [bytes, code] : std::vector<std::pair<std::string, std::uint16_t>>{
           {client_frame({.payload = "x", .masked = false}), 1002},
           {text_frame("\xff"), 1007},
           {text_frame(std::string(102401, 'x')), 1009}}) {
    const Descriptor client = add_websocket(tcp_pair());
    std::string_view left = bytes;
    for (int i = 0; i < 100 && !left.empty(); ++i) {
      const ssize_t sent = ::send(client.number(), left.data(), left.size(), MSG_NOSIGNAL);
      left.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
      run_loop(milliseconds(1));
    }
    run_loop();
    const std::string answer = read(client);
    ASSERT_GT(answer.size(), 4U) << code;
    EXPECT_EQ(answer.substr(0, 1), "\x88");
    EXPECT_EQ(answer.substr(2, 2), close_payload(code));
    EXPECT_TRUE(ended);
  }
  run_loop(milliseconds(1000));
  EXPECT_EQ(notifier->clients(), 0U) << "though they have not closed their side";
  EXPECT_EQ(closed, 3);
}

TEST_F(NotifierTest, ClosesAWebSocketThatSaysNothingAndKeepsThoseThatDo) {
  const Descriptor silent = add_websocket();
  const Descriptor speaking = add_websocket();
  const Descriptor ponging = add_websocket();
  for (int i = 0; i < 20; ++i) {
    send(speaking, text_frame(""));
    send(ponging, client_frame({.opcode = 10}));
    run_loop(milliseconds(250));
  }
  EXPECT_EQ(read(silent).substr(2, 2), close_payload(1001));
  EXPECT_TRUE(ended);
  read(speaking);
  EXPECT_FALSE(ended);
  EXPECT_EQ(notifier->clients(), 2U);
}

// The kernel has one message that has not left yet, and not a buffer full of them; after that comes
// the newest.
// More of them than the loop hears at a time.
TEST_F(NotifierTest, ClosesNobodyWhoSpokeWhileTheWorkerHung) {
  limits.idle_time_max = milliseconds(100);
  start();
  std::vector<Descriptor> clients;
  for (int i = 0; i < 400; ++i) {
    clients.push_back(add_websocket());
    send(clients.back(), text_frame("I am there"));
  }
  std::this_thread::sleep_for(milliseconds(700));  // and the look at who is silent is due
  run_loop();
  EXPECT_TRUE(std::all_of(clients.begin(), clients.end(), [&](const Descriptor& client) {
    return read(client).empty();
  })) << "no Close";
}

TEST_F(NotifierCrowd, AClientThatDoesNotReadGetsTheNewestOnly) {
  const std::string padding(500, 'x');
  for (const int client_buffer_bytes : {2048, 65536, 0}) {
    const bool tcp = client_buffer_bytes > 0;
    Pair pair = tcp ? tcp_pair(client_buffer_bytes) : unix_pair();
    const Descriptor server(::dup(pair.server.number()));
    const Descriptor client = add_websocket(std::move(pair));
    for (int i = 1; i <= 2000; ++i) {
      publish("{\"n\":" + std::to_string(i) + ",\"padding\":\"" + padding + "\"}");
      if (i % 20 == 0) {
        run_loop(milliseconds(1));
      }
      int unsent = 0;
      if (tcp && ::ioctl(server.number(), SIOCOUTQNSD, &unsent) == 0) {
        ASSERT_LT(unsent, 2 * 500) << "after " << i;
      }
    }
    std::string all;
    for (int i = 0; i < 1000 && all.find("\"n\":2000,") == std::string::npos; ++i) {
      run_loop(milliseconds(10));
      all += read(client);
    }
    EXPECT_NE(all.find("\"n\":2000,"), std::string::npos) << all.size() << " bytes came";
    EXPECT_LT(all.size(), 500'000U) << "of a million";
  }
}

std::string ping_flood(int pings) {
  std::string flood;
  for (int i = 0; i < pings; ++i) {
    flood += client_frame({.opcode = 9, .payload = "p"}) + text_frame("");
  }
  return flood;
}

TEST_F(NotifierTest, WhatIsDueForManySmallFramesLeavesTogether) {
  const Descriptor client = add_websocket();
  const std::string replies = exchange(client, ping_flood(500));
  EXPECT_GT(replies.size(), 100U);
  EXPECT_LT(replies.size(), 5000U) << "of several that could not be answered the newest will do";
  EXPECT_TRUE(replies.ends_with(encode_websocket_frame(WebSocketOpcode::pong, "p") +
                                encode_websocket_frame(WebSocketOpcode::text, "")));
}

TEST_F(NotifierTest, AClientThatReadsNothingCanSendForEver) {
  const Descriptor client = add_websocket(tcp_pair(2048));
  const std::string some = ping_flood(2);
  for (int i = 0; i < 2000; ++i) {
    send(client, some);
    run_loop(milliseconds(2));
  }
  EXPECT_EQ(notifier->clients(), 1U);
}

TEST_F(NotifierTest, AFloodOfFramesIsClosed) {
  const Descriptor client = add_websocket(tcp_pair());
  const std::string flood = ping_flood(100);
  bool broken = false;
  std::string all;
  for (int i = 0; i < 1000 && !broken && !ended; ++i) {
    broken = ::send(client.number(), flood.data(), flood.size(), MSG_NOSIGNAL) < 0;
    run_loop(milliseconds(1));
    all += read(client);
  }
  EXPECT_TRUE(ended);
  EXPECT_NE(all.find(close_payload(1008)), std::string::npos);
}

// Counts only: a round that takes long is followed by a long rest, however often they change.
TEST_F(NotifierCrowd, RoundsForCountsTakeASmallPartOfTheTime) {
  constexpr int crowd = 2000;
  std::vector<Descriptor> clients;
  for (int i = 0; i < crowd; ++i) {
    clients.push_back(add_websocket());
  }
  std::int64_t took_ns = 0;
  const std::int64_t begin_ns = monotonic_ns();
  for (int i = 0; i < 200; ++i) {
    publish("{\"n\":" + std::to_string(i) + "}", false);
    run_loop(milliseconds(5));
    for (const Descriptor& client : clients) {
      read(client);
    }
    took_ns = monotonic_ns() - begin_ns;
  }
  const std::uint64_t all = counters.notifications_total.get();
  EXPECT_GE(all, std::uint64_t{crowd}) << "everybody has heard something";
  EXPECT_LT(all, std::uint64_t{crowd} * 100) << "in " << took_ns / ns_per_ms << " ms";
  run_loop(milliseconds(1500));
  for (const Descriptor& client : clients) {
    const std::string last = read(client);
    EXPECT_TRUE(last.empty() || last.ends_with(websocket_notification("{\"n\":199}"))) << last;
  }
}

TEST_F(NotifierCrowd, EverybodyHearsOfTheLastOfManyChanges) {
  std::vector<Descriptor> clients;
  for (int i = 0; i < 300; ++i) {
    clients.push_back(add_websocket());
  }
  for (int i = 1; i <= 500; ++i) {
    publish("{\"n\":" + std::to_string(i) + "}", i % 2 == 0);
    run_loop(milliseconds(i % 50 == 0 ? 1 : 0));
  }
  run_loop(milliseconds(1000));
  for (const Descriptor& client : clients) {
    std::string all = read(client);
    for (int i = 0; i < 100 && !all.ends_with(websocket_notification("{\"n\":500}")); ++i) {
      run_loop(milliseconds(1));
      all += read(client);
    }
    EXPECT_TRUE(all.ends_with(websocket_notification("{\"n\":500}")))
        << all.substr(all.size() - std::min<std::size_t>(all.size(), 60));
  }
}

TEST_F(NotifierTest, TracksThatChangeAllTheTimeAreToldInFewRounds) {
  limits.track_rounds_max = 20;
  limits.track_rest = milliseconds(50);
  start();
  const Descriptor client = add_websocket();
  std::string all;
  for (int i = 1; i <= 1000; ++i) {
    publish("{\"n\":" + std::to_string(i) + "}");
    all += read(client);
  }
  for (int i = 1; i <= 20; ++i) {
    EXPECT_NE(all.find(websocket_notification("{\"n\":" + std::to_string(i) + "}")),
              std::string::npos)
        << "the first are told at once, " << i << " too";
  }
  run_loop(milliseconds(200));
  all += read(client);
  EXPECT_TRUE(all.ends_with(websocket_notification(R"({"n":1000})")));
  EXPECT_LT(counters.notifications_total.get(), 200U);
}

TEST_F(NotifierTest, AnEventStreamThatTakesNothingForTooLongIsClosed) {
  // In the middle of a message, and between two.
  const Descriptor one = add_event_stream(tcp_pair(2048));
  publish("{\"n\":\"" + std::string(3'000'000, 'x') + "\"}");
  const Descriptor other = add_event_stream(tcp_pair(2048));
  for (int i = 0; i < 40; ++i) {
    publish("{\"n\":\"" + std::string(500, 'x') + "\"}");
    run_loop(milliseconds(10));
  }
  EXPECT_EQ(notifier->clients(), 2U);
  run_loop(milliseconds(2500));
  EXPECT_EQ(notifier->clients(), 0U);
  EXPECT_EQ(closed, 2);
}

TEST_F(NotifierCrowd, TellsEverybodyOnceWhoeverLeavesMeanwhile) {
  constexpr int crowd = 400;
  std::vector<Descriptor> clients;
  for (int i = 0; i < crowd; ++i) {
    clients.push_back(add_websocket());
  }
  for (int i = 0; i < crowd; i += 3) {
    clients[static_cast<std::size_t>(i)].reset();  // the notifier has not heard of it yet
  }
  publish(R"({"n":1})");
  run_loop(milliseconds(100));
  publish(R"({"n":2})");
  run_loop(milliseconds(100));
  for (const Descriptor& client : clients) {
    if (client) {
      EXPECT_EQ(read(client),
                websocket_notification(R"({"n":1})") + websocket_notification(R"({"n":2})"));
    }
  }
  EXPECT_EQ(closed, 134);
  EXPECT_EQ(notifier->clients(), 266U);
}

TEST_F(NotifierTest, SaysGoodbyeWhenTheServerStops) {
  const Descriptor websocket = add_websocket();
  const Descriptor events = add_event_stream();
  read(events);
  notifier->say_goodbye();
  EXPECT_EQ(read(websocket).substr(2, 2), close_payload(1001));
  EXPECT_TRUE(ended);
  EXPECT_EQ(read(events), "");
  EXPECT_TRUE(ended);
}

TEST_F(NotifierTest, TellsOfAClientBeforeItHasItsHead) {
  const std::string head = "head\r\n\r\n";
  int client = -1;
  int told = 0;
  when_told_came = [&] {
    ++told;
    EXPECT_EQ(unread_bytes(client), 0U);
    EXPECT_EQ(notifier->unsettled(), 1U) << "somebody could go on with it";
  };
  Pair pair = unix_pair();
  client = pair.client.number();
  const Descriptor websocket = add_websocket(std::move(pair), "", head);
  EXPECT_EQ(read(websocket), head);
  pair = unix_pair();
  client = pair.client.number();
  const Descriptor events = add_event_stream(std::move(pair), head);
  EXPECT_TRUE(read(events).starts_with(head + "retry: "));
  EXPECT_EQ(told, 2);
  EXPECT_EQ(notifier->unsettled(), 0U);
}

TEST_F(NotifierTest, ClosesTheClientsOfAnAddressAndNoOther) {
  const Descriptor unix_websocket = add_websocket();
  const Descriptor unix_events = add_event_stream();
  Pair pair = unix_pair();
  TakenOver elsewhere;
  elsewhere.socket = std::move(pair.server);
  elsewhere.peer = *PeerAddress::from_text("192.0.2.1");
  notifier->add_websocket(std::move(elsewhere));
  read(unix_events);
  EXPECT_EQ(notifier->close_those_from(PeerAddress().bytes()), 2U);
  EXPECT_EQ(closed, 2);
  EXPECT_EQ(notifier->clients(), 1U);
  read(unix_websocket);
  EXPECT_TRUE(ended);
  read(unix_events);
  EXPECT_TRUE(ended);
  read(pair.client);
  EXPECT_FALSE(ended);
}

}  // namespace
}  // namespace eradio::test
