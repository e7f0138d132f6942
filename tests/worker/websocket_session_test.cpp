// RFC 6455 as tables, in the groups of the Autobahn suite: framing, pings and pongs, reserved bits,
// opcodes, fragmentation, UTF-8, close codes, limits. Every row is fed whole, in pieces of a few
// sizes, and byte by byte: how the bytes are cut must make no difference.
#include "worker/websocket_session.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/worker/websocket_frames.h"

namespace eradio::test {
namespace {

constexpr std::uint64_t message_bytes_max = std::uint64_t{100} * 1024;

// What a session reports, as text: "message 5", "ping abc", "pong", "close 1000", "violation 1002".
class Report final : public WebSocketEvents {
 public:
  void on_message(std::uint64_t bytes) override { add("message " + std::to_string(bytes)); }
  void on_ping(std::string_view payload) override { add("ping " + std::string(payload)); }
  void on_pong() override { add("pong"); }
  void on_close(std::uint16_t code) override { add("close " + std::to_string(code)); }
  void on_violation(CloseCode code, const char* reason) override {
    EXPECT_STRNE(reason, "");
    add("violation " + std::to_string(static_cast<int>(code)));
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void add(const std::string& line) { text_ += (text_.empty() ? "" : ", ") + line; }
  std::string text_;
};

struct Case {
  const char* what;
  std::string bytes;
  std::string report;
};

std::string run(const std::string& bytes, std::size_t piece) {
  Report report;
  WebSocketSession session(report, message_bytes_max);
  const auto all = std::as_bytes(std::span(bytes));
  for (std::size_t at = 0; at < all.size(); at += piece) {
    session.receive(all.subspan(at, std::min(piece, all.size() - at)));
  }
  return report.text();
}

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    for (const std::size_t piece : {c.bytes.size(), std::size_t{1}, std::size_t{3}, std::size_t{7},
                                    std::size_t{1300}, std::size_t{4096}}) {
      EXPECT_EQ(run(c.bytes, std::max<std::size_t>(piece, 1)), c.report)
          << c.what << ", in pieces of " << piece;
    }
  }
}

std::string ping(const std::string& payload) {
  return client_frame({.opcode = 9, .payload = payload});
}
std::string close(const std::string& payload) {
  return client_frame({.opcode = 8, .payload = payload});
}

// Autobahn 1, and the length encodings of RFC 6455, 5.2.
TEST(WebSocketSession, KnowsWhetherItIsBetweenTwoMessages) {
  std::string bytes;
  std::vector<std::size_t> boundaries{0};
  const auto add = [&](const std::string& frame, bool ends = true) {
    bytes += frame;
    if (ends) {
      boundaries.push_back(bytes.size());
    }
  };
  for (const std::size_t length : {0U, 1U, 125U, 126U, 127U, 65535U, 65536U}) {
    add(text_frame(std::string(length, 'x')));
  }
  add(client_frame({.opcode = 9, .payload = "ping"}));
  add(client_frame({.opcode = 1, .payload = "a message", .fin = false}), false);
  add(client_frame({.opcode = 10}), false);
  add(client_frame({.opcode = 0, .payload = "", .fin = false}), false);
  add(client_frame({.opcode = 0, .payload = " in parts"}));
  Report report;
  WebSocketSession session(report, message_bytes_max);
  const auto all = std::as_bytes(std::span(bytes));
  std::vector<std::size_t> found;
  for (std::size_t at = 0; at <= all.size(); ++at) {
    if (session.at_boundary()) {
      found.push_back(at);
    }
    session.receive(all.subspan(at, at < all.size() ? 1 : 0));
  }
  EXPECT_EQ(found, boundaries);
}

TEST(WebSocketFraming, TakesEveryLengthClass) {
  std::vector<Case> cases;
  for (const std::size_t bytes : {0U, 1U, 124U, 125U, 126U, 127U, 128U, 65535U, 65536U, 102400U}) {
    const std::string report = "message " + std::to_string(bytes);
    cases.push_back({"text", text_frame(std::string(bytes, 'x')), report});
    cases.push_back(
        {"binary", client_frame({.opcode = 2, .payload = std::string(bytes, '\xfe')}), report});
  }
  check(cases);
}

TEST(WebSocketFraming, RefusesLengthsThatAreNotAsShortAsTheyCanBe) {
  const auto announced = [](int length_bytes, std::uint64_t bytes) {
    return client_frame({.payload = std::string(std::min<std::uint64_t>(bytes, 70000), 'x'),
                         .length_bytes = length_bytes,
                         .announced_bytes = bytes,
                         .announce = true});
  };
  check({{"125 in two bytes", announced(2, 125), "violation 1002"},
         {"125 in eight bytes", announced(8, 125), "violation 1002"},
         {"65535 in eight bytes", announced(8, 65535), "violation 1002"},
         {"the highest bit", announced(8, std::uint64_t{1} << 63U), "violation 1002"},
         {"126 in two bytes", announced(2, 126), "message 126"},
         {"65536 in eight bytes", announced(8, 65536), "message 65536"}});
}

TEST(WebSocketFraming, RefusesFramesThatAreNotMasked) {
  std::vector<Case> cases;
  for (const unsigned opcode : {1U, 2U, 8U, 9U, 10U}) {
    cases.push_back({"opcode", client_frame({.opcode = opcode, .payload = "", .masked = false}),
                     "violation 1002"});
    cases.push_back({"opcode with payload",
                     client_frame({.opcode = opcode, .payload = "abc", .masked = false}),
                     "violation 1002"});
  }
  check(cases);
}

// Autobahn 2.
TEST(WebSocketPing, IsReportedWithItsPayload) {
  std::string ten;
  std::string ten_reports;
  for (int i = 0; i < 10; ++i) {
    ten += ping("payload " + std::to_string(i));
    ten_reports += std::string(i == 0 ? "" : ", ") + "ping payload " + std::to_string(i);
  }
  check({{"empty", ping(""), "ping "},
         {"text", ping("Hello, world!"), "ping Hello, world!"},
         {"binary", ping(std::string("\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 8)),
          "ping " + std::string("\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 8)},
         {"125 bytes", ping(std::string(125, '\xfe')), "ping " + std::string(125, '\xfe')},
         {"126 bytes", ping(std::string(126, '\xfe')), "violation 1002"},
         {"an unsolicited pong", client_frame({.opcode = 10, .payload = "x"}), "pong"},
         {"a pong, and a ping", client_frame({.opcode = 10}) + ping("b"), "pong, ping b"},
         {"ten", ten, ten_reports}});
}

// Autobahn 3.
TEST(WebSocketReservedBits, AreRefusedInEveryFrame) {
  std::vector<Case> cases;
  for (unsigned rsv = 1; rsv <= 7; ++rsv) {
    for (const unsigned opcode : {1U, 2U, 8U, 9U, 10U}) {
      cases.push_back({"alone", client_frame({.opcode = opcode, .payload = "x", .rsv = rsv}),
                       "violation 1002"});
    }
    cases.push_back({"after a good one",
                     text_frame("abc") + client_frame({.payload = "d", .rsv = rsv}),
                     "message 3, violation 1002"});
  }
  check(cases);
}

// Autobahn 4.
TEST(WebSocketOpcodes, ThatAreReservedAreRefused) {
  std::vector<Case> cases;
  for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
    cases.push_back({"empty", client_frame({.opcode = opcode}), "violation 1002"});
    cases.push_back(
        {"with payload", client_frame({.opcode = opcode, .payload = "abc"}), "violation 1002"});
    cases.push_back({"after a good one, before a ping",
                     text_frame("a") + client_frame({.opcode = opcode}) + ping("b"),
                     "message 1, violation 1002"});
  }
  check(cases);
}

// Autobahn 5.
TEST(WebSocketFragments, MakeOneMessageWithControlFramesBetweenThem) {
  const std::string begin = client_frame({.opcode = 1, .payload = "one", .fin = false});
  const std::string middle = client_frame({.opcode = 0, .payload = "two", .fin = false});
  const std::string end = client_frame({.opcode = 0, .payload = "three"});
  std::string many = client_frame({.opcode = 2, .payload = "", .fin = false});
  for (int i = 0; i < 1000; ++i) {
    many += client_frame({.opcode = 0, .payload = "x", .fin = false});
  }
  check({{"two", begin + end, "message 8"},
         {"three", begin + middle + end, "message 11"},
         {"with pings between", begin + ping("a") + middle + ping("b") + end,
          "ping a, ping b, message 11"},
         {"with a pong between", begin + client_frame({.opcode = 10}) + end, "pong, message 8"},
         {"empty ones", client_frame({.opcode = 1, .fin = false}) + client_frame({.opcode = 0}),
          "message 0"},
         {"a thousand", many + end, "message 1005"},
         {"a close between", begin + close(close_payload(1000)) + end, "close 1000"},
         {"two messages", begin + end + begin + end, "message 8, message 8"}});
}

TEST(WebSocketFragments, OutOfOrderAreRefused) {
  const std::string begin = client_frame({.opcode = 1, .payload = "one", .fin = false});
  check({{"nothing to continue", client_frame({.opcode = 0, .payload = "x"}), "violation 1002"},
         {"nothing to continue, not the last",
          client_frame({.opcode = 0, .payload = "x", .fin = false}), "violation 1002"},
         {"continued after its end",
          begin + client_frame({.opcode = 0}) + client_frame({.opcode = 0, .payload = "x"}),
          "message 3, violation 1002"},
         {"a message within a message", begin + text_frame("x"), "violation 1002"},
         {"a binary one within a text", begin + client_frame({.opcode = 2, .payload = "x"}),
          "violation 1002"},
         {"a ping in fragments", client_frame({.opcode = 9, .payload = "x", .fin = false}),
          "violation 1002"},
         {"a close in fragments", client_frame({.opcode = 8, .payload = "xy", .fin = false}),
          "violation 1002"}});
}

// Autobahn 6: also cut into frames at every byte, and refused at the first byte that is wrong.
TEST(WebSocketText, IsUtf8HoweverItIsCut) {
  const std::string text =
      "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5 \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf "
      "\xef\xbf\xbf \xed\x9f\xbf \xee\x80\x80 \xc2\x80 \xdf\xbf";
  std::vector<Case> cases{{"whole", text_frame(text), "message " + std::to_string(text.size())}};
  std::string one_by_one;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    cases.push_back({"cut in two",
                     client_frame({.opcode = 1, .payload = text.substr(0, cut), .fin = false}) +
                         client_frame({.opcode = 0, .payload = text.substr(cut)}),
                     "message " + std::to_string(text.size())});
    if (cut < text.size()) {
      one_by_one += client_frame({.opcode = cut == 0 ? 1U : 0U,
                                  .payload = text.substr(cut, 1),
                                  .fin = cut + 1 == text.size()});
    }
  }
  cases.push_back({"byte by byte", one_by_one, "message " + std::to_string(text.size())});
  check(cases);
}

TEST(WebSocketText, ThatIsNotUtf8IsRefused) {
  std::vector<Case> cases;
  for (const char* bad : {"\x80",
                          "\xbf",
                          "\xc0\x80",
                          "\xc1\xbf",
                          "\xe0\x80\x80",
                          "\xe0\x9f\xbf",
                          "\xf0\x80\x80\x80",
                          "\xf0\x8f\xbf\xbf",
                          "\xed\xa0\x80",
                          "\xed\xbf\xbf",
                          "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80",
                          "\xf8\x88\x80\x80\x80",
                          "\xfc\x84\x80\x80\x80\x80",
                          "\xfe",
                          "\xff",
                          "\xc3",
                          "\xe2\x82",
                          "\xf0\x90\x80",
                          "\xc3(",
                          "\xe2(\xa1",
                          "\xe2\x82(",
                          "\xf0(\x8c\xbc",
                          "\xf0\x90(\xbc"}) {
    cases.push_back({bad, text_frame(std::string("ab") + bad), "violation 1007"});
    cases.push_back({bad,
                     client_frame({.opcode = 1, .payload = "ab", .fin = false}) +
                         client_frame({.opcode = 0, .payload = bad}),
                     "violation 1007"});
  }
  cases.push_back({"refused before the message ends",
                   client_frame({.opcode = 1, .payload = "\xce\xba\xf4\x90", .fin = false}),
                   "violation 1007"});
  cases.push_back({"in a binary message anything goes",
                   client_frame({.opcode = 2, .payload = "\xff\xc0\x80"}), "message 3"});
  check(cases);
}

// Autobahn 7.
TEST(WebSocketClose, WithEveryCodeThatMayBeSentIsAnswered) {
  std::vector<Case> cases{
      {"without a code", close(""), "close 0"},
      {"with a reason", close(close_payload(1000, "good bye \xc3\xa4")), "close 1000"},
      {"with the longest reason", close(close_payload(1000, std::string(123, 'x'))), "close 1000"}};
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                         3000, 3999, 4000, 4999}) {
    cases.push_back({"code", close(close_payload(static_cast<std::uint16_t>(code))),
                     "close " + std::to_string(code)});
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    cases.push_back(
        {"bad code", close(close_payload(static_cast<std::uint16_t>(code))), "violation 1002"});
  }
  check(cases);
}

TEST(WebSocketClose, ThatIsMalformedIsRefusedAndNothingAfterAnyIsRead) {
  check(
      {{"half a code", close("\x03"), "violation 1002"},
       {"too long", close(close_payload(1000, std::string(124, 'x'))), "violation 1002"},
       {"a reason that is not UTF-8",
        close(close_payload(1000, "\xce\xba\xe1\xbd\xb9\xed\xa0\x80")), "violation 1007"},
       {"a reason cut within a character", close(close_payload(1000, "\xe2\x82")),
        "violation 1007"},
       {"a ping after it", close(close_payload(1000)) + ping("x"), "close 1000"},
       {"a close after it", close(close_payload(1000)) + close(""), "close 1000"},
       {"garbage after it", close(close_payload(1000)) + std::string(100, '\xff'), "close 1000"}});
}

// Autobahn 9, and the contract's limit.
TEST(WebSocketLimits, HoldForAMessageHoweverManyFramesItHas) {
  const std::string half(51200, 'x');
  check({{"the longest", text_frame(half + half), "message 102400"},
         {"one byte more", text_frame(half + half + "x"), "violation 1009"},
         {"announced only",
          client_frame({.payload = "x",
                        .length_bytes = 8,
                        .announced_bytes = std::uint64_t{1} << 40U,
                        .announce = true}),
          "violation 1009"},
         {"in two frames",
          client_frame({.opcode = 1, .payload = half, .fin = false}) +
              client_frame({.opcode = 0, .payload = half}),
          "message 102400"},
         {"one byte more in the last of three",
          client_frame({.opcode = 1, .payload = half, .fin = false}) +
              client_frame({.opcode = 0, .payload = half, .fin = false}) +
              client_frame({.opcode = 0, .payload = "x"}),
          "violation 1009"},
         {"each for itself", text_frame(half + half) + text_frame(half + half),
          "message 102400, message 102400"}});
}

// No frame is understood as something else, or reads where it must not, whatever comes.
TEST(WebSocketSession, TakesGarbageOfEveryKind) {
  std::uint32_t random = 12345;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    for (int i = 0; i < 40; ++i) {
      random = random * 1664525U + 1013904223U;
      bytes += static_cast<char>(random >> 24U);
    }
    Report report;
    WebSocketSession session(report, message_bytes_max);
    session.receive(std::as_bytes(std::span(bytes)));
    if (!session.reading()) {
      EXPECT_NE(report.text(), "");
    }
  }
}

TEST(WebSocketFrames, OfTheServerAreNotMasked) {
  EXPECT_EQ(encode_websocket_frame(WebSocketOpcode::text, "abc"), std::string("\x81\x03"
                                                                              "abc"));
  EXPECT_EQ(encode_websocket_frame(WebSocketOpcode::text, ""), std::string("\x81\x00", 2));
  const std::string longer = encode_websocket_frame(WebSocketOpcode::text, std::string(300, 'x'));
  EXPECT_EQ(longer.substr(0, 4), std::string("\x81\x7e\x01\x2c"));
  EXPECT_EQ(longer.size(), 304U);
  EXPECT_EQ(encode_websocket_frame(WebSocketOpcode::binary, std::string(70000, 'x')).size(),
            70010U);
  EXPECT_EQ(encode_close_frame(1001, "why"), std::string("\x88\x05\x03\xe9"
                                                         "why"));
  EXPECT_EQ(encode_close_frame(0, "why"), std::string("\x88\x00", 2));
  EXPECT_EQ(encode_close_frame(1000, std::string(200, 'x')).size(), 127U);
}

}  // namespace
}  // namespace eradio::test
