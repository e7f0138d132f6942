// What a connection may cost: time, bytes, and what is done with those that want more.
#include <gtest/gtest.h>

#include "common/http/http_connection.h"
#include "tests/http/connection_fixture.h"

namespace eradio {
namespace {

using namespace std::chrono_literals;

class HttpConnectionLimits : public HttpConnectionTest {};

INSTANTIATE_TEST_SUITE_P(Sockets, HttpConnectionLimits, both_kinds_of_sockets(), kind_name);

TEST_P(HttpConnectionLimits, ARefusedClientSeesTheAnswerAndNotAReset) {
  Client client = connect();
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  run_for(5ms);
  client.send(std::string(100'000, 'x'));  // sent anyway, never read as a request
  run_for(5ms);
  ASSERT_TRUE(run_until_closed(client)) << (client.reset() ? "reset" : "not closed");
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 413 ")) << client.received();
  EXPECT_EQ(client.answers(), 1U);
  EXPECT_EQ(connections_->count(), 1U) << "waits for the client to close";
  client.close();
  EXPECT_TRUE(run_until([&] { return connections_->count() == 0; }));
  EXPECT_EQ(connections_->counters().client_errors, 1U);
}

TEST_P(HttpConnectionLimits, AClientOverALimitIsToldSoWhateverItSends) {
  connections_ = std::make_unique<HttpConnections>(loop_, server_, limits_,
                                                   [this](const PeerAddress&) { ++closed_; });
  auto pair = GetParam().connect();
  Client client(std::move(pair.client));
  client.send(get("/echo?n=1"));
  connections_->refuse(std::move(pair.server), PeerAddress(),
                       {.status = 503, .text = "no room", .retry_after = 10s});
  client.send(get("/echo?n=2"));
  ASSERT_TRUE(run_until_closed(client)) << (client.reset() ? "reset" : "not closed");
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 503 ")) << client.received();
  EXPECT_NE(client.received().find("Retry-After: 10\r\n"), std::string::npos);
  EXPECT_TRUE(client.received().ends_with("{\"error\":\"no room\"}")) << client.received();
  EXPECT_EQ(client.answers(), 1U);
  client.close();
  EXPECT_TRUE(run_until([&] { return closed_ == 1; }));
}

TEST_P(HttpConnectionLimits, WhoseRequestHasLastedLongestIsClosedFirst) {
  Client served = connect();
  Client slow = connect();
  Client silent = connect();
  slow.send("GET / HTT");
  served.send(get("/echo?n=1"));
  ASSERT_TRUE(run_until_answers(served, 1)) << "which was the first to come, but has had an answer";
  slow.send("P");
  run_for(5ms);
  EXPECT_FALSE(connections_->close_longest(10s)) << "they had no time yet";
  EXPECT_TRUE(connections_->close_longest(5ms));
  EXPECT_TRUE(run_until_closed(slow) || slow.reset()) << "more bytes of a request are no progress";
  EXPECT_EQ(connections_->count(), 2U);
  EXPECT_TRUE(connections_->close_longest(0ms));
  EXPECT_TRUE(run_until_closed(silent));
  served.send(get("/echo?n=2"));
  EXPECT_TRUE(run_until_answers(served, 2)) << "it is still served";
  EXPECT_TRUE(connections_->close_longest(0ms));
  EXPECT_FALSE(connections_->close_longest(0ms)) << "nobody is left";
  EXPECT_EQ(closed_, 3);
}

TEST_P(HttpConnectionLimits, WithoutRoomForAllEachAnswerIsTheLastOfItsConnection) {
  bool there_is_room = true;
  server_.keep_connections_while([&] { return there_is_room; });
  Client client = connect();
  client.send(get("/echo?n=1"));
  ASSERT_TRUE(run_until_answers(client, 1));
  EXPECT_EQ(client.received().find("Connection:"), std::string::npos);
  there_is_room = false;
  client.send(get("/echo?n=2") + get("/echo?n=3"));
  ASSERT_TRUE(run_until_closed(client)) << "it keeps its descriptor";
  EXPECT_EQ(client.answers(), 2U);
  EXPECT_NE(client.received().find("Connection: close\r\n"), std::string::npos);
}

TEST_P(HttpConnectionLimits, LingeringIsBoundedInTimeAndBytes) {
  limits_.linger_time_max = 50ms;
  limits_.linger_bytes_max = 100'000;
  Client client = connect();
  client.send("rubbish\r\n\r\n");
  ASSERT_TRUE(run_until_closed(client));
  EXPECT_TRUE(run_until([&] { return connections_->count() == 0; })) << "by time";

  limits_.linger_time_max = 60s;
  connections_.reset();
  Client talkative = connect();
  talkative.send("rubbish\r\n\r\n");
  EXPECT_TRUE(run_until([&] {
    std::ignore = talkative.send_some(std::string(10'000, 'x'));
    return connections_->count() == 0;
  })) << "by bytes";
}

TEST_P(HttpConnectionLimits, ARequestThatComesTooSlowlyIsRefused) {
  limits_.request_time_max = 100ms;
  Client client = connect();
  const std::string request = get("/echo?n=1");
  std::size_t at = 0;
  ASSERT_TRUE(run_until([&] {  // a byte every millisecond or so, but never the last
    client.receive();
    if (at + 1 < request.size() && at < 20) {
      std::ignore = client.send_some(request.substr(at++, 1));
    }
    return client.closed() || client.reset();
  }));
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 408 ")) << client.received();
  EXPECT_EQ(connections_->counters().timed_out, 1U);
}

TEST_P(HttpConnectionLimits, AnIdleConnectionIsClosedQuietly) {
  limits_.idle_time_max = 100ms;
  Client never = connect();
  Client once = connect();
  once.send(get("/echo?n=1"));
  ASSERT_TRUE(run_until_closed(never));
  ASSERT_TRUE(run_until_closed(once));
  EXPECT_EQ(never.received(), "");
  EXPECT_EQ(once.answers(), 1U);
  EXPECT_EQ(connections_->counters().timed_out, 0U);
}

TEST_P(HttpConnectionLimits, EveryAnswerRenewsTheIdleTime) {
  limits_.idle_time_max = 400ms;
  Client client = connect();
  for (std::size_t i = 1; i <= 8; ++i) {
    client.send(get("/echo?n=1"));
    ASSERT_TRUE(run_until_answers(client, i));
    run_for(100ms);
  }
  EXPECT_EQ(connections_->count(), 1U);
}

TEST_P(HttpConnectionLimits, AnAnswerThatMakesNoProgressIsDropped) {
  limits_.stall_time_max = 100ms;
  Client client = connect();
  client.send(get("/large.txt"));
  EXPECT_TRUE(run_until([&] { return connections_->count() == 0; }));
  EXPECT_EQ(connections_->counters().timed_out, 1U);
}

TEST_P(HttpConnectionLimits, ASlowAnswerThatMakesProgressIsNotDropped) {
  limits_.stall_time_max = 500ms;
  Client client = connect();
  client.send(get("/large.txt", "Connection: close\r\n"));
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(run_until([&] {
    client.receive(large_bytes / 1000);  // a thousand reads, a millisecond or more apart
    return client.closed() || client.reset();
  }));
  EXPECT_GT(std::chrono::steady_clock::now() - start, limits_.stall_time_max);
  EXPECT_GT(client.received().size(), large_bytes);
}

}  // namespace
}  // namespace eradio
