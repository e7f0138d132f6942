// The protocol of the WebSocket over real connections: the handshake, and a selection of the rows
// that tests/worker/websocket_session_test.cpp has in full. What is known only here: that answers
// leave in order and whole, and that a connection ends as it should.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/http_client.h"
#include "tests/support/patience.h"
#include "tests/support/server.h"
#include "tests/support/websocket_client.h"
#include "tests/worker/websocket_frames.h"

namespace eradio::testing {
namespace {

using test::client_frame;
using test::close_payload;
using test::text_frame;

const std::string key_field = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const std::string version_field = "Sec-WebSocket-Version: 13\r\n";
const std::string upgrade_fields = "Upgrade: websocket\r\nConnection: Upgrade\r\n";

std::string ping(const std::string& payload) {
  return client_frame({.opcode = 9, .payload = payload});
}
std::string close(const std::string& payload) {
  return client_frame({.opcode = 8, .payload = payload});
}
std::string close_with(int code) { return close(close_payload(static_cast<std::uint16_t>(code))); }

// One server for all of them: nothing that a client sends may do it any harm.
class WebSocket : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new Server({.arguments = {"--workers", "2"}}); }
  static void TearDownTestSuite() {
    expect_clean_stop(server_->stop());
    EXPECT_EQ(server_->log().count("[error]"), 0U);
    delete server_;
  }
  void SetUp() override { workers_ = server_->workers(); }
  void TearDown() override {
    EXPECT_EQ(server_->workers(), workers_) << "a worker has died";
    if (HasFailure()) {
      std::printf("--- the server's log ---\n%s", server_->log().text().c_str());
    }
  }
  static Endpoint endpoint() { return server_->ipv4(); }

  // What the server answers to these bytes, as text: "echo, pong abc, close 1002, end". A ping is
  // sent behind them; "open" at the end says that it was answered.
  static std::string answers(const std::string& bytes, std::size_t piece) {
    WebSocketClient client(endpoint());
    const std::string all = bytes + ping("are you there");
    for (std::size_t at = 0; at < all.size(); at += piece) {
      client.send(std::string_view(all).substr(at, piece));
    }
    std::string report;
    const auto add = [&](const std::string& what) {
      report += (report.empty() ? "" : ", ") + what;
    };
    while (const auto frame = client.read_answer()) {
      EXPECT_TRUE(frame->fin);
      if (frame->is_pong() && frame->payload == "are you there") {
        add("open");
        return report;
      }
      if (frame->close_code() != 0) {
        add("close " + std::to_string(frame->close_code()));
        add(client.read_to_end() ? "end" : "no end");
        return report;
      }
      add(frame->is_pong() ? "pong " + frame->payload : "echo");
    }
    add(client.ended() ? "cut off" : "silence");
    return report;
  }

  struct Case {
    const char* what;
    std::string bytes;
    std::string answers;
  };
  static void check(const std::vector<Case>& cases, const std::vector<std::size_t>& pieces = {}) {
    for (const Case& c : cases) {
      EXPECT_EQ(answers(c.bytes, c.bytes.size() + 1000), c.answers) << c.what;
      for (const std::size_t piece : pieces) {
        EXPECT_EQ(answers(c.bytes, piece), c.answers) << c.what << ", in pieces of " << piece;
      }
    }
  }

 private:
  static inline Server* server_ = nullptr;
  std::vector<pid_t> workers_;
};

TEST_F(WebSocket, IsRefusedToRequestsThatAreNoProperHandshake) {
  struct Refusal {
    const char* what;
    std::string fields;
    int status;
  };
  for (const Refusal& refusal : std::vector<Refusal>{
           {"no upgrade", "", 426},
           {"another protocol", "Upgrade: h2c\r\nConnection: Upgrade\r\n", 426},
           {"no version", upgrade_fields + key_field, 426},
           {"an old version", upgrade_fields + key_field + "Sec-WebSocket-Version: 8\r\n", 426},
           {"Connection without upgrade",
            "Upgrade: websocket\r\nConnection: keep-alive\r\n" + key_field + version_field, 400},
           {"no Connection", "Upgrade: websocket\r\n" + key_field + version_field, 400},
           {"no key", upgrade_fields + version_field, 400},
           {"a key that is no base64",
            upgrade_fields + version_field + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!!==\r\n",
            400},
           {"a short key", upgrade_fields + version_field + "Sec-WebSocket-Key: c2hvcnQ=\r\n", 400},
           {"two keys", upgrade_fields + version_field + key_field + key_field, 400}}) {
    SCOPED_TRACE(refusal.what);
    HttpClient client(endpoint());
    client.request("/v1/ws/notify", "GET", refusal.fields);
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, refusal.status);
    EXPECT_EQ(reply->field("content-type"), "application/json");
    if (refusal.status == 426) {
      EXPECT_EQ(reply->field("sec-websocket-version"), "13");
      EXPECT_EQ(reply->field("upgrade"), "websocket");
    }
    // It is an answer like any other: the connection goes on.
    client.request("/v1/metadata");
    const auto next = client.read_reply();
    ASSERT_TRUE(next);
    EXPECT_EQ(next->status, 200);
  }
}

