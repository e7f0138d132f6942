#include "common/http/request_reader.h"

#include <chrono>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace eradio {
namespace {

using namespace std::string_literals;

// What a reader makes of some bytes: the requests it took, and the error it ended with.
struct Outcome {
  struct Taken {
    std::string method;
    std::string target;
    std::vector<HttpFields::Field> fields;
    std::string body;
    std::size_t bytes;
    bool keep_alive;
    bool operator==(const Taken&) const = default;
  };
  std::vector<Taken> requests;
  std::optional<RequestError> error;
  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& to, const Outcome& outcome) {
  for (const auto& request : outcome.requests) {
    to << request.method << ' ' << request.target << " body '" << request.body << "' in "
       << request.bytes << " bytes; ";
  }
  return to << (outcome.error ? std::to_string(outcome.error->status) + outcome.error->text : "");
}

class Session {
 public:
  explicit Session(const RequestLimits& limits = {}) : reader_(limits) {}

  void feed(std::string_view bytes) {
    reader_.append(bytes);
    for (;;) {
      switch (reader_.read()) {
        case ReadProgress::incomplete:
          return;
        case ReadProgress::bad:
          outcome_.error = reader_.error();
          return;
        case ReadProgress::complete:
          take();
      }
    }
  }
  [[nodiscard]] const Outcome& outcome() const { return outcome_; }
  RequestReader& reader() { return reader_; }

 private:
  void take() {
    const auto request = reader_.take_request();
    const auto& fields = request.head.fields;
    outcome_.requests.push_back({request.head.method,
                                 request.head.target,
                                 {fields.begin(), fields.end()},
                                 request.body,
                                 request.bytes,
                                 request.head.keep_alive()});
  }

  RequestReader reader_;
  Outcome outcome_;
};

Outcome read_whole(std::string_view bytes, const RequestLimits& limits = {}) {
  Session session(limits);
  session.feed(bytes);
  return session.outcome();
}

Outcome read_bytewise(std::string_view bytes, const RequestLimits& limits = {}) {
  Session session(limits);
  for (const char c : bytes) {
    session.feed({&c, 1});
  }
  return session.outcome();
}

// Every way to cut it into two, and byte by byte.
void expect_cuts_make_no_difference(std::string_view bytes, const RequestLimits& limits = {}) {
  const Outcome whole = read_whole(bytes, limits);
  EXPECT_EQ(read_bytewise(bytes, limits), whole) << bytes;
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    Session session(limits);
    session.feed(bytes.substr(0, cut));
    session.feed(bytes.substr(cut));
    ASSERT_EQ(session.outcome(), whole) << "cut at " << cut << " of:\n" << bytes;
  }
}

const std::string host = "Host: radio.example\r\n";

TEST(RequestReader, GoodRequestsAreReadWhateverTheCuts) {
  struct Case {
    std::string bytes;
    std::string method;
    std::string target;
    std::string body;
  };
  const std::vector<Case> cases{
      {"GET / HTTP/1.1\r\n" + host + "\r\n", "GET", "/", ""},
      {"GET /a?b=c&d=%20 HTTP/1.1\r\n" + host + "\r\n", "GET", "/a?b=c&d=%20", ""},
      {"GET /a?b|{c}?d HTTP/1.1\r\n" + host + "\r\n", "GET", "/a?b|{c}?d", ""},
      {"GET / HTTP/1.0\r\n\r\n", "GET", "/", ""},
      {"get / HTTP/1.1\r\n" + host + "\r\n", "get", "/", ""},
      {"BREW /pot HTTP/1.1\r\n" + host + "\r\n", "BREW", "/pot", ""},
      {"OPTIONS * HTTP/1.1\r\n" + host + "\r\n", "OPTIONS", "*", ""},
      {"GET http://radio.example/x?y HTTP/1.1\r\n" + host + "\r\n", "GET", "/x?y", ""},
      {"GET HTTP://radio.example HTTP/1.1\r\n" + host + "\r\n", "GET", "/", ""},
      {"GET http://radio.example?x HTTP/1.1\r\n" + host + "\r\n", "GET", "/?x", ""},
      {"\r\n\r\nGET / HTTP/1.1\r\n" + host + "\r\n", "GET", "/", ""},
      {"GET / HTTP/1.1\r\nhOST:\t radio.example:8080 \t\r\nX-Empty:\r\nX: \xc3\xa4\tb\r\n\r\n",
       "GET", "/", ""},
      {"GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", "GET", "/", ""},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET", "/", ""},
      {"PUT /v HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\na\r\n\r\n", "PUT", "/v",
       "a\r\n\r\n"},
      {"PUT /v HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n", "PUT", "/v", ""},
      {"PUT /v HTTP/1.1\r\n" + host + "Content-Length: 003\r\n\r\n\0\1\2"s, "PUT", "/v", "\0\1\2"s},
  };
  for (const auto& expected : cases) {
    const Outcome outcome = read_whole(expected.bytes);
    ASSERT_EQ(outcome.error, std::nullopt) << outcome << expected.bytes;
    ASSERT_EQ(outcome.requests.size(), 1U) << expected.bytes;
    EXPECT_EQ(outcome.requests[0].method, expected.method);
    EXPECT_EQ(outcome.requests[0].target, expected.target);
    EXPECT_EQ(outcome.requests[0].body, expected.body);
    EXPECT_EQ(outcome.requests[0].bytes, expected.bytes.size());
    expect_cuts_make_no_difference(expected.bytes);
    // Cut off anywhere it is neither a request nor an error.
    for (std::size_t length = 0; length < expected.bytes.size(); ++length) {
      EXPECT_EQ(read_whole(expected.bytes.substr(0, length)), Outcome{}) << length;
    }
  }
}

