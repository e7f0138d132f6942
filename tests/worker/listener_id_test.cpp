#include "worker/listener_id.h"

#include <gtest/gtest.h>

namespace eradio {
namespace {

TEST(ListenerId, IsADecimalIntegerFromZeroToTwoToThe63MinusOne) {
  EXPECT_EQ(parse_listener_id("0"), 0U);
  EXPECT_EQ(parse_listener_id("007"), 7U);
  EXPECT_EQ(parse_listener_id("9223372036854775807"), 9223372036854775807U);
}

TEST(ListenerId, IsNothingElse) {
  for (const char* text :
       {"", " 1", "1 ", "+1", "-1", "-0", "0x10", "1e3", "1.0", "abc", "1a", "9223372036854775808",
        "18446744073709551616", "99999999999999999999999999"}) {
    EXPECT_EQ(parse_listener_id(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace eradio
