#include "common/log.h"

#include <gtest/gtest.h>

namespace eradio {
namespace {

TEST(Printable, LeavesOrdinaryTextAlone) {
  EXPECT_EQ(printable("Motörhead – Ace of Spades ♠ 🎸"), "Motörhead – Ace of Spades ♠ 🎸");
}

TEST(Printable, ShowsControlCharactersAsHex) {
  EXPECT_EQ(printable("a\nb\x1b[31mc\x7f\r"), "a\\x0ab\\x1b[31mc\\x7f\\x0d");
  EXPECT_EQ(printable("\xc2\x85"), "\\xc2\\x85") << "U+0085, next line";
}

TEST(Printable, ShowsBytesThatAreNotUtf8AsHex) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\xc3"), "\\xc3") << "cut off";
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf") << "longer than it need be";
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond U+10FFFF";
}

TEST(Printable, CutsWhatIsTooLongAndSaysSo) {
  EXPECT_EQ(printable(std::string(10, 'x'), 4), "xxxx… (6 bytes more)");
  EXPECT_EQ(printable("xxxx", 4), "xxxx");
}

TEST(LogLevel, KnowsTheLevelsOfTheConfiguration) {
  for (const char* level : {"error", "warning", "info", "debug", "trace", "off"}) {
    EXPECT_TRUE(is_log_level(level)) << level;
  }
  for (const char* level : {"", "warn", "INFO", "verbose"}) {
    EXPECT_FALSE(is_log_level(level)) << level;
  }
}

TEST(LogLevel, HasItsNameBack) {
  for (const char* level : {"error", "warning", "info", "debug", "trace", "off"}) {
    ASSERT_TRUE(log_level_of(level)) << level;
    EXPECT_EQ(name_of(*log_level_of(level)), level);
  }
}

TEST(LogLevel, CanBeChanged) {
  set_up_log("test", "warning");
  EXPECT_FALSE(log::is_on(LogLevel::info));
  set_log_level(LogLevel::debug);
  EXPECT_TRUE(log::is_on(LogLevel::debug));
  set_log_level(LogLevel::off);
  EXPECT_FALSE(log::is_on(LogLevel::error));
  set_log_level(LogLevel::info);
}

}  // namespace
}  // namespace eradio
