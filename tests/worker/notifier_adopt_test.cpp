// A notifier that goes on with the clients of another that has ended at any point.

#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/worker/notifier_fixture.h"
#include "tests/worker/websocket_frames.h"
#include "worker/notifier.h"
#include "worker/websocket_session.h"

namespace eradio::test {
namespace {

using std::chrono::milliseconds;

class NotifierAdopt : public NotifierTest {
 protected:
  // What a worker has of its own.
  struct Worker {
    Worker(NotifierAdopt& test, std::uint64_t generation)
        : worker_table(Descriptor(::dup(test.table.descriptor())), generation),
          notifier(
              loop, counters, worker_table,
              [&test] { return News{.number = test.number, .metadata_json = test.metadata_json}; },
              [](const NotifyClient&) { ADD_FAILURE() << "it has come long ago"; },
              [this](const NotifyClient&) { ++left; }, test.limits) {}
    void run_loop(milliseconds time = milliseconds(10)) {
      loop.call_after(time, [this] { loop.stop(); });
      loop.run();
    }
    EventLoop loop;
    WorkerCounters counters;
    WorkerListenerTable worker_table;
    int left = 0;
    Notifier notifier;
  };

  // Keeps a duplicate of each client's socket, as the master does. The records are 0, 1, …
  Pair kept(Pair pair) {
    sockets.emplace_back(::dup(pair.server.number()));
    return pair;
  }
  // A worker that goes on with all of them. The one before does nothing more, but stays.
  Worker& next() {
    workers.push_back(std::make_unique<Worker>(*this, ++generation));
    Worker& worker = *workers.back();
    for (std::uint32_t record = 0; record < sockets.size(); ++record) {
      reasons.emplace_back(worker.notifier.adopt(Descriptor(::dup(sockets[record].number())),
                                                 PeerAddress(), record,
                                                 worker_table.serial(record)));
    }
    worker.notifier.end_adoption();
    return worker;
  }
  void let_time_pass() { run_loop(milliseconds(60)); }
  void change(const std::string& json) {
    metadata_json = json;
    ++number;
  }