TEST_F(WebSocket, IsRefusedToHttp10) {
  HttpClient client(endpoint());
  client.send("GET /v1/ws/notify HTTP/1.0\r\n" + upgrade_fields + key_field + version_field +
              "\r\n");
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 400);
}

TEST_F(WebSocket, IsAgreedToWithTheKeysAnswerHoweverTheFieldsAreWritten) {
  HttpClient client(endpoint());
  client.send(
      "GET /v1/ws/notify?more=x HTTP/1.1\r\nhost: x\r\nUPGRADE: WebSocket\r\n"
      "connection: keep-alive, UPGRADE\r\n"
      "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version:13\r\n"
      "Sec-WebSocket-Protocol: chat\r\n"
      "Sec-WebSocket-Extensions: permessage-deflate\r\nOrigin: http://example.org\r\n\r\n");
  const auto reply = client.read_reply(true);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 101);
  EXPECT_EQ(reply->field("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(reply->field("upgrade"), "websocket");
  EXPECT_EQ(reply->field("connection"), "Upgrade");
  EXPECT_EQ(reply->field("sec-websocket-protocol"), "") << "none was agreed on";
  EXPECT_EQ(reply->field("sec-websocket-extensions"), "") << "none was agreed on";
  EXPECT_EQ(reply->field("content-length"), "");
}

TEST_F(WebSocket, TakesAHandshakeByteByByteAndFramesThatComeWithIt) {
  HttpClient slow(endpoint());
  for (const char byte : websocket_handshake()) {
    ASSERT_TRUE(slow.send(std::string(1, byte)));
  }
  const auto reply = slow.read_reply(true);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 101);

  WebSocketClient eager(endpoint(), {},
                        ping("early") + text_frame("") + ping("later").substr(0, 3));
  const auto pong = eager.read_answer();
  ASSERT_TRUE(pong && pong->is_pong());
  EXPECT_EQ(pong->payload, "early");
  const auto echo = eager.read_answer();
  ASSERT_TRUE(echo && echo->is_text());
  EXPECT_EQ(echo->payload, "");
  eager.send(ping("later").substr(3));
  const auto second = eager.read_answer();
  ASSERT_TRUE(second && second->is_pong());
  EXPECT_EQ(second->payload, "later");
}

TEST_F(WebSocket, ComesBehindOtherRequestsOfItsConnection) {
  HttpClient client(endpoint());
  client.send("GET /v1/metadata HTTP/1.1\r\nHost: x\r\n\r\n" + websocket_handshake() + ping("x"));
  const auto metadata = client.read_reply();
  ASSERT_TRUE(metadata);
  EXPECT_EQ(metadata->status, 200);
  const auto reply = client.read_reply(true);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 101);
  // Notifications may come before and behind the answer.
  WebSocketClient upgraded(std::move(client));
  const auto pong = upgraded.read_answer();
  ASSERT_TRUE(pong && pong->is_pong());
  EXPECT_EQ(pong->payload, "x");
}

TEST_F(WebSocket, AnswersEmptyMessagesWithEmptyOnesAndTakesOthersInSilence) {
  check({{"an empty text", text_frame(""), "echo, open"},
         {"an empty binary", client_frame({.opcode = 2}), "echo, open"},
         {"an empty message of two frames",
          client_frame({.opcode = 1, .fin = false}) + client_frame({.opcode = 0}), "echo, open"},
         {"a text", text_frame("hello"), "open"},
         {"126 bytes", text_frame(std::string(126, 'x')), "open"},
         {"65,536 bytes", text_frame(std::string(65536, 'x')), "open"},
         {"a binary", client_frame({.opcode = 2, .payload = "\xff\xfe"}), "open"}},
        {1000, 7});
}

TEST_F(WebSocket, AnswersPingsWithTheirPayload) {
  check({{"empty", ping(""), "pong , open"},
         {"text", ping("hello"), "pong hello, open"},
         {"the longest", ping(std::string(125, 'p')), "pong " + std::string(125, 'p') + ", open"},
         {"too long", ping(std::string(126, 'p')), "close 1002, end"},
         {"in fragments", client_frame({.opcode = 9, .payload = "x", .fin = false}),
          "close 1002, end"},
         {"a pong that nobody asked for", client_frame({.opcode = 10, .payload = "x"}), "open"}},
        {1, 3});
}

