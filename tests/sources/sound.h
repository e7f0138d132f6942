// Sound for the tests: MP3 frames made, decoded and listened to.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace eradio::test {

using Bytes = std::vector<std::byte>;

// `count` MP3 frames of a sine, as eradio's own encoder makes them.
std::vector<Bytes> make_mp3_frames(std::size_t count, double hz = 440);
Bytes join(const std::vector<Bytes>& frames);
Bytes read_file(const std::string& path);

// Decodes each frame by itself, in order; the left channel. Adds a test failure for a frame that
// cannot be decoded.
std::vector<float> decode_mp3(std::span<const Bytes> frames);
// How strong one frequency is in the samples: 0.5 for a sine of full scale.
double strength_at(std::span<const float> samples, double hz, int sample_rate = 44100);
// The one of these frequencies that is strongest.
double strongest_of(std::span<const float> samples, const std::vector<double>& frequencies);

// Checks that a data frame is exactly one MP3 frame that needs no other.
void expect_whole_mp3_frame(std::span<const std::byte> frame);

// Runs the ffmpeg program; false when that fails.
bool run_ffmpeg(const std::string& arguments);

// A folder of this test's own, removed with everything in it.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  [[nodiscard]] std::string path(const std::string& name = "") const;
  void write(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

}  // namespace eradio::test
