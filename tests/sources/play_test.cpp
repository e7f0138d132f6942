// The play source as a real process, with files of several formats.
#include <algorithm>

#include <gtest/gtest.h>

#include "sources/play/locations.h"
#include "tests/sources/sound.h"
#include "tests/sources/source_process.h"

namespace eradio::test {
namespace {

using Kind = SourceEvent::Kind;
constexpr const char* program = ERADIO_SOURCE_PLAY;
const std::vector<double> tones{440, 554, 659, 784, 932};

class PlaySource : public testing::Test {
 protected:
  // A tone with FFmpeg's generator; `options` choose the format.
  void make(const std::string& name, int hz, const std::string& options, double seconds = 2) {
    const std::string input =
        "-f lavfi -i sine=frequency=" + std::to_string(hz) + ":d=" + std::to_string(seconds);
    if (!run_ffmpeg(input + " " + options + " '" + folder_.path(name) + "'")) {
      FAIL() << "no ffmpeg to make files with: sh packaging/dependencies.sh tests";
    }
  }
  void make_wave(const std::string& name, int hz, double seconds) {
    make(name, hz, "-ar 44100 -ac 2", seconds);
  }
  [[nodiscard]] std::string url(const std::string& name) const {
    return file_url(folder_.path(name));
  }
  // The sound sent from one event to another.
  static std::vector<float> sound_between(const SourceProcess& source, std::size_t from,
                                          std::size_t to) {
    std::vector<Bytes> frames;
    for (std::size_t i = from; i < to; ++i) {
      if (source.events()[i].kind == Kind::data) {
        frames.push_back(source.events()[i].data);
      }
    }
    return decode_mp3(frames);
  }

  TestFolder folder_;
};

TEST_F(PlaySource, PlaysAFolderOfEverythingAndSkipsWhatIsBroken) {
  make("01.wav", 440, "-ar 44100 -ac 2 -metadata artist=Ann -metadata title=One");
  make("02.flac", 554, "-ar 48000 -ac 2 -metadata artist=Bob -metadata title=Zwölf");
  make("03.ogg", 659, "-ar 22050 -ac 1 -c:a libvorbis -metadata title=Ogg");
  make("04.mp3", 784,
       "-f lavfi -i color=red:s=64x64:d=0.04 -map 0 -map 1 -frames:v 1 -c:v mjpeg "
       "-disposition:v attached_pic -c:a libmp3lame -metadata artist=Cy -metadata title=Cover");
  folder_.write("05 broken.mp3", std::string(20000, 'x'));
  folder_.write("sub/", "");
  make("sub/06 a#b.m4a", 932, "-ac 2 -c:a aac");
  folder_.write("cover.jpg", "no sound");

  SourceProcess source({program, "--unpaced", folder_.path()});
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::stopped) == 1; }));
  EXPECT_EQ(source.tracks(), (std::vector<TrackName>{{url("01.wav"), "Ann – One"},
                                                     {url("02.flac"), "Bob – Zwölf"},
                                                     {url("03.ogg"), "Ogg"},
                                                     {url("04.mp3"), "Cy – Cover"},
                                                     {url("sub/06 a#b.m4a"), "06 a#b.m4a"}}));
  EXPECT_TRUE(source.has_log("cannot play " + folder_.path("05 broken.mp3")));
  EXPECT_FALSE(source.has_log("cover.jpg"));

  // Ten seconds went in; encoders pad a little.
  const auto frames = source.data_frames();
  EXPECT_NEAR(static_cast<double>(frames.size()) * 1152 / 44100, 10, 0.2);
  std::for_each(frames.begin(), frames.end(), expect_whole_mp3_frame);

  // Each track is its own tone and as loud as its file. FFmpeg made the stereo ones 3 dB quieter
  // than the mono ones, the third and fourth; LAME takes another half.
  const std::vector<double> levels{0.042, 0.042, 0.059, 0.059, 0.042};
  const auto samples = decode_mp3(frames);
  for (std::size_t i = 0; i < tones.size(); ++i) {
    const auto middle = std::span(samples).subspan(i * 88200 + 22050, 44100);
    EXPECT_EQ(strongest_of(middle, tones), tones[i]);
    EXPECT_NEAR(strength_at(middle, tones[i]), levels[i], 0.004) << tones[i];
  }
  // And no silence is between them.
  for (std::size_t at = 4410; at + 441 < samples.size() - 4410; at += 441) {
    const auto part = std::span(samples).subspan(at, 441);
    EXPECT_GT(*std::max_element(part.begin(), part.end()), 0.03F) << "at sample " << at;
  }
}

TEST_F(PlaySource, StopsAtTheEndOfTheListAndBeginsAgainOnPlay) {
  make_wave("a.wav", 440, 0.3);
  SourceProcess source({program, "--unpaced", folder_.path("a.wav")});
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::stopped) == 1; }));
  const std::size_t frames = source.count(Kind::data);
  source.read_for(std::chrono::milliseconds(100));
  EXPECT_EQ(source.count(Kind::data), frames);
  EXPECT_FALSE(source.ended());
  source.send(SourceCommand::play);
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::stopped) == 2; }));
  EXPECT_NEAR(static_cast<double>(source.count(Kind::data)), 2.0 * static_cast<double>(frames), 2);
  EXPECT_EQ(source.tracks().size(), 2U);
}