TEST_F(WebSocket, IsClosedWith1002ForFramesThatBreakTheRules) {
  std::vector<Case> cases{
      {"not masked", client_frame({.payload = "abc", .masked = false}), "close 1002, end"},
      {"a ping that is not masked", client_frame({.opcode = 9, .masked = false}),
       "close 1002, end"},
      {"a length that could be shorter",
       client_frame({.payload = "x", .length_bytes = 2, .announced_bytes = 1, .announce = true}),
       "close 1002, end"},
      {"nothing to continue", client_frame({.opcode = 0, .payload = "x"}), "close 1002, end"},
      {"a message within a message",
       client_frame({.opcode = 1, .payload = "x", .fin = false}) + text_frame("y"),
       "close 1002, end"}};
  for (unsigned bits = 1; bits <= 7; ++bits) {
    cases.push_back(
        {"reserved bits", client_frame({.payload = "x", .rsv = bits}), "close 1002, end"});
  }
  for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
    cases.push_back(
        {"a reserved opcode", client_frame({.opcode = opcode, .payload = "x"}), "close 1002, end"});
  }
  check(cases, {1});
}

TEST_F(WebSocket, PutsFragmentsTogetherAndAnswersPingsBetweenThem) {
  const std::string begin = client_frame({.opcode = 1, .fin = false});
  const std::string middle = client_frame({.opcode = 0, .fin = false});
  const std::string end = client_frame({.opcode = 0});
  check({{"pings between", begin + ping("a") + middle + ping("b") + end,
          "pong a, pong b, echo, open"},
         {"a close between", begin + close(close_payload(1000)) + end, "close 1000, end"},
         {"two messages", begin + end + begin + middle + end, "echo, echo, open"}},
        {1, 5});
}

TEST_F(WebSocket, TakesUtf8HoweverItIsCutAndNothingElse) {
  const std::string text = "\xce\xba\xe1\xbd\xb9 \xf0\x90\x80\x80 \xed\x9f\xbf \xf4\x8f\xbf\xbf";
  std::vector<Case> cases;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    cases.push_back({"cut in two frames",
                     client_frame({.opcode = 1, .payload = text.substr(0, cut), .fin = false}) +
                         client_frame({.opcode = 0, .payload = text.substr(cut)}),
                     "open"});
  }
  for (const char* bad : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xff", "\xc3", "\xe2\x82", "\xf0\x90\x80", "\xc3("}) {
    cases.push_back({bad, text_frame(std::string("ok") + bad), "close 1007, end"});
  }
  cases.push_back({"wrong before its end",
                   client_frame({.opcode = 1, .payload = "\xf4\x90", .fin = false}),
                   "close 1007, end"});
  check(cases, {1, 9});
}

TEST_F(WebSocket, AnswersACloseWithItsCodeAndSendsNoMore) {
  std::vector<Case> cases{
      {"without a code", close(""), "close 1005, end"},
      {"with a reason", close(close_payload(1000, "good bye")), "close 1000, end"},
      {"with a ping before", ping("a") + close(close_payload(1001)), "pong a, close 1001, end"},
      {"half a code", close("\x03"), "close 1002, end"},
      {"a reason that is not UTF-8", close(close_payload(1000, "\xed\xa0\x80")),
       "close 1007, end"}};
  for (const int code : {1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999}) {
    cases.push_back({"a code", close_with(code), "close " + std::to_string(code) + ", end"});
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535}) {
    cases.push_back({"a code that is never sent", close_with(code), "close 1002, end"});
  }
  check(cases, {1});
}

TEST_F(WebSocket, IsClosedWith1009ForMessagesOver100KiB) {
  const std::string half(std::size_t{50} * 1024, 'x');
  check({{"the longest", text_frame(half + half), "open"},
         {"one byte more", text_frame(half + half + "x"), "close 1009, end"},
         {"one byte more in three frames",
          client_frame({.opcode = 1, .payload = half, .fin = false}) +
              client_frame({.opcode = 0, .payload = half, .fin = false}) +
              client_frame({.opcode = 0, .payload = "x"}),
          "close 1009, end"},
         {"announced only",
          client_frame(
              {.length_bytes = 8, .announced_bytes = std::uint64_t{1} << 40U, .announce = true}),
          "close 1009, end"}},
        {1000});
}

TEST_F(WebSocket, ThatItHasClosedEndsEvenIfTheClientGoesOnSending) {
  WebSocketClient client(endpoint());
  client.send(client_frame({.payload = "x", .masked = false}));
  const std::string more(4096, 'x');
  for (int i = 0; i < 10'000 && client.send(more); ++i) {
  }
  EXPECT_TRUE(client.read_to_end());
}

TEST_F(WebSocket, TakesGarbageOfEveryKind) {
  std::uint32_t random = 4711;
  for (int round = 0; round < scaled_down(200); ++round) {
    WebSocketClient client(endpoint());
    std::string bytes;
    for (int i = 0; i < 3000; ++i) {
      random = random * 1664525U + 1013904223U;
      bytes += static_cast<char>(random >> 24U);
    }
    client.send(bytes);
    if (round % 2 == 0) {
      continue;  // and it is gone
    }
    // Random bits hold for a frame now and then, which then does not end.
    while (const auto frame = client.read_answer(std::chrono::milliseconds(20))) {
      EXPECT_TRUE(frame->close_code() == 0 || frame->close_code() == 1002 ||
                  frame->close_code() == 1007 || frame->close_code() == 1009)
          << frame->close_code();
    }
  }
}

}  // namespace
}  // namespace eradio::testing
