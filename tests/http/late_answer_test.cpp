// Handlers that answer later: PUT /later keeps its reply until the test gives it.
#include <gtest/gtest.h>

#include "common/http/http_connection.h"
#include "tests/http/connection_fixture.h"

namespace eradio {
namespace {

using namespace std::chrono_literals;

class LateAnswer : public HttpConnectionTest {
 protected:
  LateAnswer() {
    server_.route("PUT", "/later", [this](const HttpRequest&) {
      HttpResponse response;
      response.later = [this](HttpReply reply) { replies_.push_back(std::move(reply)); };
      return response;
    });
    server_.route("PUT", "/at_once", [](const HttpRequest&) {
      HttpResponse response;
      response.later = [](const HttpReply& reply) { reply(HttpResponse::json("[at once]")); };
      return response;
    });
  }
  static std::string put(const std::string& target, const std::string& fields = "") {
    return "PUT " + target + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
  }
  bool run_until_asked(std::size_t times = 1) {
    return run_until([&] { return replies_.size() >= times; });
  }

  std::vector<HttpReply> replies_;
};

INSTANTIATE_TEST_SUITE_P(Sockets, LateAnswer, both_kinds_of_sockets(), kind_name);

TEST_P(LateAnswer, ComesWhenTheHandlerKnowsIt) {
  Client client = connect();
  client.send(put("/later"));
  ASSERT_TRUE(run_until_asked());
  run_for(20ms);
  client.receive();
  EXPECT_EQ(client.received(), "");
  replies_[0](HttpResponse::json("[late]"));
  ASSERT_TRUE(run_until_answers(client, 1));
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(client.received().ends_with("[late]"));
  replies_[0](HttpResponse::json("[again]"));
  client.send(get("/echo?n=1"));
  ASSERT_TRUE(run_until_answers(client, 2));
  EXPECT_TRUE(client.received().ends_with("[1]")) << "a second answer to one request is none";
}

TEST_P(LateAnswer, IsWaitedForWhileOthersHaveToMakeRoom) {
  Client waiting = connect();
  waiting.send(put("/later"));
  ASSERT_TRUE(run_until_asked());
  Client silent = connect();
  EXPECT_TRUE(connections_->close_longest(0ms));
  EXPECT_TRUE(run_until_closed(silent));
  EXPECT_FALSE(connections_->close_longest(0ms));
  replies_[0](HttpResponse::json("[late]"));
  EXPECT_TRUE(run_until_answers(waiting, 1));
}

TEST_P(LateAnswer, MayBeKnownAtOnce) {
  Client client = connect();
  client.send(put("/at_once") + put("/at_once"));
  ASSERT_TRUE(run_until_answers(client, 2));
  EXPECT_TRUE(client.received().ends_with("[at once]"));
}

TEST_P(LateAnswer, KeepsItsPlaceAmongPipelinedRequests) {
  Client client = connect();
  client.send(get("/echo?n=1") + put("/later") + get("/echo?n=2") + put("/later") +
              get("/echo?n=3"));
  ASSERT_TRUE(run_until_asked());
  ASSERT_TRUE(run_until_answers(client, 1));
  run_for(20ms);
  EXPECT_EQ(replies_.size(), 1U) << "the next is not asked before the first is answered";
  replies_[0](HttpResponse::json("[a]"));
  ASSERT_TRUE(run_until_asked(2));
  replies_[1](HttpResponse::json("[b]"));
  ASSERT_TRUE(run_until_answers(client, 5));
  std::string bodies;
  for (const char* body : {"[1]", "[a]", "[2]", "[b]", "[3]"}) {
    bodies += body;
    EXPECT_NE(client.received().find(body), std::string::npos) << body;
  }
  EXPECT_LT(client.received().find("[a]"), client.received().find("[2]"));
  EXPECT_LT(client.received().find("[2]"), client.received().find("[b]"));
}

TEST_P(LateAnswer, HonoursWhatTheRequestSaidOfTheConnection) {
  Client client = connect();
  client.send(put("/later", "Connection: close\r\n"));
  ASSERT_TRUE(run_until_asked());
  replies_[0](HttpResponse::json("[late]"));
  EXPECT_TRUE(run_until_closed(client));
  EXPECT_NE(client.received().find("Connection: close"), std::string::npos);
}

TEST_P(LateAnswer, ForAClientThatHasGoneIsNobodys) {
  Client client = connect();
  client.send(put("/later"));
  ASSERT_TRUE(run_until_asked());
  client.reset_connection();
  ASSERT_TRUE(run_until([&] { return connections_->count() == 0; }));
  EXPECT_EQ(closed_, 1);
  replies_[0](HttpResponse::json("[late]"));
  run_for(5ms);
  replies_.clear();
}

TEST_P(LateAnswer, AfterTheConnectionsAreGoneIsNobodys) {
  Client client = connect();
  client.send(put("/later"));
  ASSERT_TRUE(run_until_asked());
  connections_.reset();
  replies_[0](HttpResponse::json("[late]"));
}

TEST_P(LateAnswer, ThatNeverComesIsA503) {
  limits_.late_answer_time_max = 50ms;
  Client client = connect();
  client.send(put("/later") + get("/echo?n=2"));
  ASSERT_TRUE(run_until_answers(client, 1));
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 503 "));
  EXPECT_NE(client.received().find("Retry-After"), std::string::npos);
  replies_[0](HttpResponse::json("[too late]"));
  run_until_closed(client);
  EXPECT_EQ(client.received().find("[too late]"), std::string::npos);
  EXPECT_EQ(client.answers(), 1U);
}

}  // namespace
}  // namespace eradio
