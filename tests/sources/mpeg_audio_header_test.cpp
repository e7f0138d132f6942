#include "sources/mpeg_audio_header.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace eradio {
namespace {

std::optional<MpegAudioHeader> parse(unsigned b0, unsigned b1, unsigned b2, unsigned b3) {
  const std::array bytes{std::byte(b0), std::byte(b1), std::byte(b2), std::byte(b3)};
  return parse_mpeg_audio_header(bytes);
}

TEST(MpegAudioHeader, ReadsTheUsualMp3) {
  const auto header = parse(0xff, 0xfb, 0x90, 0x44);  // 128 kbit/s, 44.1 kHz, joint stereo
  ASSERT_TRUE(header);
  EXPECT_EQ(header->version, MpegAudioHeader::Version::mpeg1);
  EXPECT_EQ(header->layer, 3);
  EXPECT_EQ(header->kilobits, 128);
  EXPECT_EQ(header->sample_rate, 44100);
  EXPECT_EQ(header->channels, 2);
  EXPECT_EQ(header->frame_bytes, 417U);
  EXPECT_EQ(header->frame_samples, 1152U);
  EXPECT_EQ(parse(0xff, 0xfb, 0x92, 0x44)->frame_bytes, 418U);  // padded
}

TEST(MpegAudioHeader, ReadsTheOtherVersionsAndLayers) {
  EXPECT_EQ(parse(0xff, 0xf3, 0x80, 0xc0)->frame_bytes, 208U);  // MPEG-2, 64 kbit/s, 22.05 kHz
  EXPECT_EQ(parse(0xff, 0xf3, 0x80, 0xc0)->channels, 1);
  EXPECT_EQ(parse(0xff, 0xe3, 0x18, 0xc0)->frame_bytes, 72U);  // MPEG-2.5, 8 kbit/s, 8 kHz
  EXPECT_EQ(parse(0xff, 0xe3, 0x18, 0xc0)->sample_rate, 8000);
  EXPECT_EQ(parse(0xff, 0xfd, 0x84, 0x00)->frame_bytes, 384U);  // layer II, 128 kbit/s, 48 kHz
  EXPECT_EQ(parse(0xff, 0xff, 0xc4, 0x00)->frame_bytes, 384U);  // layer I, 384 kbit/s, 48 kHz
}

TEST(MpegAudioHeader, RejectsWhatIsReservedOrOfFreeFormat) {
  EXPECT_FALSE(parse(0xfe, 0xfb, 0x90, 0x44));
  EXPECT_FALSE(parse(0xff, 0x1b, 0x90, 0x44));
  EXPECT_FALSE(parse(0xff, 0xeb, 0x90, 0x44));  // version
  EXPECT_FALSE(parse(0xff, 0xf9, 0x90, 0x44));  // layer: ADTS
  EXPECT_FALSE(parse(0xff, 0xfb, 0x00, 0x44));  // free format
  EXPECT_FALSE(parse(0xff, 0xfb, 0xf0, 0x44));  // bitrate
  EXPECT_FALSE(parse(0xff, 0xfb, 0x9c, 0x44));  // sample rate
  EXPECT_FALSE(parse(0xff, 0xfb, 0x90, 0x46));  // emphasis
  EXPECT_FALSE(parse_mpeg_audio_header(std::vector<std::byte>(3, std::byte{0xff})));
}

TEST(MpegAudioHeader, ReadsHowFarAFrameReachesBack) {
  const auto header = parse(0xff, 0xfb, 0x90, 0x44);
  std::vector<std::byte> frame(header->frame_bytes);
  EXPECT_EQ(reservoir_bytes(*header, frame), 0U);
  frame[4] = std::byte{0x80};
  frame[5] = std::byte{0x80};
  EXPECT_EQ(reservoir_bytes(*header, frame), 257U);
}

}  // namespace
}  // namespace eradio
