#include "common/log_line.h"

#include <array>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace eradio {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr system_clock::time_point a_time{milliseconds(1'795'000'000'007)};

LogEvent event(std::string_view message) {
  return {.time = a_time,
          .level = LogLevel::info,
          .process = "worker 0",
          .message = message,
          .fields = {}};
}

TEST(LogLine, OfLogfmtHasQuotesWhereTheyAreNeeded) {
  const std::array fields{LogField("id", 12), LogField("peer", "::1"), LogField("why", ""),
                          LogField("odd", "a=\"b\"\\\n\x1b"), LogField("less", -3)};
  LogEvent all = event("a listener has left");
  all.fields = fields;
  EXPECT_EQ(log_line(LogFormat::logfmt, all),
            "time=2026-11-18T11:06:40.007Z level=info process=\"worker 0\" "
            "message=\"a listener has left\" id=12 peer=::1 why=\"\" "
            "odd=\"a=\\\"b\\\"\\\\\\n\\x1b\" less=-3\n");
  LogEvent no_time = event("stopped");
  no_time.time.reset();
  no_time.process = "master";
  EXPECT_EQ(log_line(LogFormat::logfmt, no_time), "level=info process=master message=stopped\n");
}

TEST(LogLine, OfJsonIsOneObjectWhateverIsInIt) {
  const std::array fields{LogField("id", 12), LogField("text", "\xff\"\n")};
  LogEvent all = event("Motörhead – \xc3");
  all.fields = fields;
  const std::string line = log_line(LogFormat::json, all);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(nlohmann::json::parse(line), nlohmann::json::parse(R"({
    "time": "2026-11-18T11:06:40.007Z", "level": "info", "process": "worker 0",
    "message": "Motörhead – \ufffd", "id": 12, "text": "\ufffd\"\n"})"));
}

TEST(LogLine, IsNeverTooLongAndStaysWhole) {
  for (const std::size_t bytes : {3'000U, 4'000U, 5'000U, 100'000U}) {
    for (const char filling : {'x', '\n', '"', '\x01'}) {
      const std::string message(bytes, filling);
      for (const LogFormat format : {LogFormat::logfmt, LogFormat::json}) {
        const std::string line = log_line(format, event(message));
        EXPECT_LE(line.size(), log_line_bytes_max);
        EXPECT_GT(line.size(), std::min<std::size_t>(bytes, log_line_bytes_max / 2));
        EXPECT_EQ(line.find('\n'), line.size() - 1);
        if (format == LogFormat::json) {
          EXPECT_TRUE(nlohmann::json::parse(line).contains("message"));
        } else {
          const bool cut = line.find("… (cut)") != std::string::npos;
          EXPECT_EQ(line[line.size() - 2], cut || filling != 'x' ? '"' : 'x');
        }
      }
    }
  }
}

TEST(LogLine, IsCutBetweenCharacters) {
  std::string message;
  while (message.size() < 2 * log_line_bytes_max) {
    message += "\u266b";  // three bytes
  }
  for (int shift = 0; shift < 3; ++shift, message.insert(0, 1, 'x')) {
    const std::string line = log_line(LogFormat::logfmt, event(message));
    const std::size_t cut = line.find("… (cut)");
    ASSERT_NE(cut, std::string::npos);
    EXPECT_EQ(line.substr(cut - 3, 3), "\u266b");
  }
}

TEST(LogLine, FormatsHaveTheirNames) {
  for (const char* name : {"logfmt", "json"}) {
    ASSERT_TRUE(log_format_of(name));
    EXPECT_EQ(name_of(*log_format_of(name)), name);
  }
  EXPECT_FALSE(log_format_of("xml"));
}

}  // namespace
}  // namespace eradio
