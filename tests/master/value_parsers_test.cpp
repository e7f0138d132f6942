#include "master/value_parsers.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace eradio {
namespace {

using std::chrono::milliseconds;

TEST(ParseNumber, TakesWholeNumbersWithinTheBounds) {
  EXPECT_EQ(parse_number("0", 0, 10), 0U);
  EXPECT_EQ(parse_number("10", 0, 10), 10U);
  EXPECT_EQ(parse_number("18446744073709551615", 0, UINT64_MAX), UINT64_MAX);
  for (const char* text :
       {"", " ", "11", "-1", "+1", "1.0", "1k", " 1", "0x1", "18446744073709551616"}) {
    EXPECT_THROW(parse_number(text, 0, 10), std::invalid_argument) << text;
  }
}

TEST(ParseBytes, TakesUnits) {
  EXPECT_EQ(parse_bytes("8000", 0, 1 << 30), 8000U);
  EXPECT_EQ(parse_bytes("8000 B", 0, 1 << 30), 8000U);
  EXPECT_EQ(parse_bytes("64KiB", 0, 1 << 30), 65536U);
  EXPECT_EQ(parse_bytes("8 MiB", 0, 1 << 30), 8U << 20U);
  EXPECT_EQ(parse_bytes("0.5 GiB", 0, 1 << 30), 1U << 29U);
  for (const char* text :
       {"", "KiB", "1 KB", "1 kib", "-1", "1e3", "0.3", "2 GiB", "nan", "inf", "1 MiB x"}) {
    EXPECT_THROW(parse_bytes(text, 0, 1 << 30), std::invalid_argument) << text;
  }
}

TEST(ParseDuration, TakesMillisecondsAndSeconds) {
  const milliseconds most(60'000);
  EXPECT_EQ(parse_duration("250", milliseconds(0), most), milliseconds(250));
  EXPECT_EQ(parse_duration("250 ms", milliseconds(0), most), milliseconds(250));
  EXPECT_EQ(parse_duration("2s", milliseconds(0), most), milliseconds(2000));
  EXPECT_EQ(parse_duration("0.5 s", milliseconds(0), most), milliseconds(500));
  for (const char* text : {"", "ms", "1 m", "1 min", "61 s", "-1", "0.0001 s"}) {
    EXPECT_THROW(parse_duration(text, milliseconds(0), most), std::invalid_argument) << text;
  }
}

TEST(ParseValues, SayWhatWouldBeRight) {
  try {
    parse_duration("soon", milliseconds(10), milliseconds(500));
    FAIL();
  } catch (const std::invalid_argument& error) {
    const std::string text = error.what();
    for (const char* part : {"soon", "10 ms", "500 ms"}) {
      EXPECT_NE(text.find(part), std::string::npos) << text;
    }
  }
}

TEST(ParseCommandLine, SplitsAsAShellDoes) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(parse_command_line("a b  c"), (Words{"a", "b", "c"}));
  EXPECT_EQ(parse_command_line("play --loop \"/my music/a\" 'b c'"),
            (Words{"play", "--loop", "/my music/a", "b c"}));
  EXPECT_EQ(parse_command_line("play /my\\ music"), (Words{"play", "/my music"}));
  EXPECT_EQ(parse_command_line("sh -c 'trap \"\" TERM; sleep 50'"),
            (Words{"sh", "-c", "trap \"\" TERM; sleep 50"}));
  EXPECT_EQ(parse_command_line("printf '%s|' 'a b'"), (Words{"printf", "%s|", "a b"}));
  EXPECT_EQ(parse_command_line("printf 'x\\ty' \"x\\ty\\\"z\""),
            (Words{"printf", "x\\ty", "x\\ty\"z"}));
  EXPECT_EQ(parse_command_line("a '' b\"c\"'d'"), (Words{"a", "", "bcd"}));
  for (const char* text : {"", "  ", "\"\"", "a \"b", "a 'b", "a \\"}) {
    EXPECT_THROW(parse_command_line(text), std::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace eradio
