#include "sources/mp3_encoder.h"

#include <gtest/gtest.h>

#include "tests/sources/sound.h"

namespace eradio {
namespace {

TEST(Mp3Encoder, MakesFramesThatStandAlone) {
  for (const auto& frame : test::make_mp3_frames(50)) {
    test::expect_whole_mp3_frame(frame);
  }
}

TEST(Mp3Encoder, KeepsATone) {
  const auto samples = test::decode_mp3(test::make_mp3_frames(40, 440));
  ASSERT_EQ(samples.size(), 40 * Mp3Encoder::frame_samples);
  const auto middle = std::span(samples).subspan(8000, 22050);
  EXPECT_NEAR(test::strength_at(middle, 440), 0.25, 0.03);
  EXPECT_LT(test::strength_at(middle, 880), 0.01);
}

TEST(Mp3Encoder, KnowsItsBitrates) {
  EXPECT_TRUE(is_mp3_bitrate(128));
  EXPECT_FALSE(is_mp3_bitrate(129));
  EXPECT_FALSE(is_mp3_bitrate(0));
}

}  // namespace
}  // namespace eradio
