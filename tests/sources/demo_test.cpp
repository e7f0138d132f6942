// The demo source as a real process.
#include <cmath>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/sources/sound.h"
#include "tests/sources/source_process.h"

namespace eradio::test {
namespace {

using Kind = SourceEvent::Kind;
constexpr const char* program = ERADIO_SOURCE_DEMO;

TEST(DemoSource, SendsOneWholeMp3FrameInEachDataFrame) {
  SourceProcess source({program, "--unpaced"});
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::data) >= 300; }));
  EXPECT_EQ(source.events().front().kind, Kind::started);
  EXPECT_EQ(source.count(Kind::broken), 0U);
  const auto frames = source.data_frames();
  for (const auto& frame : frames) {
    expect_whole_mp3_frame(frame);
  }
  // And there is sound in it, of a decent level and without clipping.
  const auto samples = decode_mp3(frames);
  double energy = 0;
  float peak = 0;
  for (const float sample : samples) {
    energy += static_cast<double>(sample) * static_cast<double>(sample);
    peak = std::max(peak, std::abs(sample));
  }
  EXPECT_GT(std::sqrt(energy / static_cast<double>(samples.size())), 0.03);
  EXPECT_LT(peak, 1.0F);
}

TEST(DemoSource, PipsOncePerSecond) {
  SourceProcess source({program, "--unpaced"});
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::data) >= 400; }));
  const auto samples = decode_mp3(source.data_frames());
  // The pip is the only thing at 1760 Hz that begins within 10 ms. Windows overlap, so that one of
  // them is full of pip and the one before it has none, wherever in the second the sound begins.
  constexpr std::size_t window = 882;  // 20 ms
  constexpr std::size_t step = window / 4;
  const auto strength = [&](std::size_t at) {
    return strength_at(std::span(samples).subspan(at, window), 1760);
  };
  std::vector<std::size_t> pips;
  for (std::size_t at = window; at + window <= samples.size(); at += step) {
    if ((pips.empty() || at - pips.back() > 22050) && strength(at) > 0.08 &&
        strength(at - window) < 0.04) {
      pips.push_back(at);
    }
  }
  ASSERT_GE(pips.size(), 9U);  // in 10.4 s
  for (std::size_t i = 1; i < pips.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(pips[i] - pips[i - 1]), 44100, 2 * window);
  }
}

TEST(DemoSource, KeepsTheClocksPace) {
  SourceProcess source({program});
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::data) >= 1; }));
  const std::int64_t begin_ns = monotonic_ns();
  source.read_for(std::chrono::milliseconds(3000));
  const double seconds = static_cast<double>(monotonic_ns() - begin_ns) / ns_per_second;
  const double expected = seconds * 44100 / 1152;
  const auto frames = static_cast<double>(source.count(Kind::data) - 1);
  EXPECT_GT(frames, expected * 0.8);
  EXPECT_LT(frames, expected + 4);  // never faster, however loaded the machine
}

TEST(DemoSource, ObeysPauseAndPlay) {
  SourceProcess source({program});
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::data) >= 5; }));
  source.send(SourceCommand::pause);
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::stopped) == 1; }));
  const std::size_t frames = source.count(Kind::data);
  source.read_for(std::chrono::milliseconds(200));
  EXPECT_EQ(source.count(Kind::data), frames);
  source.send(SourceCommand::play);
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::data) >= frames + 5; }));
  ASSERT_EQ(source.tracks().size(), 2U);
  EXPECT_EQ(source.tracks()[0], source.tracks()[1]);
}

TEST(DemoSource, ObeysNextAndPreviousAtOnce) {
  SourceProcess source({program});
  ASSERT_TRUE(source.read_until([&] { return source.tracks().size() == 1; }));
  source.send(SourceCommand::next);
  ASSERT_TRUE(source.read_until([&] { return source.tracks().size() == 2; }));
  source.send(SourceCommand::previous);
  ASSERT_TRUE(source.read_until([&] { return source.tracks().size() == 3; }));
  EXPECT_NE(source.tracks()[0], source.tracks()[1]);
  EXPECT_EQ(source.tracks()[0], source.tracks()[2]);
}

TEST(DemoSource, ChangesTracksByItself) {
  SourceProcess source({program, "--unpaced", "--track-seconds", "2"});
  ASSERT_TRUE(source.read_until([&] { return source.tracks().size() == 3; }));
  // What was read in one piece with the third track's beginning does not count.
  std::size_t frames = 0;
  std::size_t tracks = 0;
  for (const SourceEvent& event : source.events()) {
    tracks += event.kind == Kind::started ? 1 : 0;
    frames += event.kind == Kind::data && tracks < 3 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(frames) * 1152 / 44100, 4, 0.1);
}

TEST(DemoSource, EndsQuietlyWithItsServer) {
  SourceProcess source({program});
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::data) >= 1; }));
  source.close_output();
  EXPECT_EQ(source.wait(), 0);
}

TEST(DemoSource, EndsWithItsServerWhilePaused) {
  SourceProcess source({program});
  source.send(SourceCommand::pause);
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::stopped) == 1; }));
  source.close_output();
  EXPECT_EQ(source.wait(), 0);
}

TEST(DemoSource, RejectsWrongOptions) {
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"--bitrate", "129"}, {"--track-seconds", "0"}, {"--no"}, {"x"}}) {
    std::vector<std::string> command{program};
    command.insert(command.end(), wrong.begin(), wrong.end());
    SourceProcess source(command);
    EXPECT_EQ(source.wait(), 2) << wrong.front();
  }
}

}  // namespace
}  // namespace eradio::test
