#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ring_records.h"
#include "shm/ring_reader.h"
#include "shm/ring_writer.h"

namespace eradio {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// A ring over plain memory, with one writer.
class RingTest : public testing::Test {
 protected:
  static constexpr std::size_t data_bytes = 4096;

  RingTest()
      : memory_bytes_(RingWriter::memory_bytes(data_bytes)),
        memory_(static_cast<std::byte*>(std::aligned_alloc(64, (memory_bytes_ + 63) / 64 * 64))),
        writer_((std::fill_n(memory_.get(), memory_bytes_, std::byte{0}),
                 RingWriter::create(memory()))) {}

  std::span<std::byte> memory() { return {memory_.get(), memory_bytes_}; }
  RingHeader& header() { return *reinterpret_cast<RingHeader*>(memory_.get()); }

  std::uint64_t publish(std::string_view text, RecordType type = RecordType::sync_point) {
    return writer_.publish(type, ++time_, bytes_of(text));
  }
  ReadResult read(RingReader& reader) {
    payload_.resize(reader.payload_bytes_max());
    return reader.read(record_, payload_);
  }
  std::string text() const {
    return {reinterpret_cast<const char*>(payload_.data()), record_.payload_bytes};
  }

  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::size_t memory_bytes_;
  std::unique_ptr<std::byte, Free> memory_;
  RingWriter writer_;
  std::int64_t time_ = 100;
  Record record_;
  std::vector<std::byte> payload_;
};

TEST_F(RingTest, TellsHowMuchItHolds) {
  EXPECT_EQ(writer_.data_bytes(), data_bytes);
  EXPECT_EQ(writer_.used_bytes(), 0U);
  EXPECT_EQ(writer_.held_ns(), 0);
  publish("one");
  EXPECT_EQ(writer_.used_bytes(), 128U);
  EXPECT_EQ(writer_.held_ns(), 0);
  publish("two");
  EXPECT_EQ(writer_.held_ns(), 1);
  // 32 records fill it, one each nanosecond; the oldest of a sixteenth cannot be found.
  for (int i = 0; i < 500; ++i) {
    publish("more");
    EXPECT_LE(writer_.held_ns(), 31);
  }
  EXPECT_EQ(writer_.used_bytes(), data_bytes);
  EXPECT_GE(writer_.held_ns(), 29);
  EXPECT_EQ(RingWriter::attach(memory()).held_ns(), writer_.held_ns());
}

TEST_F(RingTest, AnEmptyRingHasNothingNew) {
  RingReader reader(memory());
  EXPECT_EQ(read(reader), ReadResult::nothing_new);
  reader.skip_to_newest();
  EXPECT_EQ(read(reader), ReadResult::nothing_new);
}

TEST_F(RingTest, RecordsComeOutInOrderAndAsTheyWentIn) {
  RingReader reader(memory());
  EXPECT_EQ(publish("one"), 1U);
  EXPECT_EQ(publish("", RecordType::metadata), 2U);
  EXPECT_EQ(publish("eight888"), 3U);

  ASSERT_EQ(read(reader), ReadResult::record);
  EXPECT_EQ(text(), "one");
  EXPECT_EQ(record_.type, RecordType::sync_point);
  EXPECT_EQ(record_.sequence, 1U);
  EXPECT_EQ(record_.time_ns, 101);
  ASSERT_EQ(read(reader), ReadResult::record);
  EXPECT_EQ(text(), "");
  EXPECT_EQ(record_.type, RecordType::metadata);
  ASSERT_EQ(read(reader), ReadResult::record);
  EXPECT_EQ(text(), "eight888");
  EXPECT_EQ(record_.lost, 0U);
  EXPECT_EQ(read(reader), ReadResult::nothing_new);
}

TEST_F(RingTest, EveryLengthUpToTheLongestSurvivesTheWrapAtEveryPlace) {
  RingReader reader(memory());
  const std::size_t longest = writer_.payload_bytes_max();
  for (std::size_t length = 0; length <= longest; ++length) {
    std::vector<std::byte> payload(length);
    test::fill_for(length, payload);
    writer_.publish(RecordType::sync_point, 1, payload);
    ASSERT_EQ(read(reader), ReadResult::record) << length;
    ASSERT_EQ(record_.payload_bytes, length);
    ASSERT_TRUE(std::equal(payload.begin(), payload.end(), payload_.begin())) << length;
  }
}

TEST_F(RingTest, RecordsSayHowManyBytesOfFramesCameBeforeThem) {
  RingReader reader(memory());
  publish("12345");
  publish("metadata are no frame", RecordType::metadata);
  publish("123", RecordType::header);
  publish("1", RecordType::dependent);
  publish("");
  EXPECT_EQ(writer_.stream_position(), 9U);
  EXPECT_EQ(RingWriter::attach(memory()).stream_position(), 9U);
  for (const std::uint64_t position : {0U, 5U, 5U, 8U, 9U}) {
    ASSERT_EQ(read(reader), ReadResult::record);
    EXPECT_EQ(record_.stream_position, position);
  }
}

TEST_F(RingTest, AReaderMayBeginWithWhatIsOld) {
  for (int i = 0; i < 1000; ++i) {
    publish("record " + std::to_string(i));
    RingReader reader(memory());
    reader.skip_to_old();
    ASSERT_EQ(read(reader), ReadResult::record) << i;
    const std::uint64_t first = record_.sequence;
    const std::uint64_t newest = writer_.sequence();
    // A record takes 128 bytes of 4096. The oldest sixteenth and the one before it may be missing.
    EXPECT_LE(newest - first + 1, 32U);
    EXPECT_GE(newest - first + 1, std::min<std::uint64_t>(newest, 28)) << i;
    while (read(reader) == ReadResult::record) {
    }
    EXPECT_EQ(record_.sequence, newest);
    EXPECT_EQ(record_.lost, 0U);
  }
}

TEST_F(RingTest, AReaderThatWasOvertakenSaysSoAndThenHowManyRecordsItLost) {
  RingReader reader(memory());
  publish("first");
  ASSERT_EQ(read(reader), ReadResult::record);
  for (int i = 0; i < 1000; ++i) {
    publish("more " + std::to_string(i));
  }
  EXPECT_EQ(read(reader), ReadResult::overtaken);
  EXPECT_EQ(read(reader), ReadResult::overtaken) << "until it skips";
  reader.skip_to_newest();
  ASSERT_EQ(read(reader), ReadResult::record);
  EXPECT_EQ(text(), "more 999");
  EXPECT_EQ(record_.lost, 999U);
  EXPECT_EQ(read(reader), ReadResult::nothing_new);
}

TEST_F(RingTest, AReaderJustShortOfBeingOvertakenStillGetsEverything) {
  RingReader reader(memory());
  const std::size_t records = data_bytes / ring_record_bytes(0);
  for (std::size_t i = 0; i < records; ++i) {
    publish("");
  }
  ASSERT_EQ(read(reader), ReadResult::record);
  EXPECT_EQ(record_.sequence, 1U);
  publish("");
  publish("");
  EXPECT_EQ(read(reader), ReadResult::overtaken);
}

TEST_F(RingTest, AnAnnouncedRecordOvertakesAReaderBeforeItIsWritten) {
  RingReader reader(memory());
  publish("first");
  header().intent.store(data_bytes + ring_record_align);
  EXPECT_EQ(read(reader), ReadResult::overtaken);
}

TEST_F(RingTest, ALateReaderBeginsWithTheNewestRecord) {
  publish("old");
  publish("new");
  RingReader reader(memory());
  reader.skip_to_newest();
  ASSERT_EQ(read(reader), ReadResult::record);
  EXPECT_EQ(text(), "new");
  EXPECT_EQ(record_.lost, 0U) << "what was before it came is not lost";
}

TEST_F(RingTest, SkippingNeverGoesBack) {
  RingReader reader(memory());
  publish("one");
  ASSERT_EQ(read(reader), ReadResult::record);
  reader.skip_to_newest();
  EXPECT_EQ(read(reader), ReadResult::nothing_new);
}

TEST_F(RingTest, ANewWriterGoesOnWhereTheOldOneWas) {
  RingReader reader(memory());
  for (int i = 0; i < 300; ++i) {
    RingWriter next = RingWriter::attach(memory());
    EXPECT_EQ(next.sequence(), static_cast<std::uint64_t>(i));
    const std::string payload = "record " + std::to_string(i);
    next.publish(RecordType::sync_point, i, bytes_of(payload));
    ASSERT_EQ(read(reader), ReadResult::record);
    EXPECT_EQ(text(), payload);
    EXPECT_EQ(record_.sequence, static_cast<std::uint64_t>(i) + 1);
  }
}

TEST_F(RingTest, ANewWriterDoesNotTakeBackWhatADeadOneHasAnnounced) {
  RingReader reader(memory());
  const std::size_t records = data_bytes / ring_record_bytes(0) - 4;
  for (std::size_t i = 0; i < records; ++i) {
    publish("");
  }
  // Killed after it had begun to write a long record over the first ones.
  header().intent.store(header().tail.load() + 16 * ring_record_align);
  std::fill_n(memory_.get() + sizeof(RingHeader), 12 * ring_record_align, std::byte{0x5a});

  RingWriter next = RingWriter::attach(memory());
  next.publish(RecordType::sync_point, 1, bytes_of("short"));
  EXPECT_EQ(read(reader), ReadResult::overtaken);
  reader.skip_to_newest();
  ASSERT_EQ(read(reader), ReadResult::record);
  EXPECT_EQ(text(), "short");
}

TEST_F(RingTest, ARecordThatMakesNoSenseIsDamageNotARecord) {
  auto* record = reinterpret_cast<RecordHeader*>(memory_.get() + sizeof(RingHeader));
  const auto expect_damage = [&](const char* what) {
    RingReader reader(memory());
    EXPECT_EQ(read(reader), ReadResult::damaged) << what;
  };
  publish("something");
  const RecordHeader good = *record;

  record->length_and_type = std::uint64_t{2} << 32U | 0xffff'fff0U;
  expect_damage("a length beyond all bounds");
  *record = good;
  record->length_and_type = std::uint64_t{2} << 32U | (writer_.payload_bytes_max() + 1);
  expect_damage("a length over the longest");
  *record = good;
  record->position = 32;
  expect_damage("a record that belongs elsewhere");
  *record = good;
  header().tail.store(0);
  header().newest.store(0);
  RingReader reader(memory());
  EXPECT_EQ(read(reader), ReadResult::nothing_new);
}

TEST_F(RingTest, ATailBeforeTheReaderIsDamage) {
  RingReader reader(memory());
  publish("one");
  ASSERT_EQ(read(reader), ReadResult::record);
  header().tail.store(0);
  EXPECT_EQ(read(reader), ReadResult::damaged);
}

TEST_F(RingTest, APayloadLongerThanTheReaderCanHoldIsDamageNotAnOverflow) {
  RingReader reader(memory());
  publish("0123456789");
  std::vector<std::byte> small(9);
  EXPECT_EQ(reader.read(record_, small), ReadResult::damaged);
}

TEST_F(RingTest, AttachingSaysBothVersionsWhenTheyDiffer) {
  header().layout_version = 77;
  try {
    RingReader reader(memory());
    FAIL() << "attached to another layout";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("77"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(std::to_string(ring_layout_version)),
              std::string::npos)
        << error.what();
  }
}

TEST_F(RingTest, AttachingToWhatIsNoRingIsAnError) {
  std::vector<std::byte> nothing(8192);
  EXPECT_THROW(RingReader{std::span<const std::byte>(nothing)}, std::runtime_error);
  EXPECT_THROW(RingReader{std::span<const std::byte>(nothing).first(10)}, std::runtime_error);
  header().data_bytes *= 2;
  EXPECT_THROW(RingReader{memory()}, std::runtime_error);
}

}  // namespace
}  // namespace eradio
