#include "shm/stream_segment.h"

#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace eradio {
namespace {

TEST(StreamSegment, AWorkerThatComesLateKnowsWhatIsPlaying) {
  StreamSegmentWriter writer(1 << 20);
  const StreamMetadata playing{
      .now_playing = {.playing = true, .track = TrackName{.uri = "u", .name = "n"}},
      .listeners = 3,
      .vetoes = 2};
  writer.state().write(playing);
  const StreamSegmentReader reader(writer.reopen_read_only());
  EXPECT_EQ(reader.state().read(), playing);
}

TEST(StreamSegment, NothingPlaysInANewOne) {
  const StreamSegmentWriter writer(1 << 20);
  const StreamSegmentReader reader(writer.reopen_read_only());
  EXPECT_EQ(reader.state().read(), StreamMetadata{});
}

TEST(StreamSegment, RecordsReachAReaderInAnotherMapping) {
  StreamSegmentWriter writer(1 << 20);
  StreamSegmentReader reader(writer.reopen_read_only());
  const std::vector<std::byte> frame(1000, std::byte{7});
  writer.ring().publish(RecordType::data, 5, frame);
  Record record;
  std::vector<std::byte> payload(reader.ring().payload_bytes_max());
  ASSERT_EQ(reader.ring().read(record, payload), ReadResult::record);
  payload.resize(record.payload_bytes);
  EXPECT_EQ(payload, frame);
}

TEST(StreamSegment, MemoryOfAnotherKindIsRefused) {
  EXPECT_THROW(
      StreamSegmentReader(Descriptor(MemoryFile::create("small", page_bytes).reopen_read_only())),
      std::runtime_error);
  EXPECT_THROW(
      StreamSegmentReader(Descriptor(MemoryFile::create("zeros", 1 << 20).reopen_read_only())),
      std::runtime_error);
}

TEST(StreamState, AWriterKilledInTheMiddleLeavesNothingInsteadOfSomethingTorn) {
  auto layout = std::make_unique<StreamStateLayout>();
  StreamStateWriter writer(*layout);
  const StreamStateReader reader(*layout);
  layout->version.fetch_add(1);
  EXPECT_EQ(reader.read(), std::nullopt);
  writer.write({.now_playing = {.playing = true, .track = std::nullopt}});
  EXPECT_EQ(reader.read(),
            (StreamMetadata{.now_playing = {.playing = true, .track = std::nullopt}}));
}

TEST(StreamState, AnotherLayoutVersionIsRefused) {
  auto layout = std::make_unique<StreamStateLayout>();
  StreamStateWriter writer(*layout);
  layout->layout_version = 9;
  EXPECT_THROW(StreamStateReader{*layout}, std::runtime_error);
}

}  // namespace
}  // namespace eradio
