#include "worker/old_frames.h"

#include <cstdlib>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "shm/ring_writer.h"

namespace eradio {
namespace {

class OldFramesTest : public ::testing::Test {
 protected:
  static constexpr std::size_t data_bytes = 4096;
  static constexpr std::size_t frame_bytes = 100;

  // Frame n is filled with n.
  void publish(int n) {
    const std::vector<std::byte> frame(frame_bytes, static_cast<std::byte>(n));
    writer.publish(RecordType::sync_point, n, frame);
  }

  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<Line> lines = std::vector<Line>(RingWriter::memory_bytes(data_bytes) / 64);
  std::span<std::byte> memory{lines.front().bytes, RingWriter::memory_bytes(data_bytes)};
  RingWriter writer = RingWriter::create(memory);
};

TEST_F(OldFramesTest, AreFoundByTheirPlaceInTheStream) {
  for (int n = 0; n < 3; ++n) {
    publish(n);
    writer.publish(RecordType::metadata, n, {});
  }
  const OldFrames old((RingReader(memory)));
  EXPECT_EQ(old.find(300), nullptr);
  for (std::uint64_t position = 0; position < 300; ++position) {
    const auto* frame = old.find(position);
    ASSERT_NE(frame, nullptr);
    EXPECT_EQ(frame->stream_position, position / frame_bytes * frame_bytes);
    const auto rest = old.rest(*frame, position);
    ASSERT_TRUE(rest);
    EXPECT_EQ(*rest, std::vector<std::byte>(frame_bytes - position % frame_bytes,
                                            static_cast<std::byte>(position / frame_bytes)));
  }
}

TEST_F(OldFramesTest, ThatHaveBeenOverwrittenSinceAreNotHandedOut) {
  for (int n = 0; n < 3; ++n) {
    publish(n);
  }
  const OldFrames old((RingReader(memory)));
  for (int n = 0; n < 100; ++n) {
    publish(n);
  }
  ASSERT_NE(old.find(0), nullptr);
  EXPECT_EQ(old.rest(*old.find(0), 0), std::nullopt);
}

}  // namespace
}  // namespace eradio
