#include "common/source_frame_writer.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/descriptor.h"
#include "common/source_frame_parser.h"
#include "common/system_error.h"

namespace eradio {
namespace {

class LastEvent : public SourceFrameSink {
 public:
  void log(SourceLogLevel level, std::string_view text) override {
    log_level = level;
    log_text = text;
  }
  void data(FrameKind frame_kind, std::span<const std::byte> frame) override {
    kinds.push_back(frame_kind);
    data_bytes = frame.size();
  }
  void started(const std::optional<TrackName>& started_track) override { track = started_track; }
  void stopped() override { ++stops; }
  void broken(const BrokenSourceFrame& frame) override { FAIL() << frame.reason; }

  SourceLogLevel log_level{};
  std::string log_text;
  std::vector<FrameKind> kinds;
  std::size_t data_bytes = 0;
  std::optional<TrackName> track;
  int stops = 0;
};

class SourceFrameWriterTest : public testing::Test {
 protected:
  SourceFrameWriterTest() {
    std::array<int, 2> ends{};
    check_syscall(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    read_end = Descriptor(ends[0]);
    write_end = Descriptor(ends[1]);
    ::signal(SIGPIPE, SIG_IGN);
  }

  // Closes the writing end and parses everything that was written.
  void parse_all() {
    write_end.reset();
    SourceFrameParser parser(1 << 20, sink);
    std::array<std::byte, 4096> buffer{};
    for (ssize_t got = 0; (got = ::read(read_end.number(), buffer.data(), buffer.size())) > 0;) {
      parser.feed(std::span(buffer).first(static_cast<std::size_t>(got)));
    }
    parser.finish();
  }

  Descriptor read_end;
  Descriptor write_end;
  LastEvent sink;
};

TEST_F(SourceFrameWriterTest, SaysWhatKindOfFrameItIs) {
  SourceFrameWriter writer(write_end.number());
  EXPECT_TRUE(writer.data(FrameKind::sync_point, std::array<std::byte, 1>{}));
  EXPECT_TRUE(writer.data(FrameKind::dependent, std::array<std::byte, 1>{}));
  EXPECT_TRUE(writer.data(FrameKind::header, std::array<std::byte, 3>{}));
  parse_all();
  EXPECT_EQ(sink.kinds,
            (std::vector{FrameKind::sync_point, FrameKind::dependent, FrameKind::header}));
  EXPECT_EQ(sink.data_bytes, 3U);
}

TEST_F(SourceFrameWriterTest, WhatItWritesTheParserReads) {
  SourceFrameWriter writer(write_end.number());
  EXPECT_TRUE(writer.log(SourceLogLevel::warning, "careful"));
  EXPECT_TRUE(writer.data(std::array<std::byte, 100>{}));
  EXPECT_TRUE(writer.started("uri", "name"));
  EXPECT_TRUE(writer.stopped());
  parse_all();
  EXPECT_EQ(sink.log_level, SourceLogLevel::warning);
  EXPECT_EQ(sink.log_text, "careful");
  EXPECT_EQ(sink.data_bytes, 100U);
  EXPECT_EQ(sink.track, (TrackName{.uri = "uri", .name = "name"}));
  EXPECT_EQ(sink.stops, 1);
}

TEST_F(SourceFrameWriterTest, ANameThatIsTooLongIsCutBetweenTwoCharacters) {
  std::string name(source_name_bytes_max - 1, 'x');
  name += "ä";  // its second byte does not fit any more
  std::thread writing([&] {
    SourceFrameWriter writer(write_end.number());
    EXPECT_TRUE(writer.started("", name));
    write_end.reset();
  });
  SourceFrameParser parser(1 << 20, sink);
  std::array<std::byte, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(read_end.number(), buffer.data(), buffer.size())) > 0;) {
    parser.feed(std::span(buffer).first(static_cast<std::size_t>(got)));
  }
  writing.join();
  ASSERT_TRUE(sink.track);
  EXPECT_EQ(sink.track->name, std::string(source_name_bytes_max - 1, 'x'));
}

TEST_F(SourceFrameWriterTest, WaitsForANonBlockingPipeToTakeMore) {
  set_nonblocking(write_end.number());
  std::thread writing([&] {
    SourceFrameWriter writer(write_end.number());
    EXPECT_TRUE(writer.data(std::vector<std::byte>(500'000)));  // more than a pipe holds
    write_end.reset();
  });
  SourceFrameParser parser(1 << 20, sink);
  std::array<std::byte, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(read_end.number(), buffer.data(), buffer.size())) > 0;) {
    parser.feed(std::span(buffer).first(static_cast<std::size_t>(got)));
  }
  writing.join();
  EXPECT_EQ(sink.data_bytes, 500'000U);
}

TEST_F(SourceFrameWriterTest, SaysWhenTheServerHasGone) {
  read_end.reset();
  SourceFrameWriter writer(write_end.number());
  EXPECT_FALSE(writer.stopped());
}

}  // namespace
}  // namespace eradio
