#include "tests/link/link_protocol.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace eradio::testing {
namespace {

TEST(LinkCommandTest, IsReadAsItWasWritten) {
  const LinkCommand set{.kind = LinkCommand::Kind::set,
                        .link = 3,
                        .to = LinkEnd::near,
                        .settings = {.bits_per_second = 96'000,
                                     .delay_ns = 50'000'000,
                                     .loss = 0.03,
                                     .reorder = 0.5,
                                     .late_ns = 7'000,
                                     .queue_bytes = 65536}};
  std::string error;
  EXPECT_EQ(parse_link_command(to_line(set), error), set) << error;
  const LinkCommand off{
      .kind = LinkCommand::Kind::set, .link = 0, .to = LinkEnd::far, .settings = {}};
  EXPECT_EQ(parse_link_command(to_line(off), error), off) << error;
  const LinkCommand report{
      .kind = LinkCommand::Kind::report, .link = 1, .to = LinkEnd::far, .settings = {}};
  EXPECT_EQ(parse_link_command(to_line(report), error), report) << error;
}

TEST(LinkCommandTest, ThatIsNoneIsRefusedWithTheReason) {
  for (const char* line :
       {"", "set", "set 0", "set x down", "set -1 down", "set 250 up", "set 0 left", "drop 0 up",
        "set 0 down rate", "set 0 down rate x", "set 0 down rate -1", "set 0 down loss 1.5",
        "set 0 down speed 1", "report 0 up rate 5"}) {
    std::string error;
    EXPECT_EQ(parse_link_command(line, error), std::nullopt) << line;
    EXPECT_FALSE(error.empty()) << line;
  }
}

TEST(LinkReportTest, IsReadAsItWasWritten) {
  const LinkReport report{
      .taken = 10, .dropped = 1, .lost = 2, .delivered = 6, .delivered_bytes = 5000};
  EXPECT_EQ(parse_link_report(to_line(report)), report);
  EXPECT_THROW(parse_link_report("ok"), std::runtime_error);
}

}  // namespace
}  // namespace eradio::testing
