// The API's plain requests, proper ones and others, against a running server: GET /v1/metadata and
// PUT /v1/veto, and what holds for every address below /v1/.

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/api_client.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/server.h"
#include "tests/support/source_remote.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {
namespace {

using nlohmann::json;

const std::vector<std::string> api_paths{"/v1/metadata", "/v1/veto", "/v1/ws/notify", "/v1/events"};

void expect_api_fields(const HttpReply& reply) {
  EXPECT_EQ(reply.field("content-type"), "application/json") << reply.head;
  EXPECT_EQ(reply.field("access-control-allow-origin"), "*") << reply.head;
  EXPECT_EQ(reply.field("cache-control"), "no-cache, no-store") << reply.head;
  EXPECT_EQ(reply.field("pragma"), "no-cache") << reply.head;
  EXPECT_NE(reply.field("expires"), "") << reply.head;
}

void expect_json_error(const std::optional<HttpReply>& reply, int status) {
  ASSERT_TRUE(reply) << "no answer, where " << status << " was expected";
  EXPECT_EQ(reply->status, status) << reply->body;
  expect_api_fields(*reply);
  const json body = json::parse(reply->body, nullptr, false);
  ASSERT_TRUE(body.is_object()) << reply->body;
  EXPECT_NE(body.value("error", ""), "");
}

// One server for all of them, with two workers and a source that plays what the test says.
class Api : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    remote_ = new SourceRemote;
    server_ = new Server({.source = remote_->source(), .arguments = {"--workers", "2"}});
  }
  static void TearDownTestSuite() {
    expect_clean_stop(server_->stop());
    delete server_;
    delete remote_;
  }
  // Whatever the test before has done: a known track, nobody there.
  void SetUp() override {
    remote_->send({SourceRemote::track("Known")});
    ASSERT_TRUE(tells_everywhere(server(), {.track = "Known"}));
  }
  void TearDown() override {
    if (HasFailure()) {
      std::printf("--- the server's log ---\n%s", server_->log().text().c_str());
    }
  }
  static Endpoint endpoint() { return server_->ipv4(); }
  static Server& server() { return *server_; }
  static SourceRemote& remote() { return *remote_; }

  // A listener with this id, whom every worker counts.
  static void add_listener(ListenerCrowd& crowd, std::uint64_t id) {
    crowd.add({.endpoint = endpoint(), .target = "/stream.mp3?listener_id=" + std::to_string(id)});
    ASSERT_TRUE(crowd.run_until_all_listen(patience));
    ASSERT_TRUE(tells_everywhere(server(), {.track = "Known", .listeners = 1}));
  }

 private:
  static inline SourceRemote* remote_ = nullptr;
  static inline Server* server_ = nullptr;
};

TEST_F(Api, TellsTheTrackAndTheCountsAndNothingElse) {
  const auto reply = fetch(endpoint(), "/v1/metadata");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  expect_api_fields(*reply);
  EXPECT_EQ(
      reply->body,
      R"({"current_track":{"uri":"test:Known","name":"Known"},"listener_count":0,"veto_count":0})");
  ListenerCrowd crowd;
  add_listener(crowd, 5);
  EXPECT_EQ(put_veto(endpoint(), 5), 200);
  EXPECT_TRUE(tells_everywhere(server(), {.track = "Known", .listeners = 1, .vetoes = 1}));
}

TEST_F(Api, TellsNoTrackWhenItIsUnknownOrTheStreamHasStopped) {
  remote().send({SourceRemote::unknown_track()});
  EXPECT_TRUE(tells_everywhere(server(), {}));
  const auto unknown = fetch(endpoint(), "/v1/metadata");
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->body, R"({"listener_count":0,"veto_count":0})");
  remote().send({SourceRemote::track("Back")});
  EXPECT_TRUE(tells_everywhere(server(), {.track = "Back"}));
  remote().send({SourceRemote::stop()});
  EXPECT_TRUE(tells_everywhere(server(), {}));
}

TEST_F(Api, TellsNamesOfEveryKindAsValidJson) {
  const std::string replacement = "\xef\xbf\xbd";
  const std::vector<std::pair<std::string, std::string>> names{
      {R"(He said "hi" \ and left)", R"(He said "hi" \ and left)"},
      {"tab\tand\x01\x7f", "tab\tand\x01\x7f"},
      {"Bj\xc3\xb6rk \xf0\x9f\x8e\xb5", "Bj\xc3\xb6rk \xf0\x9f\x8e\xb5"},
      {"</script><b>&amp;", "</script><b>&amp;"},
      {"Bj\xf6rk", "Bj" + replacement + "rk"},
      {"cut \xf0\x9f\x8e", "cut " + replacement},
      {"\xff\xfe", replacement + replacement},
      {std::string(3000, 'n'), std::string(3000, 'n')},
      {"", ""}};
  for (const auto& [sent, told] : names) {
    remote().send({SourceRemote::track(sent)});
    EXPECT_TRUE(tells_everywhere(server(), {.track = told})) << ::testing::PrintToString(sent);
  }
}

