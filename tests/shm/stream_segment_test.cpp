#include "shm/stream_segment.h"

#include <cstddef>
#include <stdexcept>
#include <vector>

#include <boost/interprocess/mapped_region.hpp>
#include <gtest/gtest.h>

namespace eradio {
namespace {

constexpr std::size_t header_bytes_max = 10'000;

TEST(StreamSegment, AWorkerThatComesLateKnowsWhatIsPlaying) {
  StreamSegmentWriter writer(1 << 20, header_bytes_max);
  const StreamMetadata playing{
      .now_playing = {.playing = true, .track = TrackName{.uri = "u", .name = "n"}},
      .listeners = 3,
      .vetoes = 2};
  writer.state().write(7, playing);
  const StreamSegmentReader reader(writer.reopen_read_only());
  EXPECT_EQ(reader.state().read(), (StreamState{.sequence = 7, .metadata = playing}));
}

TEST(StreamSegment, NothingPlaysInANewOne) {
  const StreamSegmentWriter writer(1 << 20, header_bytes_max);
  const StreamSegmentReader reader(writer.reopen_read_only());
  EXPECT_EQ(reader.state().read(), StreamState{});
}

TEST(StreamSegment, RecordsReachAReaderInAnotherMapping) {
  StreamSegmentWriter writer(1 << 20, header_bytes_max);
  StreamSegmentReader reader(writer.reopen_read_only());
  const std::vector<std::byte> frame(1000, std::byte{7});
  writer.ring().publish(RecordType::sync_point, 5, frame);
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
  auto writer = StreamStateWriter::create(*layout);
  const StreamStateReader reader(*layout);
  layout->lock.version.fetch_add(1);
  EXPECT_EQ(reader.read(), std::nullopt);
  const StreamMetadata playing{.now_playing = {.playing = true, .track = std::nullopt}};
  writer.write(1, playing);
  EXPECT_EQ(reader.read(), (StreamState{.sequence = 1, .metadata = playing}));
}

TEST(StreamState, AnotherLayoutVersionIsRefused) {
  auto layout = std::make_unique<StreamStateLayout>();
  StreamStateWriter::create(*layout);
  layout->layout_version = 9;
  EXPECT_THROW(StreamStateReader{*layout}, std::runtime_error);
}

std::vector<std::byte> pattern(std::size_t bytes) {
  return std::vector<std::byte>(bytes, static_cast<std::byte>(bytes));
}

TEST(StreamHeader, AWorkerThatComesLateGetsItWithItsPlace) {
  StreamSegmentWriter writer(1 << 20, header_bytes_max);
  const StreamSegmentReader reader(writer.reopen_read_only());
  EXPECT_EQ(reader.header().read(), StreamHeader{}) << "there is none at first";
  for (const std::size_t bytes : {header_bytes_max, std::size_t{1}, std::size_t{0}}) {
    writer.header().write(7 + bytes, 1000 + bytes, pattern(bytes));
    EXPECT_EQ(reader.header().read(), (StreamHeader{.sequence = 7 + bytes,
                                                    .stream_position = 1000 + bytes,
                                                    .bytes = pattern(bytes)}));
  }
}

TEST(StreamHeader, TheRingBehindTheLongestIsUntouched) {
  StreamSegmentWriter writer(1 << 20, header_bytes_max);
  StreamSegmentReader reader(writer.reopen_read_only());
  writer.ring().publish(RecordType::sync_point, 5, pattern(99));
  writer.header().write(1, 0, pattern(header_bytes_max));
  Record record;
  std::vector<std::byte> payload(reader.ring().payload_bytes_max());
  ASSERT_EQ(reader.ring().read(record, payload), ReadResult::record);
  payload.resize(record.payload_bytes);
  EXPECT_EQ(payload, pattern(99));
}

class StreamHeaderMemory : public testing::Test {
 protected:
  // Pages are aligned as the layout has to be.
  MemoryFile file = MemoryFile::create("header", stream_header_memory_bytes(100));
  boost::interprocess::mapped_region region = file.map_writable(0, file.bytes());
  StreamHeaderWriter writer = StreamHeaderWriter::create(writable_bytes(region));
  StreamHeaderLayout& layout = *static_cast<StreamHeaderLayout*>(region.get_address());
};

TEST_F(StreamHeaderMemory, AWriterKilledInTheMiddleLeavesNothing) {
  const StreamHeaderReader reader(readable_bytes(region));
  layout.lock.version.fetch_add(1);
  EXPECT_EQ(reader.read(), std::nullopt);
  writer.write(3, 4, pattern(5));
  EXPECT_EQ(reader.read(),
            (StreamHeader{.sequence = 3, .stream_position = 4, .bytes = pattern(5)}));
}

TEST_F(StreamHeaderMemory, LengthsThatMakeNoSenseAreNotBelieved) {
  const StreamHeaderReader reader(readable_bytes(region));
  for (const std::uint64_t bytes : {std::uint64_t{7}, file.bytes() + 1, UINT64_MAX}) {
    layout.lock.bytes = bytes;
    EXPECT_EQ(reader.read(), std::nullopt) << bytes;
  }
  layout.words_max = UINT32_MAX;
  EXPECT_THROW(StreamHeaderReader{readable_bytes(region)}, std::runtime_error);
}

TEST_F(StreamHeaderMemory, AnotherLayoutVersionOrKindIsRefused) {
  layout.layout_version = 9;
  EXPECT_THROW(StreamHeaderReader{readable_bytes(region)}, std::runtime_error);
  layout.magic = 0;
  EXPECT_THROW(StreamHeaderReader{readable_bytes(region)}, std::runtime_error);
}

}  // namespace
}  // namespace eradio