TEST(RequestReader, BadRequestsAreRefusedWhateverTheCuts) {
  struct Case {
    std::string bytes;
    int status;
  };
  const std::string start = "GET / HTTP/1.1\r\n" + host;
  const std::vector<Case> cases{
      // The request line.
      {"GET /\r\n\r\n", 400},
      {"GET\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /  HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET / HTTP/1.1 \r\n" + host + "\r\n", 400},
      {"GET\t/\tHTTP/1.1\r\n" + host + "\r\n", 400},
      {" GET / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"G(T / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET / http/1.1\r\n" + host + "\r\n", 400},
      {"GET / HTTP/11\r\n" + host + "\r\n", 400},
      {"GET / HTTP/1.10\r\n" + host + "\r\n", 400},
      {"GET / HTTP/2.0\r\n" + host + "\r\n", 505},
      {"GET / HTTP/1.2\r\n" + host + "\r\n", 505},
      {"GET / HTTP/0.9\r\n" + host + "\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"\x16\x03\x01\x02", 400},  // TLS
      {"\r\n\r\n\r\n\r\n\r\n", 400},
      // The target.
      {"GET index.html HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET * HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /#a HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /% HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /%zz HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /?%4 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /\xc3\xa4 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /a b HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET http:/x HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET http:///x HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET ftp://x/ HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET http://user@radio.example/ HTTP/1.1\r\n" + host + "\r\n", 400},
      {"CONNECT radio.example:80 HTTP/1.1\r\n" + host + "\r\n", 501},
      // Line ends and control characters.
      {"GET / HTTP/1.1\n" + host + "\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\rX-Smuggled: y\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n"s, 400},
      {"GET / HTTP/1.1\r\nHost: x\x7f\r\n\r\n", 400},
      {"\nGET / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"\rGET / HTTP/1.1\r\n" + host + "\r\n", 400},
      // Fields.
      {start + "X: a\r\n b\r\n\r\n", 400},
      {start + "X: a\r\n\tb\r\n\r\n", 400},
      {start + " X: a\r\n\r\n", 400},
      {start + "X : a\r\n\r\n", 400},
      {start + "X\t: a\r\n\r\n", 400},
      {start + ": a\r\n\r\n", 400},
      {start + "X\r\n\r\n", 400},
      {start + "X(y): a\r\n\r\n", 400},
      {start + "X\xc3\xa4: a\r\n\r\n", 400},
      // Host.
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {start + host + "\r\n", 400},
      {"GET / HTTP/1.0\r\n" + host + host + "\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: user@x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400},
      {"GET http://radio.example/ HTTP/1.1\r\n\r\n", 400},
      // Framing: everything that request smuggling is made of.
      {start + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
      {start + "Content-Length: 1\r\ncontent-length: 2\r\n\r\nx", 400},
      {start + "Content-Length: 1, 1\r\n\r\nx", 400},
      {start + "Content-Length: +1\r\n\r\nx", 400},
      {start + "Content-Length: -1\r\n\r\nx", 400},
      {start + "Content-Length: 0x1\r\n\r\nx", 400},
      {start + "Content-Length: %31\r\n\r\nx", 400},
      {start + "Content-Length: 1 1\r\n\r\nx", 400},
      {start + "Content-Length:\r\n\r\nx", 400},
      {start + "Content-Length: 99999999999999999999999999\r\n\r\nx", 413},
      {start + "Content-Length: 18446744073709551616\r\n\r\nx", 413},
      {start + "Content-Length: 18446744073709551615\r\n\r\nx", 413},
      {start + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501},
      {start + "Transfer-Encoding: identity\r\n\r\n", 501},
      {start + "Transfer-Encoding:\r\n\r\n", 501},
      {start + "transfer-encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 501},
      {start + "Transfer-Encoding : chunked\r\n\r\n", 400},
      // Expectations.
      {start + "Expect: a miracle\r\n\r\n", 417},
      {start + "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n", 417},
  };
  for (const auto& expected : cases) {
    const Outcome outcome = read_whole(expected.bytes);
    ASSERT_TRUE(outcome.error) << outcome << expected.bytes;
    EXPECT_EQ(outcome.error->status, expected.status) << outcome << expected.bytes;
    EXPECT_TRUE(outcome.requests.empty()) << expected.bytes;
    expect_cuts_make_no_difference(expected.bytes);
  }
}

TEST(RequestReader, AGoodRequestBeforeABadOneIsStillTaken) {
  const std::string good = "GET /a HTTP/1.1\r\n" + host + "\r\n";
  const Outcome outcome = read_whole(good + "rubbish\r\n\r\n" + good);
  ASSERT_EQ(outcome.requests.size(), 1U);
  EXPECT_EQ(outcome.requests[0].target, "/a");
  EXPECT_EQ(outcome.error->status, 400);
  expect_cuts_make_no_difference(good + "rubbish\r\n\r\n" + good);
}

TEST(RequestReader, PipelinedRequestsStayInTheReader) {
  const std::string put = "PUT /a HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nGET";
  const std::string get = "GET /b HTTP/1.1\r\n" + host + "\r\n";
  const std::string bytes = put + get + "\r\n" + put + get;
  const Outcome outcome = read_whole(bytes);
  ASSERT_EQ(outcome.requests.size(), 4U);
  EXPECT_EQ(outcome.requests[0].body, "GET");
  EXPECT_EQ(outcome.requests[1].target, "/b");
  EXPECT_EQ(outcome.requests[2].bytes, put.size() + 2);
  EXPECT_EQ(outcome.requests[3].bytes, get.size());
  expect_cuts_make_no_difference(bytes);
}

TEST(RequestReader, LimitsHoldToTheByte) {
  const RequestLimits limits{
      .request_line_bytes_max = 40, .head_bytes_max = 100, .body_bytes_max = 5};
  const std::string version = " HTTP/1.1\r\n";
  const auto line_of = [&](std::size_t bytes) {  // without CRLF
    return "GET /" + std::string(bytes + 2 - 5 - version.size(), 'x') + version;
  };
  EXPECT_EQ(read_whole(line_of(40) + host + "\r\n", limits).requests.size(), 1U);
  EXPECT_EQ(read_whole(line_of(41) + host + "\r\n", limits).error->status, 414);
  expect_cuts_make_no_difference(line_of(41) + host + "\r\n", limits);

  const std::string start = "GET / HTTP/1.1\r\n" + host + "X: ";
  const auto head_of = [&](std::size_t bytes) {
    return start + std::string(bytes - start.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(read_whole(head_of(100), limits).requests.size(), 1U);
  EXPECT_EQ(read_whole(head_of(101), limits).error->status, 431);
  expect_cuts_make_no_difference(head_of(101), limits);

  const std::string put = "PUT / HTTP/1.1\r\n" + host + "Content-Length: ";
  EXPECT_EQ(read_whole(put + "5\r\n\r\n12345", limits).requests.size(), 1U);
  EXPECT_EQ(read_whole(put + "6\r\n\r\n", limits).error->status, 413) << "before the body comes";
}

TEST(RequestReader, AHeadThatNeverEndsIsRefusedAtTheLimitAndCostsNoMoreMemory) {
  Session session;
  session.feed("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 10'000 && !session.outcome().error; ++i) {
    session.feed("X: y\r\n");
  }
  ASSERT_TRUE(session.outcome().error);
  EXPECT_EQ(session.outcome().error->status, 431);
  session.feed(std::string(1'000'000, 'x'));
  EXPECT_EQ(session.reader().take_rest(), "");
}

TEST(RequestReader, KeepAliveFollowsVersionAndConnectionTokens) {
  struct Case {
    std::string version;
    std::string connection;
    bool keep_alive;
  };
  for (const auto& expected :
       std::vector<Case>{{"1.1", "", true},
                         {"1.1", "Connection: close\r\n", false},
                         {"1.1", "Connection: Foo,  CLOSE\r\n", false},
                         {"1.1", "Connection: closed\r\n", true},
                         {"1.1", "Connection: x\r\nConnection: close\r\n", false},
                         {"1.0", "", false},
                         {"1.0", "Connection: Keep-Alive\r\n", true},
                         {"1.0", "Connection: keep-alive, close\r\n", false}}) {
    const Outcome outcome =
        read_whole("GET / HTTP/" + expected.version + "\r\n" + host + expected.connection + "\r\n");
    ASSERT_EQ(outcome.requests.size(), 1U) << outcome;
    EXPECT_EQ(outcome.requests[0].keep_alive, expected.keep_alive) << expected.connection;
  }
}

TEST(RequestReader, TheTargetsHostStandsAboveTheField) {
  const Outcome outcome =
      read_whole("GET http://b.example:8/x HTTP/1.1\r\nHost: a.example\r\n\r\n");
  ASSERT_EQ(outcome.requests.size(), 1U);
  EXPECT_EQ(outcome.requests[0].fields, (std::vector<HttpFields::Field>{{"Host", "b.example:8"}}));
}

TEST(RequestReader, AClientThatWaitsForContinueIsNoticedOnce) {
  const std::string head =
      "PUT / HTTP/1.1\r\n" + host + "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
  RequestReader reader;
  reader.append(head);
  EXPECT_EQ(reader.read(), ReadProgress::incomplete);
  EXPECT_TRUE(reader.take_continue_wish());
  EXPECT_FALSE(reader.take_continue_wish());
  reader.append("ab");
  EXPECT_EQ(reader.read(), ReadProgress::complete);
  EXPECT_EQ(reader.take_request().body, "ab");

  RequestReader impatient;
  impatient.append(head + "a");
  EXPECT_EQ(impatient.read(), ReadProgress::incomplete);
  EXPECT_FALSE(impatient.take_continue_wish()) << "it did not wait";

  RequestReader old;
  old.append("PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(old.read(), ReadProgress::incomplete);
  EXPECT_FALSE(old.take_continue_wish());
}

TEST(RequestReader, ItSaysWhetherARequestHasBegun) {
  RequestReader reader;
  EXPECT_FALSE(reader.in_request());
  reader.append("\r\n");
  EXPECT_EQ(reader.read(), ReadProgress::incomplete);
  EXPECT_FALSE(reader.in_request());
  reader.append("G");
  EXPECT_EQ(reader.read(), ReadProgress::incomplete);
  EXPECT_TRUE(reader.in_request());
  reader.append("ET / HTTP/1.1\r\n" + host + "\r\n");
  EXPECT_EQ(reader.read(), ReadProgress::complete);
  std::ignore = reader.take_request();
  EXPECT_FALSE(reader.in_request());
}

TEST(RequestReader, WhatFollowsARequestCanBeTakenAway) {
  RequestReader reader;
  reader.append("GET / HTTP/1.1\r\n" + host + "\r\n\x81\x80 frames");
  EXPECT_EQ(reader.read(), ReadProgress::complete);
  std::ignore = reader.take_request();
  EXPECT_EQ(reader.take_rest(), "\x81\x80 frames");
  EXPECT_FALSE(reader.in_request());
}

TEST(RequestReader, ManySmallRequestsAtOnceTakeLinearTime) {
  const std::string one = "GET / HTTP/1.0\r\n\r\n";
  std::string many;
  constexpr std::size_t count = 200'000;
  for (std::size_t i = 0; i < count; ++i) {
    many += one;
  }
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(read_whole(many).requests.size(), count);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(RequestReader, RandomDamageNeverMakesTheCutsMatter) {
  std::mt19937 random(20240607);  // NOLINT: the same damage in every run
  const std::string good = "PUT /a?b=%20 HTTP/1.1\r\n" + host +
                           "Connection: close\r\nContent-Length: 4\r\n\r\nbody" +
                           "GET http://x/ HTTP/1.1\r\n" + host + "\r\n";
  const std::string spice = "\r\n\t :,%/\0\x7f\xff?#5HX"s;
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = good;
    for (unsigned change = 0; change <= random() % 3; ++change) {
      const std::size_t at = random() % damaged.size();
      const char c = spice[random() % spice.size()];
      switch (random() % 3) {
        case 0:
          damaged[at] = c;
          break;
        case 1:
          damaged.insert(at, 1, c);
          break;
        default:
          damaged.erase(at, 1);
      }
    }
    const Outcome whole = read_whole(damaged);
    ASSERT_EQ(read_bytewise(damaged), whole) << damaged;
    const std::size_t cut = random() % damaged.size();
    Session session;
    session.feed(std::string_view(damaged).substr(0, cut));
    session.feed(std::string_view(damaged).substr(cut));
    ASSERT_EQ(session.outcome(), whole) << damaged;
  }
}

}  // namespace
}  // namespace eradio