TEST_F(Api, AnswersAHeadOfTheMetadataWithTheSameHeadAndNoBody) {
  HttpClient client(endpoint());
  client.request("/v1/metadata");
  const auto get = client.read_reply();
  client.request("/v1/metadata", "HEAD");
  const auto head = client.read_reply(true);
  client.request("/v1/metadata");
  const auto next = client.read_reply();
  ASSERT_TRUE(get && head && next);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->field("content-length"), get->field("content-length"));
  expect_api_fields(*head);
  EXPECT_EQ(next->body, get->body) << "a body came behind the head";
}

TEST_F(Api, RefusesVotesWithoutAProperId) {
  for (const std::string query :
       {"", "?", "?listener_id", "?listener_id=", "?listener_id=abc", "?listener_id=-1",
        "?listener_id=1.5", "?listener_id=0x10", "?listener_id=+1", "?listener_id=1%20",
        "?listener_id=9223372036854775808", "?listener_id=99999999999999999999999999",
        "?other=1"}) {
    SCOPED_TRACE(query);
    expect_json_error(fetch(endpoint(), "/v1/veto" + query, "PUT"), 400);
  }
}

TEST_F(Api, RefusesVotesOfIdsThatHaveNoStream) {
  for (const std::string id : {"0", "7", "9223372036854775807"}) {
    SCOPED_TRACE(id);
    expect_json_error(fetch(endpoint(), "/v1/veto?listener_id=" + id, "PUT"), 404);
  }
}

TEST_F(Api, RefusesVotesWhileNothingPlays) {
  ListenerCrowd crowd;
  add_listener(crowd, 6);
  remote().send({SourceRemote::stop()});
  ASSERT_TRUE(tells_everywhere(server(), {.listeners = 1}));
  expect_json_error(fetch(endpoint(), "/v1/veto?listener_id=6", "PUT"), 409);
  remote().send({SourceRemote::unknown_track()});
  ASSERT_TRUE(comes_true([] { return put_veto(endpoint(), 6) == 200; }))
      << "a track that nobody knows can be skipped like any other";
}

TEST_F(Api, AnswersVotesOfListenersWithAnEmptyObject) {
  ListenerCrowd crowd;
  add_listener(crowd, 9223372036854775807U);
  for (int i = 0; i < 3; ++i) {
    const auto reply = fetch(endpoint(), "/v1/veto?listener_id=9223372036854775807", "PUT",
                             "Content-Length: 4\r\n\r\nbody");
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "{}");
    expect_api_fields(*reply);
  }
}

TEST_F(Api, TellsWrongMethodsTheRightOnes) {
  const auto expect_allowed = [](const std::string& path, const std::string& method,
                                 const std::vector<std::string>& allowed) {
    SCOPED_TRACE(method + " " + path);
    const auto reply = fetch(endpoint(), path, method, "Content-Length: 0\r\n");
    expect_json_error(reply, 405);
    for (const std::string& one : allowed) {
      EXPECT_NE(reply->field("allow").find(one), std::string::npos) << reply->head;
    }
    EXPECT_EQ(reply->field("allow").find(method), std::string::npos) << reply->head;
  };
  for (const std::string method : {"POST", "PUT", "DELETE", "PATCH"}) {
    expect_allowed("/v1/metadata", method, {"GET", "HEAD", "OPTIONS"});
    expect_allowed("/v1/ws/notify", method, {"GET", "OPTIONS"});
    expect_allowed("/v1/events", method, {"GET", "OPTIONS"});
  }
  for (const std::string method : {"GET", "POST", "DELETE", "PATCH"}) {
    expect_allowed("/v1/veto?listener_id=1", method, {"PUT", "OPTIONS"});
  }
}

TEST_F(Api, KnowsNoOtherAddressesBelowV1) {
  for (const std::string path :
       {"/v1", "/v1/", "/v1/nothing", "/v1/metadata/", "/v1/metadata/more", "/v1/veto/7", "/v1/ws",
        "/v1/ws/", "/v1/Metadata", "/v2/metadata"}) {
    SCOPED_TRACE(path);
    expect_json_error(fetch(endpoint(), path), 404);
  }
}

TEST_F(Api, AllowsPagesOfOtherOriginsToUseIt) {
  for (const std::string& path : api_paths) {
    SCOPED_TRACE(path);
    const auto reply = fetch(endpoint(), path, "OPTIONS",
                             "Origin: http://example.org\r\nAccess-Control-Request-Method: PUT\r\n"
                             "Access-Control-Request-Headers: content-type\r\n");
    ASSERT_TRUE(reply);
    EXPECT_GE(reply->status, 200);
    EXPECT_LT(reply->status, 300);
    EXPECT_EQ(reply->field("access-control-allow-origin"), "*") << reply->head;
    const std::string method = path == "/v1/veto" ? "PUT" : "GET";
    EXPECT_NE(reply->field("access-control-allow-methods").find(method), std::string::npos)
        << reply->head;
    EXPECT_NE(reply->field("access-control-allow-headers"), "") << reply->head;
  }
}

