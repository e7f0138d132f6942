#include "tests/bench/lag_grid.h"

#include <algorithm>
#include <stdexcept>

namespace eradio::testing {
namespace {

const LagCell too_slow{.rtt_ms = 100, .link = 0.75, .loss_percent = 1, .queue_kb = 256};

TEST(LagGrid, HasEveryCombinationOnce) {
  const auto cells = make_grid(
      {.rtt_ms = {1, 20}, .link = {0.75, 5}, .loss_percent = {0, 1, 3}, .queue_kb = {16}});
  EXPECT_EQ(cells.size(), 12U);
  for (const LagCell& cell : cells) {
    EXPECT_EQ(std::count(cells.begin(), cells.end(), cell), 1);
  }
  EXPECT_FALSE(cells.front().max_lag_ms);
}

TEST(LagGrid, AsksForEachBoundOnEachLinkOfTheCurve) {
  const auto cells = make_curve({0, 250});
  EXPECT_EQ(cells.size(), 8U);
  EXPECT_EQ(std::count_if(cells.begin(), cells.end(),
                          [](const LagCell& cell) { return cell.max_lag_ms == 250; }),
            4);
}

TEST(LagGrid, MakesTheLinkFromTheStreamsBitrate) {
  const LinkSettings link = link_settings({.kbit = 64}, too_slow);
  EXPECT_EQ(link.bits_per_second, 48'000U);
  EXPECT_EQ(link.delay_ns, 50'000'000);
  EXPECT_DOUBLE_EQ(link.loss, 0.01);
  EXPECT_EQ(link.queue_bytes, 262'144U);
}

TEST(LagGrid, ExpectsWhatTheLinkCarriesOrTheStreamHas) {
  const LagStream stream{.kbit = 128, .frame_bytes = 400};
  EXPECT_DOUBLE_EQ(stream.frames_per_second(), 40);
  // 12,000 bytes a second, 452 a frame, of which 1 % is lost.
  EXPECT_NEAR(possible_frames_per_second(stream, too_slow), 26.28, 0.01);
  LagCell fast = too_slow;
  fast.link = 5;
  EXPECT_DOUBLE_EQ(possible_frames_per_second(stream, fast), 40);
}

TEST(LagServers, AreKnownByTheirNames) {
  using enum LagServerKind;
  EXPECT_EQ(parse_servers("icecast,eradio"), (std::vector{icecast, eradio}));
  for (const LagServerKind server : {eradio, original, icecast, icecast_short}) {
    EXPECT_EQ(parse_servers(to_string(server)), std::vector{server});
  }
  EXPECT_THROW(parse_servers(""), std::runtime_error);
  EXPECT_THROW(parse_servers("eradio,nginx"), std::runtime_error);
}

TEST(LagTable, HasTheSameFiguresForPeopleAndPrograms) {
  const LagRow row = make_row(
      LagServerKind::icecast, {.kbit = 128, .frame_bytes = 400}, too_slow,
      {.p50_ms = 1200, .p99_ms = 3400, .max_ms = 3500, .frames = 263, .jumps = 5, .drops = 2}, 10);
  EXPECT_NEAR(row.delivered, 1, 0.001);
  EXPECT_EQ(csv_line(row).substr(0, 40), "icecast,100,0.75,1,256,,1200,3400,3500,1");
  EXPECT_TRUE(csv_line(row).ends_with(",0.5,2"));
  EXPECT_NE(table_line(row).find("1200   3400   3500     100.1%     0.50        2"),
            std::string::npos)
      << table_line(row);
  EXPECT_EQ(table_line(row).size(), table_head().size());
}

}  // namespace
}  // namespace eradio::testing