TEST_F(PlaySource, ObeysNextAndPreviousPauseAndPlay) {
  make_wave("a.wav", 440, 20);
  make_wave("b.wav", 554, 20);
  SourceProcess source({program, folder_.path()});
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::data) >= 10; }));
  source.send(SourceCommand::next);
  ASSERT_TRUE(source.read_until([&] { return source.tracks().size() == 2; }));
  const std::size_t next_at = source.events().size();
  const std::size_t frames = source.count(Kind::data);
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::data) >= frames + 20; }));
  const auto sound = sound_between(source, next_at, source.events().size());
  EXPECT_EQ(strongest_of(std::span(sound).subspan(4608), tones), 554);

  source.send(SourceCommand::previous);
  ASSERT_TRUE(source.read_until([&] { return source.tracks().size() == 3; }));
  EXPECT_EQ(source.tracks()[1].uri, url("b.wav"));
  EXPECT_EQ(source.tracks()[2].uri, url("a.wav"));

  source.send(SourceCommand::pause);
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::stopped) == 1; }));
  const std::size_t paused = source.count(Kind::data);
  source.read_for(std::chrono::milliseconds(200));
  EXPECT_EQ(source.count(Kind::data), paused);
  source.send(SourceCommand::play);
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::data) >= paused + 5; }));
  EXPECT_EQ(source.tracks().back().uri, url("a.wav"));
}

TEST_F(PlaySource, GoesBackToTheTracksBeginningWhenItIsWellIn) {
  make_wave("a.wav", 440, 1);
  make_wave("b.wav", 554, 60);
  SourceProcess source({program, "--unpaced", folder_.path()});
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::data) >= 300; }));
  source.send(SourceCommand::previous);
  ASSERT_TRUE(source.read_until([&] { return source.tracks().size() == 3; }));
  EXPECT_EQ(source.tracks()[2].uri, url("b.wav"));
}

TEST_F(PlaySource, GoesBackOverATrackThatCannotBePlayed) {
  make_wave("a.wav", 440, 1);
  folder_.write("b.mp3", std::string(5000, 'x'));
  make_wave("c.wav", 554, 20);
  SourceProcess source({program, folder_.path()});
  source.send(SourceCommand::next);
  ASSERT_TRUE(source.read_until(
      [&] { return !source.tracks().empty() && source.tracks().back().uri == url("c.wav"); }));
  source.send(SourceCommand::previous);
  EXPECT_TRUE(source.read_until([&] { return source.tracks().back().uri == url("a.wav"); }));
}

TEST_F(PlaySource, KeepsTheClocksPace) {
  make_wave("a.wav", 440, 20);
  SourceProcess source({program, folder_.path("a.wav")});
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::data) >= 1; }));
  source.read_for(std::chrono::milliseconds(2000));
  const auto& events = source.events();
  const double seconds = static_cast<double>(events.back().time_ns - events.front().time_ns) / 1e9;
  EXPECT_GT(static_cast<double>(source.count(Kind::data)), seconds * 38.28 * 0.8);
  EXPECT_LT(static_cast<double>(source.count(Kind::data)), seconds * 38.28 + 4);
}

TEST_F(PlaySource, LoopsAndTakesNamesFromAPlaylist) {
  make_wave("a.wav", 440, 0.5);
  make_wave("b.wav", 554, 0.5);
  folder_.write("l.m3u", "#EXTINF:1,From the list\nb.wav\na.wav\n");
  SourceProcess source({program, "--unpaced", "--loop", folder_.path("l.m3u")});
  ASSERT_TRUE(source.read_until([&] { return source.tracks().size() >= 4; }));
  const auto tracks = source.tracks();
  EXPECT_EQ(tracks[0], (TrackName{url("b.wav"), "From the list"}));
  EXPECT_EQ(tracks[1], (TrackName{url("a.wav"), "a.wav"}));
  EXPECT_EQ(tracks[2], tracks[0]);
  EXPECT_EQ(tracks[3], tracks[1]);
  EXPECT_EQ(source.count(Kind::stopped), 0U);
}

TEST_F(PlaySource, GoesOnAfterABrokenPartOfAFile) {
  make("a.mp3", 440, "-c:a libmp3lame -b:a 128k", 4);
  Bytes bytes = read_file(folder_.path("a.mp3"));
  ASSERT_GT(bytes.size(), 50000U);
  std::fill(bytes.begin() + 20000, bytes.begin() + 24000, std::byte{0x55});
  folder_.write("a.mp3", std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  SourceProcess source({program, "--unpaced", folder_.path("a.mp3")});
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::stopped) == 1; }));
  EXPECT_GT(source.count(Kind::data), 135U);
}

TEST_F(PlaySource, RestsWhenNothingCanBePlayed) {
  folder_.write("a.mp3", std::string(5000, 'x'));
  SourceProcess source({program, "--loop", folder_.path("a.mp3")});
  source.read_for(std::chrono::milliseconds(2500));
  EXPECT_TRUE(source.has_log("nothing in the list can be played; trying again in 1 s"));
  // At 0 s, at 1 s, and not again before 3 s.
  EXPECT_LE(source.count(Kind::log), 12U);
  EXPECT_FALSE(source.ended());
}

TEST_F(PlaySource, EndsWithAnErrorWhenThereIsNothingToPlay) {
  SourceProcess source({program, folder_.path(), folder_.path("missing.mp3")});
  source.read_for(std::chrono::seconds(10));
  EXPECT_EQ(source.wait(), 1);
  EXPECT_TRUE(source.has_log("missing.mp3"));
  EXPECT_TRUE(source.has_log("nothing to play"));
}

TEST_F(PlaySource, EndsQuietlyWithItsServer) {
  make_wave("a.wav", 440, 20);
  SourceProcess source({program, folder_.path("a.wav")});
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::data) >= 1; }));
  source.close_output();
  EXPECT_EQ(source.wait(), 0);
}

}  // namespace
}  // namespace eradio::test
