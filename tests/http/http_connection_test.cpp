#include "common/http/http_connection.h"

#include <gtest/gtest.h>

#include "tests/http/connection_fixture.h"

namespace eradio {
namespace {

using namespace std::chrono_literals;

INSTANTIATE_TEST_SUITE_P(Sockets, HttpConnectionTest, both_kinds_of_sockets(), kind_name);

TEST_P(HttpConnectionTest, AConnectionIsKeptForTheNextRequest) {
  Client client = connect();
  for (std::size_t i = 1; i <= 3; ++i) {
    client.send(get("/echo?n=" + std::to_string(i)));
    ASSERT_TRUE(run_until_answers(client, i));
    EXPECT_TRUE(client.received().ends_with("[" + std::to_string(i) + "]"));
  }
  EXPECT_EQ(connections_->count(), 1U);
  EXPECT_EQ(connections_->counters().answers, 3U);
}

TEST_P(HttpConnectionTest, ARequestMayComeByteByByte) {
  Client client = connect();
  for (const char c : get("/echo?n=7")) {
    client.send({&c, 1});
    run_for(0ms);
  }
  ASSERT_TRUE(run_until_answers(client, 1));
  EXPECT_TRUE(client.received().ends_with("[7]"));
}

TEST_P(HttpConnectionTest, PipelinedRequestsAreAnsweredInOrder) {
  Client client = connect();
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += get("/echo?n=" + std::to_string(i)) + get("/small.txt");
  }
  client.send(requests + get("/echo?n=last", "Connection: close\r\n") + get("/echo?n=never"));
  ASSERT_TRUE(run_until_closed(client));
  EXPECT_EQ(client.answers(), 101U);
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = client.received().find("[" + std::to_string(i) + "]", at);
    ASSERT_NE(at, std::string::npos) << i;
    at = client.received().find("small", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_TRUE(client.received().ends_with("[last]"));
}

TEST_P(HttpConnectionTest, ASlowReaderGetsALargeFileWhole) {
  Client client = connect();
  client.send(get("/large.txt") + get("/echo?n=1"));
  ASSERT_TRUE(run_until([&] {
    client.receive(50'000);
    return client.received().ends_with("[1]");
  }));
  const auto begin = client.received().find("\r\n\r\n") + 4;
  ASSERT_GT(client.received().size(), begin + large_bytes);
  for (std::size_t i = 0; i < large_bytes; ++i) {
    ASSERT_EQ(client.received()[begin + i], static_cast<char>('a' + i % 23)) << i;
  }
}

TEST_P(HttpConnectionTest, AClientThatDoesNotReadIsNotReadFromEither) {
  Client client = connect();
  const std::string one = get("/echo?n=1");
  std::string many;
  while (many.size() < 1'000'000) {
    many += one;
  }
  std::size_t total = 0;
  for (int quiet_rounds = 0; quiet_rounds < 20; ++quiet_rounds) {
    const std::size_t sent = client.send_some(std::string_view(many).substr(total % one.size()));
    total += sent;
    quiet_rounds = sent > 0 ? 0 : quiet_rounds;
    run_for(1ms);
    ASSERT_LT(total, 100U << 20) << "it goes on and on";
  }
  EXPECT_EQ(connections_->count(), 1U);
}

TEST_P(HttpConnectionTest, AHalfClosedClientStillGetsItsAnswers) {
  Client client = connect();
  client.send(get("/large.txt") + get("/echo?n=1"));
  client.shut_writing();
  ASSERT_TRUE(run_until_closed(client));
  EXPECT_TRUE(client.received().ends_with("[1]"));
  EXPECT_TRUE(run_until([&] { return connections_->count() == 0; }));
  EXPECT_EQ(closed_, 1);
}

TEST_P(HttpConnectionTest, AClientThatLeavesIsForgotten) {
  {
    Client silent = connect();
    Client in_request = connect();
    in_request.send("GET / HT");
    Client in_answer = connect();
    in_answer.send(get("/large.txt"));
    run_for(20ms);
    EXPECT_EQ(connections_->count(), 3U);
    in_answer.reset_connection();
    in_request.reset_connection();
  }
  EXPECT_TRUE(run_until([&] { return connections_->count() == 0; }));
  EXPECT_EQ(closed_, 3);
}

TEST_P(HttpConnectionTest, AClientThatAsksFirstIsToldToContinue) {
  Client client = connect();
  client.send("PUT /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  ASSERT_TRUE(run_until_answers(client, 1));
  EXPECT_EQ(client.received(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  ASSERT_TRUE(run_until_answers(client, 2));
  EXPECT_TRUE(client.received().ends_with("body"));
}

TEST_P(HttpConnectionTest, AStreamIsHandedOverAfterEverythingBeforeIt) {
  Client client = connect();
  client.send(get("/large.txt") + get("/stream") + "early bytes");
  ASSERT_TRUE(run_until([&] {
    client.receive();
    return !taken_over_.empty();
  }));
  auto& taken = taken_over_.front();
  EXPECT_EQ(taken.early_bytes, "early bytes");
  EXPECT_EQ(connections_->count(), 0U);
  EXPECT_EQ(closed_, 0);
  const std::string rest = taken.head + "frames";
  ASSERT_EQ(::send(taken.socket.number(), rest.data(), rest.size(), MSG_NOSIGNAL),
            std::ssize(rest));
  ASSERT_TRUE(run_until([&] {
    client.receive();
    return client.received().ends_with("\r\n\r\nframes");
  }));
  EXPECT_EQ(client.answers(), 2U);
}

TEST_P(HttpConnectionTest, WhoTakesAStreamOverDecidesWhenItsHeadIsSent) {
  Client client = connect();
  client.send(get("/stream"));
  ASSERT_TRUE(run_until([&] { return !taken_over_.empty(); }));
  client.receive();
  EXPECT_EQ(client.received(), "");
  const std::string& head = taken_over_.front().head;
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 ")) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
}

TEST_P(HttpConnectionTest, TheHeadOfAStreamIsSentWithTheAnswersBeforeIt) {
  Client client = connect();
  client.send(get("/echo?n=1") + get("/stream"));
  ASSERT_TRUE(run_until_answers(client, 2));
  ASSERT_EQ(taken_over_.size(), 1U);
  EXPECT_EQ(taken_over_.front().head, "");
}

TEST_P(HttpConnectionTest, HeadOfAStreamIsNotHandedOver) {
  Client client = connect();
  client.send("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(run_until_closed(client));
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 200 ")) << client.received();
  EXPECT_TRUE(client.received().ends_with("\r\n\r\n"));
  EXPECT_TRUE(taken_over_.empty());
}

TEST_P(HttpConnectionTest, AllCanBeClosedEvenFromWithinAHandler) {
  Client other = connect();
  Client client = connect();
  client.send(get("/stop"));
  ASSERT_TRUE(run_until_closed(other));
  ASSERT_TRUE(run_until_closed(client));
  EXPECT_EQ(connections_->count(), 0U);
  EXPECT_EQ(closed_, 2);
}

TEST_P(HttpConnectionTest, IdleOnesAreClosedAndOthersGetTheirAnswers) {
  Client fresh = connect();
  Client answered = connect();
  answered.send("GET /echo?n=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] {
    answered.receive();
    return answered.answers() == 1;
  }));
  Client in_request = connect();
  in_request.send("GET /echo?n=2 HTTP/1.1\r\nHost:");
  Client reading = connect();
  reading.send("GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] {
    reading.receive(100);
    return reading.answers() == 1;
  }));
  Client unread = connect();
  unread.send("GET /echo?n=3 HTTP/1.1\r\nHost: a\r\n\r\n");  // the loop has not seen it yet
  connections_->close_idle();
  EXPECT_EQ(closed_, 1);
  EXPECT_EQ(connections_->count(), 4U);
  in_request.send(" a\r\n\r\n");
  EXPECT_TRUE(run_until([&] {
    for (Client* client : {&fresh, &answered, &in_request, &reading, &unread}) {
      client->receive();
    }
    return !fresh.closed() && answered.closed() && in_request.answers() == 1 &&
           unread.answers() == 1 && reading.received().size() > large_bytes;
  }));
}

TEST_P(HttpConnectionTest, AFileThatIsCutShortEndsTheConnection) {
  Client client = connect();
  client.send(get("/large.txt") + get("/echo?n=1"));
  run_for(20ms);
  std::filesystem::resize_file(root_ / "large.txt", 10);
  ASSERT_TRUE(run_until([&] {
    client.receive();
    return client.closed() || client.reset();
  }));
  EXPECT_LT(client.received().size(), large_bytes);
  EXPECT_EQ(client.answers(), 1U) << "what follows would be taken for the rest of the file";
}

TEST_P(HttpConnectionTest, ManyConnectionsDoNotDisturbEachOther) {
  std::vector<Client> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(connect());
    clients.back().send(i % 3 == 0 ? "GET / HT" : get("/echo?n=" + std::to_string(i)));
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    if (i % 3 != 0) {
      ASSERT_TRUE(run_until_answers(clients[i], 1)) << i;
      EXPECT_TRUE(clients[i].received().ends_with("[" + std::to_string(i) + "]"));
    }
  }
  EXPECT_EQ(connections_->count(), 200U);
}

TEST_P(HttpConnectionTest, ASocketThatCannotBeWatchedIsClosedAndCounted) {
  Client client = connect();
  const auto file = root_ / "small.txt";
  std::ofstream(file) << "x";
  connections_->adopt(Descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC)), PeerAddress());
  EXPECT_EQ(connections_->count(), 1U);
  EXPECT_EQ(closed_, 1);
}

}  // namespace
}  // namespace eradio
