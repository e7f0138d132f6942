#include "sources/pipe/frame_finder.h"

#include <algorithm>
#include <random>
#include <string_view>

#include <gtest/gtest.h>

#include "sources/mpeg_audio_header.h"
#include "tests/sources/sound.h"

namespace eradio {
namespace {

using test::Bytes;
using test::join;
using test::make_mp3_frames;

struct Gap {
  std::uint64_t offset;
  std::uint64_t bytes;
  bool operator==(const Gap&) const = default;
};

struct Found final : FoundFrameSink {
  std::vector<Bytes> frames;
  std::vector<Gap> gaps;
  std::vector<Gap> long_gaps;
  std::vector<Gap> truncations;

  void found_frame(StreamFormat, std::span<const std::byte> frame) override {
    frames.emplace_back(frame.begin(), frame.end());
  }
  void skipped(std::uint64_t offset, std::uint64_t bytes) override {
    gaps.push_back({offset, bytes});
  }
  void no_frames_since(std::uint64_t offset, std::uint64_t bytes) override {
    long_gaps.push_back({offset, bytes});
  }
  void truncated(std::uint64_t offset, std::uint64_t bytes) override {
    truncations.push_back({offset, bytes});
  }
  bool operator==(const Found& other) const {
    return frames == other.frames && gaps == other.gaps && truncations == other.truncations;
  }
};

Found find(std::span<const std::byte> stream, std::size_t piece_bytes = 1 << 20,
           StreamFormat format = StreamFormat::automatic) {
  Found found;
  FrameFinder finder(format, found);
  while (!stream.empty()) {
    const std::size_t bytes = std::min(piece_bytes, stream.size());
    finder.feed(stream.first(bytes));
    stream = stream.subspan(bytes);
  }
  finder.finish();
  return found;
}

Bytes text(std::string_view characters) {
  const auto bytes = std::as_bytes(std::span(characters));
  return {bytes.begin(), bytes.end()};
}

void overwrite(Bytes& bytes, std::size_t offset, std::span<const std::byte> with) {
  for (const std::byte byte : with) {
    bytes.at(offset++) = byte;
  }
}

Bytes noise(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bytes(count);
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(random());
  }
  return bytes;
}

// A frame of AAC-LC, 44.1 kHz, stereo, with a body of our own.
Bytes adts_frame(std::size_t body_bytes, unsigned fill) {
  const std::size_t bytes = 7 + body_bytes;
  Bytes frame{std::byte{0xff},
              std::byte{0xf1},
              std::byte{0x50},
              static_cast<std::byte>(0x80U | bytes >> 11U),
              static_cast<std::byte>(bytes >> 3U),
              static_cast<std::byte>((bytes & 7U) << 5U | 0x1fU),
              std::byte{0xfc}};
  frame.resize(bytes, static_cast<std::byte>(fill));
  return frame;
}

Bytes id3v2(std::size_t body_bytes) {
  Bytes tag = text("ID3");
  for (const std::size_t value :
       {std::size_t{4}, std::size_t{0}, std::size_t{0}, std::size_t{0}, body_bytes >> 14U,
        body_bytes >> 7U & 0x7fU, body_bytes & 0x7fU}) {
    tag.push_back(static_cast<std::byte>(value));
  }
  tag.resize(tag.size() + body_bytes, std::byte{0xff});
  return tag;
}

Bytes id3v1() {
  Bytes tag = text("TAG");
  tag.resize(128, std::byte{' '});
  return tag;
}

Bytes ape(bool header, std::size_t items_bytes) {
  Bytes part = text("APETAGEX");
  part.resize(32);
  part[12] = static_cast<std::byte>(items_bytes + 32);
  part[23] = header ? std::byte{0xa0} : std::byte{0x80};
  return part;
}

TEST(FrameFinder, PassesACleanStreamOnWhole) {
  const auto frames = make_mp3_frames(20);
  const Found found = find(join(frames));
  EXPECT_EQ(found.frames, frames);
  EXPECT_TRUE(found.gaps.empty());
  EXPECT_TRUE(found.truncations.empty());
}

TEST(FrameFinder, FindsTheSameHoweverTheStreamIsCut) {
  const auto frames = make_mp3_frames(6);
  Bytes ape_tag = ape(true, 40);
  ape_tag.resize(ape_tag.size() + 40, std::byte{0xff});
  const Bytes footer = ape(false, 40);
  ape_tag.insert(ape_tag.end(), footer.begin(), footer.end());
  const Bytes cut_off(frames[5].begin(), frames[5].begin() + 100);
  const Bytes stream =
      join({noise(300, 1), id3v2(300), frames[0], frames[1], text("IDontTAG"), frames[2], frames[3],
            id3v1(), ape_tag, noise(50, 2), frames[4], frames[5], id3v2(5), frames[4], cut_off});
  const Found whole = find(stream);
  EXPECT_EQ(whole.frames, (std::vector<Bytes>{frames[0], frames[1], frames[2], frames[3], frames[4],
                                              frames[5], frames[4]}));
  EXPECT_EQ(whole.gaps.size(), 3U);
  ASSERT_EQ(whole.truncations.size(), 1U);
  EXPECT_EQ(whole.truncations[0], (Gap{stream.size() - 100, 100}));
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 100U, 417U, 418U, 419U}) {
    EXPECT_EQ(find(stream, piece), whole) << "in pieces of " << piece;
  }
  // In two pieces, at every byte.
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    Found found;
    FrameFinder finder(StreamFormat::automatic, found);
    finder.feed(std::span(stream).first(cut));
    finder.feed(std::span(stream).subspan(cut));
    finder.finish();
    ASSERT_EQ(found, whole) << "cut at " << cut;
  }
}