  std::vector<Descriptor> sockets;
  std::uint64_t generation = 1;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::string> reasons;  // why each was closed; empty: it was not
};

TEST_F(NotifierAdopt, TellsNobodyWhatHeKnowsAndEverybodyWhatHeDoesNot) {
  const Descriptor websocket = add_websocket(kept(unix_pair()));
  const Descriptor told_websocket = add_websocket(kept(tcp_pair()));
  const Descriptor events = add_event_stream(kept(tcp_pair()));
  publish(R"({"n":1})");
  read(websocket);
  read(told_websocket);
  read(events);
  let_time_pass();

  Worker& second = next();
  EXPECT_EQ(reasons, std::vector<std::string>(3));
  EXPECT_EQ(second.counters.notify_clients.get(), 3U);
  second.run_loop(milliseconds(100));
  EXPECT_EQ(read(websocket) + read(told_websocket), "") << "they know it";
  EXPECT_EQ(read(events), "");

  change(R"({"n":2})");  // and nobody is there to tell it
  Worker& third = next();
  EXPECT_EQ(read(websocket), websocket_notification(R"({"n":2})")) << "at once";
  EXPECT_EQ(read(told_websocket), websocket_notification(R"({"n":2})"));
  EXPECT_EQ(read(events), "data: " + notification(R"({"n":2})") + "\n\n");
  third.run_loop(milliseconds(100));
  EXPECT_EQ(read(websocket) + read(told_websocket) + read(events), "") << "once";
  change(R"({"n":3})");
  third.notifier.publish(true);
  EXPECT_EQ(read(websocket), websocket_notification(R"({"n":3})"));
  EXPECT_EQ(third.counters.notifications_total.get(), 6U);
}

TEST_F(NotifierAdopt, GivesWhoWasJustToldItsRest) {
  const Descriptor websocket = add_websocket(kept(unix_pair()));
  publish(R"({"n":1})");
  const std::int64_t told_ns = monotonic_ns();
  read(websocket);
  change(R"({"n":2})");
  Worker& second = next();
  std::string all = read(websocket);
  for (int i = 0; i < 1000 && all.empty(); ++i) {
    second.run_loop(milliseconds(1));
    all = read(websocket);
  }
  EXPECT_EQ(all, websocket_notification(R"({"n":2})"));
  EXPECT_GE(monotonic_ns() - told_ns, 49 * ns_per_ms);
}

TEST_F(NotifierAdopt, HearsWhatAClientHasSaidMeanwhile) {
  const Descriptor websocket = add_websocket(kept(unix_pair()));
  run_loop();
  send(websocket, text_frame(""));
  next().run_loop();
  EXPECT_EQ(read(websocket), encode_websocket_frame(WebSocketOpcode::text, ""));
  EXPECT_FALSE(ended);
}

TEST_F(NotifierAdopt, AClientThatWasInTheMiddleOfAFrameOrAMessageIsClosed) {
  const std::string whole = text_frame("half a frame");
  const std::vector<std::string> beginnings{
      whole.substr(0, 1), whole.substr(0, 5), whole.substr(0, 10),
      client_frame({.opcode = 1, .payload = "the first part", .fin = false}),
      client_frame({.opcode = 9, .payload = "ping"}).substr(0, 8)};
  std::vector<Descriptor> clients;
  for (const std::string& beginning : beginnings) {
    clients.push_back(add_websocket(kept(unix_pair())));
    send(clients.back(), beginning);
  }
  run_loop();
  EXPECT_EQ(notifier->unsettled(), beginnings.size());
  Worker& second = next();
  for (std::size_t i = 0; i < clients.size(); ++i) {
    EXPECT_EQ(reasons[i], "it was in the middle of a message") << i;
    read(clients[i]);
    EXPECT_TRUE(ended) << i << ", though the old one has the socket, too";
  }
  EXPECT_EQ(second.notifier.clients(), 0U);
  EXPECT_EQ(second.left, 0) << "it has never come";
}

TEST_F(NotifierAdopt, OneThatHasFinishedItsMessageIsNot) {
  const std::string whole = text_frame("") + client_frame({.opcode = 9, .payload = "ping"}) +
                            text_frame(std::string(300, 'x')) +
                            text_frame(std::string(70'000, 'x'));
  const Descriptor client = add_websocket(kept(unix_pair()));
  for (std::size_t at = 0; at < whole.size(); at += 1300) {
    send(client, whole.substr(at, 1300));
    run_loop(milliseconds(1));
    EXPECT_EQ(notifier->unsettled(), at + 1300 < whole.size() ? 1U : 0U) << at;
  }
  read(client);
  Worker& second = next();
  EXPECT_EQ(reasons, std::vector<std::string>(1));
  send(client, text_frame(""));
  second.run_loop();
  EXPECT_EQ(read(client), encode_websocket_frame(WebSocketOpcode::text, ""));
}

TEST_F(NotifierAdopt, AClientThatIsBeingClosedIsClosed) {
  const Descriptor client = add_websocket(kept(unix_pair()));
  send(client, client_frame({.opcode = 8, .payload = close_payload(1000)}));
  run_loop();
  EXPECT_EQ(notifier->unsettled(), 1U) << "until it has closed its side";
  EXPECT_NE(next().notifier.clients(), 1U);
  EXPECT_EQ(read(client), encode_close_frame(1000, ""));
  EXPECT_TRUE(ended);
}

TEST_F(NotifierAdopt, AClientThatWasSentHalfAMessageIsClosedAndOneThatWaitsIsNot) {
  const Descriptor half = add_event_stream(kept(tcp_pair(2048)));
  publish("{\"n\":\"" + std::string(6'000'000, 'x') + "\"}");
  publish(R"({"n":1})");
  const Descriptor waiting = add_event_stream(kept(tcp_pair(2048)));
  read(waiting);
  for (int i = 0; i < 40; ++i) {
    publish("{\"n\":\"" + std::string(500, 'x') + "\"}");
    run_loop(milliseconds(5));
  }
  EXPECT_EQ(notifier->unsettled(), 1U);
  change(R"({"n":"newest"})");
  Worker& second = next();
  EXPECT_NE(reasons[0], "");
  EXPECT_EQ(reasons[1], "");
  std::string all;
  for (int i = 0; i < 1000 && all.find("newest") == std::string::npos; ++i) {
    all += read(waiting);
    second.run_loop(milliseconds(5));
  }
  EXPECT_TRUE(all.ends_with("data: " + notification(R"({"n":"newest"})") + "\n\n"));
}

TEST_F(NotifierAdopt, ClosesASilentWebSocketAndKeepsAnEventStreamAlive) {
  limits.idle_time_max = milliseconds(1000);
  start();
  const Descriptor silent = add_websocket(kept(unix_pair()));
  const Descriptor events = add_event_stream(kept(unix_pair()));
  read(events);
  Worker& second = next();
  second.run_loop(milliseconds(2000));
  EXPECT_EQ(read(silent).substr(2, 2), close_payload(1001));
  EXPECT_TRUE(read(events).starts_with(":\n\n")) << "and says nothing of retry times any more";
  EXPECT_FALSE(ended);
}

TEST_F(NotifierAdopt, GoesOnWithAnEventStreamWhoseWorkerHungForLongerThanOneMayStall) {
  limits.stall_time_max = milliseconds(100);
  limits.comment_interval = milliseconds(20);
  start();
  const Descriptor events = add_event_stream(kept(tcp_pair()));
  read(events);
  std::this_thread::sleep_for(milliseconds(200));
  next().run_loop(milliseconds(1200));
  EXPECT_TRUE(read(events).starts_with(":\n\n"));
  EXPECT_FALSE(ended) << "it has taken all that there was";
}

TEST_F(NotifierAdopt, SaysGoodbyeAndKicksAsItWouldItsOwn) {
  const Descriptor websocket = add_websocket(kept(unix_pair()));
  const Descriptor events = add_event_stream(kept(unix_pair()));
  read(events);
  Worker& second = next();
  second.notifier.say_goodbye();
  EXPECT_EQ(read(websocket).substr(2, 2), close_payload(1001));
  read(events);
  EXPECT_TRUE(ended);
  EXPECT_EQ(second.notifier.close_those_from(PeerAddress().bytes()), 1U);
  EXPECT_EQ(second.left, 2);
}

TEST_F(NotifierAdopt, WhatTheRecordsDoNotKnowIsClosed) {
  const Descriptor client = add_websocket(kept(unix_pair()));
  Worker worker(*this, 2);
  EXPECT_NE(worker.notifier.adopt(Descriptor(::dup(sockets[0].number())), PeerAddress(), 0,
                                  worker_table.serial(0) + 1),
            "");
  EXPECT_NE(worker.notifier.adopt(Descriptor(::dup(sockets[0].number())), PeerAddress(), 99,
                                  worker_table.serial(0)),
            "");
  read(client);
  EXPECT_TRUE(ended);
  EXPECT_EQ(worker.notifier.clients(), 0U);
}

// As it would be read if the process ended in the middle of a call.
TEST_F(NotifierAdopt, TheRecordSaysSoBeforeAnythingIsSentOrRead) {
  bool asked = false;
  const auto is_settled = [&] {
    WorkerListenerTable table_of_next(Descriptor(::dup(table.descriptor())), 9);
    const auto estate = table_of_next.adopt_notify_client(0, worker_table.serial(0));
    return estate && estate->progress;
  };
  notifier.emplace(
      loop, counters, worker_table,
      [&] { return News{.number = number, .metadata_json = metadata_json}; },
      [&](const NotifyClient& client) {
        asked = true;
        EXPECT_TRUE(client.record());
        EXPECT_FALSE(is_settled()) << "nothing has been said to it yet";
      },
      [](const NotifyClient&) {}, limits);
  const Descriptor client = add_websocket();
  EXPECT_TRUE(asked);
  EXPECT_TRUE(is_settled());
  publish(R"({"n":1})");
  EXPECT_TRUE(is_settled());
  send(client, "\x81");
  run_loop();
  EXPECT_FALSE(is_settled());
}

}  // namespace
}  // namespace eradio::test