TEST_F(Api, AnswersPipelinedRequestsInOrderVotesToo) {
  ListenerCrowd crowd;
  add_listener(crowd, 8);
  const std::string host = " HTTP/1.1\r\nHost: x\r\n";
  HttpClient client(endpoint());
  std::string requests;
  constexpr int rounds = 4;  // an id without a stream takes a quarter of a second
  for (int i = 0; i < rounds; ++i) {
    requests += "PUT /v1/veto?listener_id=8" + host + "Content-Length: 3\r\n\r\nabc";
    requests += "GET /v1/metadata" + host + "\r\n";
    requests += "PUT /v1/veto?listener_id=1000" + host + "\r\n";
    requests += "HEAD /v1/metadata" + host + "\r\n";
    requests += "PUT /v1/veto" + host + "\r\n";
    requests += "GET /v1/nothing" + host + "\r\n";
  }
  requests += "PUT /v1/veto?listener_id=8" + host + "Connection: close\r\n\r\n";
  ASSERT_TRUE(client.send(requests));
  for (int i = 0; i < rounds; ++i) {
    const auto vote = client.read_reply();
    ASSERT_TRUE(vote);
    EXPECT_EQ(vote->body, "{}");
    const auto metadata = client.read_reply();
    ASSERT_TRUE(metadata);
    EXPECT_TRUE(parse_metadata(metadata->body)) << metadata->body;
    expect_json_error(client.read_reply(), 404);
    const auto head = client.read_reply(true);
    ASSERT_TRUE(head);
    EXPECT_EQ(head->status, 200);
    expect_json_error(client.read_reply(), 400);
    expect_json_error(client.read_reply(), 404);
  }
  const auto last = client.read_reply();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->body, "{}");
  EXPECT_EQ(last->field("connection"), "close");
  EXPECT_TRUE(client.read_to_end());
}

TEST_F(Api, KeepsConnectionsOpenUnlessTheClientWantsThemClosed) {
  HttpClient keeps(endpoint());
  for (int i = 0; i < 5; ++i) {
    keeps.request(i % 2 == 0 ? "/v1/metadata" : "/v1/veto?listener_id=1",
                  i % 2 == 0 ? "GET" : "PUT");
    ASSERT_TRUE(keeps.read_reply()) << "request " << i << " of one connection";
  }
  for (const std::string method : {"GET", "PUT"}) {
    HttpClient closes(endpoint());
    closes.request(method == "GET" ? "/v1/metadata" : "/v1/veto?listener_id=1", method,
                   "Connection: close\r\n");
    const auto reply = closes.read_reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->field("connection"), "close");
    EXPECT_TRUE(closes.read_to_end());
  }
}

TEST_F(Api, AnswersClientsOfHttp10AndClosesUnlessTheyAskForMore) {
  for (const std::string request : {"GET /v1/metadata", "PUT /v1/veto?listener_id=1"}) {
    SCOPED_TRACE(request);
    HttpClient client(endpoint());
    ASSERT_TRUE(client.send(request + " HTTP/1.0\r\n\r\n"));
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, request.starts_with("GET") ? 200 : 404);
    expect_api_fields(*reply);
    EXPECT_TRUE(client.read_to_end());
  }
  HttpClient client(endpoint());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(
        client.send("PUT /v1/veto?listener_id=1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply) << "request " << i;
    EXPECT_EQ(reply->field("connection"), "keep-alive");
  }
}

TEST_F(Api, AnswersAVoterThatHalfCloses) {
  HttpClient client(endpoint());
  client.request("/v1/veto?listener_id=1", "PUT");
  client.finish_sending();
  expect_json_error(client.read_reply(), 404);
  EXPECT_TRUE(client.read_to_end());
}

TEST_F(Api, ForgetsVotersThatGoBeforeTheirAnswer) {
  for (int i = 0; i < scaled_down(300); ++i) {
    HttpClient client(endpoint());
    client.request("/v1/veto?listener_id=" + std::to_string(i), "PUT");
  }
  expect_json_error(fetch(endpoint(), "/v1/veto?listener_id=1", "PUT"), 404);
}

TEST(SecurityPolicy, IsSentWithThePageAndCanBeChangedOrTurnedOff) {
  const auto policy_of = [](const std::vector<std::string>& arguments) {
    const Server server({.arguments = arguments});
    const auto page = fetch(server.ipv4(), "/");
    EXPECT_TRUE(page && page->status == 200);
    return page ? page->field("content-security-policy") : "no page";
  };
  const std::string strict = policy_of({});
  EXPECT_NE(strict.find("default-src"), std::string::npos) << strict;
  EXPECT_EQ(strict.find("unsafe"), std::string::npos) << strict;
  EXPECT_EQ(policy_of({"--content_security_policy", "strict"}), strict);
  EXPECT_EQ(policy_of({"--content_security_policy", "none"}), "");
  EXPECT_EQ(policy_of({"--content_security_policy", "default-src 'self' https:"}),
            "default-src 'self' https:");
  EXPECT_NE(run_eradiod({"--content_security_policy", "yes", "--check_config"}).wait_status, 0);
}

}  // namespace
}  // namespace eradio::testing