TEST(FrameFinder, SaysWhereAGapIsAndHowLong) {
  const auto frames = make_mp3_frames(4);
  const Found found = find(
      join({text("hello"), frames[0], frames[1], Bytes(1000), frames[2], frames[3], text("bye")}));
  EXPECT_EQ(found.frames, frames);
  const std::uint64_t second = 5 + frames[0].size() + frames[1].size();
  const std::uint64_t third = second + 1000 + frames[2].size() + frames[3].size();
  EXPECT_EQ(found.gaps, (std::vector<Gap>{{0, 5}, {second, 1000}, {third, 3}}));
}

TEST(FrameFinder, IsNotTakenInByAHeaderWithinSound) {
  const auto frames = make_mp3_frames(4);
  // The stream begins in the middle of a frame that contains what looks like a header.
  Bytes rest(frames[0].begin() + 50, frames[0].end());
  overwrite(rest, 20, std::span(frames[1]).first(4));
  const Found found = find(join({rest, frames[1], frames[2], frames[3]}));
  EXPECT_EQ(found.frames, (std::vector<Bytes>{frames[1], frames[2], frames[3]}));
  EXPECT_EQ(found.gaps, (std::vector<Gap>{{0, rest.size()}}));
}

TEST(FrameFinder, LosesOneFrameWhenBytesAreMissing) {
  const auto frames = make_mp3_frames(6);
  Bytes cut = frames[2];
  cut.erase(cut.begin() + 100, cut.begin() + 200);
  const Found found = find(join({frames[0], frames[1], cut, frames[3], frames[4], frames[5]}));
  // The third is as long as its header says, so a part of the fourth is taken for it.
  ASSERT_EQ(found.frames.size(), 5U);
  EXPECT_EQ(found.frames[3], frames[4]);
  EXPECT_EQ(found.frames[4], frames[5]);
}

TEST(FrameFinder, SkipsTagsQuietly) {
  const auto frames = make_mp3_frames(4);
  const Found found = find(
      join({id3v2(5000), frames[0], frames[1], id3v1(), id3v2(17), frames[2], frames[3], id3v1()}));
  EXPECT_EQ(found.frames, frames);
  EXPECT_TRUE(found.gaps.empty());
}

TEST(FrameFinder, SkipsTheFrameThatDescribesAFile) {
  const auto frames = make_mp3_frames(3);
  Bytes info = frames[0];
  std::fill(info.begin() + 4, info.end(), std::byte{0});
  overwrite(info, 36, text("Info"));
  const Found found = find(join({info, frames[1], frames[2]}));
  EXPECT_EQ(found.frames, (std::vector<Bytes>{frames[1], frames[2]}));
  EXPECT_TRUE(found.gaps.empty());
}

TEST(FrameFinder, FindsAac) {
  std::vector<Bytes> frames;
  for (unsigned i = 0; i < 10; ++i) {
    frames.push_back(adts_frame(100 + 300 * i, i));
  }
  const Bytes stream = join({text("xyz"), join(frames)});
  for (const std::size_t piece : {1U, 13U, 5000U}) {
    const Found found = find(stream, piece);
    EXPECT_EQ(found.frames, frames);
    EXPECT_EQ(found.gaps, (std::vector<Gap>{{0, 3}}));
  }
  EXPECT_TRUE(find(stream, 1000, StreamFormat::mp3).frames.empty());
}

TEST(FrameFinder, KeepsToTheFormatItFoundFirst) {
  const auto mp3 = make_mp3_frames(3);
  const Found found = find(join({join(mp3), adts_frame(50, 1), adts_frame(50, 1), mp3[0], mp3[1]}));
  EXPECT_EQ(found.frames.size(), 5U);
  EXPECT_EQ(found.gaps, (std::vector<Gap>{{join(mp3).size(), 114}}));
}

TEST(FrameFinder, FollowsAStreamThatChangesItsSampleRate) {
  const auto mp3 = make_mp3_frames(3);
  Bytes other(208);  // MPEG-2, 64 kbit/s, 22.05 kHz
  other[0] = std::byte{0xff};
  other[1] = std::byte{0xf3};
  other[2] = std::byte{0x80};
  const Found found = find(join({join(mp3), other, other, other}));
  EXPECT_EQ(found.frames.size(), 6U);
  EXPECT_TRUE(found.gaps.empty());
}

TEST(FrameFinder, ReportsALongGapBeforeItsEnd) {
  Found found;
  FrameFinder finder(StreamFormat::automatic, found);
  for (int i = 0; i < 300; ++i) {
    finder.feed(Bytes(1000));
  }
  EXPECT_EQ(found.long_gaps, (std::vector<Gap>{{0, FrameFinder::long_gap_bytes}}));
  EXPECT_TRUE(found.gaps.empty());
  finder.finish();
  EXPECT_EQ(found.gaps, (std::vector<Gap>{{0, 300000}}));
}

TEST(FrameFinder, FindsNothingWrongWithNoise) {
  const Bytes stream = noise(200000, 3);
  const Found found = find(stream, 4096);
  std::uint64_t bytes = 0;
  for (const auto& frame : found.frames) {
    bytes += frame.size();
  }
  EXPECT_LT(bytes, 20000U);
}

TEST(FrameFinder, TakesNothingFromNothing) {
  EXPECT_EQ(find({}), Found{});
  EXPECT_EQ(find(text("I")).gaps, (std::vector<Gap>{{0, 1}}));
}

}  // namespace
}  // namespace eradio
