// The pipe source as a real process.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/sources/sound.h"
#include "tests/sources/source_process.h"

namespace eradio::test {
namespace {

using Kind = SourceEvent::Kind;
constexpr const char* program = ERADIO_SOURCE_PIPE;

class PipeSourceProgram : public testing::Test {
 protected:
  void write(const std::string& name, const Bytes& bytes) const {
    folder_.write(name, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  // Runs a shell command with its encoder's output.
  [[nodiscard]] std::vector<std::string> shell(const std::string& script) const {
    return {program, "--name", "A name",
            "--uri", "x:y",    "--",
            "sh",    "-c",     "cd " + folder_.path() + "; " + script};
  }

  TestFolder folder_;
};

TEST_F(PipeSourceProgram, PassesFramesOnAndReportsGarbageAndTheEncodersEnd) {
  const auto frames = make_mp3_frames(30);
  write("stream", join({frames[0], frames[1], Bytes(77), join({frames.begin() + 2, frames.end()}),
                        Bytes(frames[0].begin(), frames[0].begin() + 50)}));
  SourceProcess source(shell("cat stream; exit 3"));
  source.read_for(std::chrono::seconds(10));
  ASSERT_TRUE(source.ended());
  EXPECT_EQ(source.wait(), 3);
  EXPECT_EQ(source.data_frames(), frames);
  EXPECT_EQ(source.tracks(), (std::vector<TrackName>{{"x:y", "A name"}}));
  const std::size_t gap_at = frames[0].size() + frames[1].size();
  EXPECT_TRUE(source.has_log("skipped 77 bytes at offset " + std::to_string(gap_at)));
  EXPECT_TRUE(source.has_log("50 bytes into the frame"));
  EXPECT_TRUE(source.has_log("sh exited with status 3"));
  ASSERT_FALSE(source.events().empty());
  EXPECT_EQ(source.events().back().kind, Kind::stopped);
  EXPECT_EQ(source.count(Kind::broken), 0U);
}

TEST_F(PipeSourceProgram, EndsWellWithAnEncoderThatDoes) {
  write("stream", join(make_mp3_frames(5)));
  SourceProcess source(shell("cat stream"));
  source.read_for(std::chrono::seconds(10));
  EXPECT_EQ(source.wait(), 0);
  EXPECT_EQ(source.count(Kind::data), 5U);
}

TEST_F(PipeSourceProgram, PassesRealAacOn) {
  if (!run_ffmpeg("-f lavfi -i sine=440:d=2 -ac 2 -f adts " + folder_.path("stream"))) {
    FAIL() << "no ffmpeg to make files with: sh packaging/dependencies.sh tests";
  }
  SourceProcess source(shell("cat stream"));
  source.read_for(std::chrono::seconds(10));
  EXPECT_EQ(source.wait(), 0);
  EXPECT_NEAR(static_cast<double>(source.count(Kind::data)), 2 * 44100 / 1024.0, 4);
  EXPECT_EQ(join(source.data_frames()), read_file(folder_.path("stream")));
}

TEST_F(PipeSourceProgram, DropsWhatIsPlayedWhilePaused) {
  write("stream", join(make_mp3_frames(2)));
  SourceProcess source(shell("while :; do cat stream; sleep 0.02; done"));
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::data) >= 10; }));
  source.send(SourceCommand::pause);
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::stopped) == 1; }));
  const std::size_t frames = source.count(Kind::data);
  source.read_for(std::chrono::milliseconds(200));
  EXPECT_EQ(source.count(Kind::data), frames);
  source.send(SourceCommand::play);
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::data) >= frames + 10; }));
  EXPECT_EQ(source.tracks().size(), 2U);
}

// The encoder, and what it has started, must not outlive the source.
class PipeSourceEnd : public PipeSourceProgram {
 protected:
  // Starts an encoder that writes its own process id and its child's to files.
  void SetUp() override {
    write("stream", join(make_mp3_frames(2)));
    source_ = std::make_unique<SourceProcess>(
        shell("echo $$ > ids; sleep 1000 & echo $! >> ids; trap 'echo bye > bye; exit' TERM; "
              "while :; do cat stream; sleep 0.02; done"));
    ASSERT_TRUE(source_->read_until([&] { return source_->count(Kind::data) >= 4; }));
  }
  void expect_all_gone() {
    std::ifstream ids(folder_.path("ids"));
    int count = 0;
    for (std::string id; ids >> id; ++count) {
      bool gone = false;
      for (int i = 0; i < 200 && !gone; ++i) {
        std::ifstream stat("/proc/" + id + "/stat");
        const std::string text{std::istreambuf_iterator<char>(stat), {}};
        gone = text.empty() || text.find(") Z ") != std::string::npos;
        ::usleep(10000);
      }
      EXPECT_TRUE(gone) << id;
    }
    EXPECT_EQ(count, 2);
    EXPECT_TRUE(std::filesystem::exists(folder_.path("bye")));  // it was asked, not just killed
  }
  std::unique_ptr<SourceProcess> source_;
};

TEST_F(PipeSourceEnd, StopsTheEncoderOnSigterm) {
  source_->terminate();
  EXPECT_EQ(source_->wait(), 0);
  expect_all_gone();
}

TEST_F(PipeSourceEnd, StopsTheEncoderWhenItsServerIsGone) {
  source_->close_output();
  EXPECT_EQ(source_->wait(), 0);
  expect_all_gone();
}

TEST_F(PipeSourceEnd, StopsTheEncoderOnSigtermWhenNobodyReads) {
  ::usleep(300000);  // not enough to fill the pipe, but it has frames to write all the time
  source_->terminate();
  EXPECT_EQ(source_->wait(), 0);
  expect_all_gone();
}

TEST_F(PipeSourceProgram, CanBeStoppedWhileTheServersPipeIsFull) {
  SourceProcess source(shell("while :; do cat stream; done"));
  write("stream", join(make_mp3_frames(40)));
  ::usleep(500000);  // far more than a pipe holds has been written by now
  source.terminate();
  EXPECT_EQ(source.wait(), 0);
}

TEST_F(PipeSourceProgram, EndsThoughAnEncodersChildKeepsThePipeOpen) {
  write("stream", join(make_mp3_frames(3)));
  SourceProcess source(shell("cat stream; sleep 1000 & exit 4"));
  source.read_for(std::chrono::seconds(10));
  EXPECT_EQ(source.wait(), 4);
  EXPECT_EQ(source.count(Kind::data), 3U);
}

TEST_F(PipeSourceProgram, SaysThatACommandCannotBeRun) {
  SourceProcess source({program, "--", "/no/such/encoder"});
  source.read_for(std::chrono::seconds(10));
  EXPECT_EQ(source.wait(), 1);
  EXPECT_TRUE(source.has_log("/no/such/encoder"));
}

TEST_F(PipeSourceProgram, ReadsStandardInputWithoutACommand) {
  const auto frames = make_mp3_frames(5);
  write("stream", join(frames));
  SourceProcess source({"sh", "-c", "cat \"$1\" | \"$2\"", "sh", folder_.path("stream"), program});
  source.read_for(std::chrono::seconds(10));
  EXPECT_EQ(source.data_frames(), frames);
  EXPECT_EQ(source.tracks(), (std::vector<TrackName>{{}}));
  ASSERT_FALSE(source.events().empty());
  EXPECT_EQ(source.events().back().kind, Kind::stopped);
}

TEST_F(PipeSourceProgram, RejectsWrongOptions) {
  SourceProcess source({program, "--format", "ogg", "--", "true"});
  EXPECT_EQ(source.wait(), 2);
}

}  // namespace
}  // namespace eradio::test
