#include "common/source_frame_parser.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/byte_order.h"

namespace eradio {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::size_t frame_bytes_max = 1000;

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Bytes frame(int type, std::string_view body) {
  Bytes bytes(source_length_bytes);
  write_big_endian(static_cast<std::uint32_t>(body.size() + 1), bytes);
  bytes.push_back(static_cast<std::byte>(type));
  const Bytes rest = bytes_of(body);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}

Bytes with_length(std::uint32_t length) {
  Bytes bytes(source_length_bytes);
  write_big_endian(length, bytes);
  return bytes;
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::string name(std::string_view text) {
  std::string prefixed{static_cast<char>(text.size() >> 8U), static_cast<char>(text.size())};
  return prefixed.append(text);
}

// Writes down in words what the parser reports.
class Recorder : public SourceFrameSink {
 public:
  void log(SourceLogLevel level, std::string_view text) override {
    add("log " + std::to_string(static_cast<int>(level)) + " " + std::string(text));
  }
  void data(FrameKind kind, std::span<const std::byte> frame) override {
    const char* what = kind == FrameKind::sync_point  ? "data "
                       : kind == FrameKind::dependent ? "dependent "
                                                      : "header ";
    add(what + std::string(reinterpret_cast<const char*>(frame.data()), frame.size()));
  }
  void started(const std::optional<TrackName>& track) override {
    add(track ? "started " + track->uri + " | " + track->name : "started");
  }
  void stopped() override { add("stopped"); }
  void broken(const BrokenSourceFrame& broken) override {
    add((broken.framing_lost ? "lost at " : "broken at ") + std::to_string(broken.offset));
    reasons.push_back(broken.reason);
    broken_bytes += broken.bytes;
  }
  std::vector<std::string> events;
  std::vector<std::string> reasons;
  std::uint64_t broken_bytes = 0;

 private:
  void add(std::string event) { events.push_back(std::move(event)); }
};

using Events = std::vector<std::string>;

Events parse(const Bytes& input) {
  Recorder recorder;
  SourceFrameParser parser(frame_bytes_max, recorder);
  parser.feed(input);
  parser.finish();
  return recorder.events;
}

TEST(SourceFrameParser, UnderstandsEveryTypeOfFrame) {
  EXPECT_EQ(parse(frame(1, "\1oh dear") + frame(2, "abc") + frame(3, "") +
                  frame(3, name("uri") + name("Name")) + frame(3, name("") + name("")) +
                  frame(4, "") + frame(5, "def") + frame(6, "ghi") + frame(6, "")),
            (Events{"log 1 oh dear", "data abc", "started", "started uri | Name", "started  | ",
                    "stopped", "dependent def", "header ghi", "header "}));
}

TEST(SourceFrameParser, TakesLevelsFromFourUpAsDebug) {
  EXPECT_EQ(parse(frame(1, "\4x") + frame(1, "\5x") + frame(1, "\xffx") + frame(1, "\2")),
            (Events{"log 4 x", "log 4 x", "log 4 x", "log 2 "}));
}

TEST(SourceFrameParser, SkipsBrokenBodiesAndGoesOn) {
  const Bytes good = frame(2, "!");
  for (const Bytes& bad :
       {frame(0, ""), frame(7, "later version"), frame(255, "x"), frame(1, ""),
        frame(1, std::string_view("\0x", 2)), frame(2, ""), frame(5, ""), frame(3, "\1"),
        frame(3, name("uri")), frame(3, name("uri") + "\1"),
        frame(3, name("uri") + name("name") + "x"), frame(3, std::string_view("\0\5abc", 5))}) {
    EXPECT_EQ(parse(good + bad + good), (Events{"data !", "broken at 6", "data !"}));
  }
}

TEST(SourceFrameParser, StopsEvenIfTheStopFrameHasABody) {
  EXPECT_EQ(parse(frame(4, "x")), (Events{"broken at 0", "stopped"}));
}

TEST(SourceFrameParser, LosesFramingOnABadLengthAndReportsNothingAfterIt) {
  const Bytes good = frame(2, "!");
  for (const std::uint32_t length : {0U, 1001U, 0x10000U, 0xffffffffU}) {
    EXPECT_EQ(parse(good + with_length(length) + good + good), (Events{"data !", "lost at 6"}));
  }
}

TEST(SourceFrameParser, NamesLengthAndLimitOfAFrameThatIsTooLong) {
  Recorder recorder;
  SourceFrameParser parser(frame_bytes_max, recorder);
  parser.feed(with_length(1001));
  ASSERT_EQ(recorder.reasons.size(), 1U);
  EXPECT_NE(recorder.reasons.front().find("1001"), std::string::npos);
  EXPECT_NE(recorder.reasons.front().find("1000"), std::string::npos);
  EXPECT_TRUE(parser.framing_lost());
  EXPECT_EQ(parser.broken_frames(), 1U);
}

TEST(SourceFrameParser, SaysHowMuchItThrowsAway) {
  const auto thrown_away = [](const Bytes& input) {
    Recorder recorder;
    SourceFrameParser parser(frame_bytes_max, recorder);
    parser.feed(input);
    parser.finish();
    return recorder.broken_bytes;
  };
  EXPECT_EQ(thrown_away(frame(2, "good") + frame(3, "")), 0U);
  EXPECT_EQ(thrown_away(frame(2, "good") + frame(99, "later") + frame(2, "")), 10U + 5U);
  EXPECT_EQ(thrown_away(frame(4, "xyz")), 3U);
  EXPECT_EQ(thrown_away(with_length(0) + frame(2, "unseen")), 4U);
  const Bytes cut = frame(2, "abcdef");
  EXPECT_EQ(thrown_away({cut.begin(), cut.end() - 2}), 9U);
}

TEST(SourceFrameParser, TakesAFrameOfTheGreatestLength) {
  const std::string body(frame_bytes_max - 1, 'x');
  EXPECT_EQ(parse(frame(2, body)), (Events{"data " + body}));
}

TEST(SourceFrameParser, ReportsAFrameThatTheEndCutOff) {
  const Bytes whole = frame(2, "abc");
  for (std::size_t length = 1; length < whole.size(); ++length) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(parse(frame(4, "") + cut), (Events{"stopped", "lost at 5"})) << length;
  }
}

TEST(SourceFrameParser, CutAtEveryTwoBytesItReportsTheSame) {
  const Bytes input = frame(2, "abcdefgh") + frame(1, "\3hello") + frame(9, "unknown") +
                      frame(3, name("u") + name("n")) + frame(2, "") + frame(4, "") +
                      frame(2, std::string(300, 'z')) + with_length(0) + frame(2, "unseen");
  const Events expected = parse(input);
  for (std::size_t first = 0; first <= input.size(); ++first) {
    for (std::size_t second = first; second <= input.size(); ++second) {
      Recorder recorder;
      SourceFrameParser parser(frame_bytes_max, recorder);
      const std::span<const std::byte> all = input;
      parser.feed(all.first(first));
      parser.feed(all.subspan(first, second - first));
      parser.feed(all.subspan(second));
      parser.finish();
      ASSERT_EQ(recorder.events, expected) << first << ", " << second;
    }
  }
}

TEST(SourceFrameParser, OneByteAtATimeItReportsTheSame) {
  const Bytes input = frame(2, "abcdefgh") + frame(3, name("u") + name("n")) + frame(4, "");
  Recorder recorder;
  SourceFrameParser parser(frame_bytes_max, recorder);
  for (const std::byte& byte : input) {
    parser.feed(std::span(&byte, 1));
  }
  EXPECT_EQ(recorder.events, parse(input));
  EXPECT_EQ(parser.frames(), 3U);
}

}  // namespace
}  // namespace eradio
