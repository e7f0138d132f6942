#include "sources/pacer.h"

#include <gtest/gtest.h>

namespace eradio {
namespace {

TEST(Pacer, IsExactAfterADayOfFrames) {
  Pacer pacer(1152, 44100);
  pacer.restart(1000);
  // 1225 frames are exactly 32 seconds.
  for (int i = 0; i < 1225 * 2700; ++i) {
    pacer.frame_sent(pacer.deadline_ns());
  }
  EXPECT_EQ(pacer.deadline_ns(), 1000 + ns_per_second * 32 * 2700);
}

TEST(Pacer, CatchesUpWithASmallDelay) {
  Pacer pacer(1000, 1000);
  pacer.restart(0);
  pacer.frame_sent(400 * ns_per_ms);
  EXPECT_EQ(pacer.deadline_ns(), ns_per_second);
}

TEST(Pacer, LetsALongDelayGoInsteadOfBursting) {
  Pacer pacer(1000, 1000);
  pacer.restart(0);
  pacer.frame_sent(10 * ns_per_second);
  EXPECT_EQ(pacer.deadline_ns(), 11 * ns_per_second);
}

}  // namespace
}  // namespace eradio
