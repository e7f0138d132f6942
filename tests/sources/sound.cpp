#include "tests/sources/sound.h"

#include <stdlib.h>

#include <cmath>
#include <complex>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>

#include <gtest/gtest.h>

#include "common/check.h"
#include "sources/ffmpeg_handles.h"
#include "sources/mp3_encoder.h"
#include "sources/mpeg_audio_header.h"

namespace eradio::test {

std::vector<Bytes> make_mp3_frames(std::size_t count, double hz) {
  Mp3Encoder encoder(128);
  std::vector<Bytes> frames;
  std::vector<float> samples(Mp3Encoder::frame_samples);
  double angle = 0;
  while (frames.size() < count) {
    for (float& sample : samples) {
      sample = static_cast<float>(0.5 * std::sin(angle));
      angle += 2 * std::numbers::pi * hz / Mp3Encoder::sample_rate;
    }
    if (const auto frame = encoder.encode(samples, samples)) {
      frames.emplace_back(frame->begin(), frame->end());
    }
  }
  return frames;
}

Bytes join(const std::vector<Bytes>& frames) {
  Bytes all;
  for (const Bytes& frame : frames) {
    all.insert(all.end(), frame.begin(), frame.end());
  }
  return all;
}

Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::vector<float> decode_mp3(std::span<const Bytes> frames) {
  const AVCodec* codec = ::avcodec_find_decoder(AV_CODEC_ID_MP3);
  ERADIO_CHECK(codec != nullptr);
  const auto decoder = own_ffmpeg(::avcodec_alloc_context3(codec));
  check_ffmpeg(::avcodec_open2(decoder.get(), codec, nullptr), "cannot open the MP3 decoder");
  const auto packet = own_ffmpeg(::av_packet_alloc());
  const auto frame = own_ffmpeg(::av_frame_alloc());
  std::vector<float> samples;
  for (const Bytes& bytes : frames) {
    check_ffmpeg(::av_new_packet(packet.get(), static_cast<int>(bytes.size())), "no memory");
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::byte*>(packet->data));
    EXPECT_EQ(::avcodec_send_packet(decoder.get(), packet.get()), 0);
    ::av_packet_unref(packet.get());
    while (::avcodec_receive_frame(decoder.get(), frame.get()) == 0) {
      const auto* left = reinterpret_cast<const float*>(frame->extended_data[0]);
      samples.insert(samples.end(), left, left + frame->nb_samples);
    }
  }
  return samples;
}

double strength_at(std::span<const float> samples, double hz, int sample_rate) {
  std::complex<double> sum = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double angle = 2 * std::numbers::pi * hz * static_cast<double>(i) / sample_rate;
    sum += static_cast<double>(samples[i]) * std::polar(1.0, angle);
  }
  return samples.empty() ? 0 : std::abs(sum) / static_cast<double>(samples.size());
}

double strongest_of(std::span<const float> samples, const std::vector<double>& frequencies) {
  double best = 0;
  double best_strength = 0;
  for (const double hz : frequencies) {
    const double strength = strength_at(samples, hz);
    if (strength > best_strength) {
      best = hz;
      best_strength = strength;
    }
  }
  return best;
}

void expect_whole_mp3_frame(std::span<const std::byte> frame) {
  const auto header = parse_mpeg_audio_header(frame);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->layer, 3);
  EXPECT_EQ(header->sample_rate, 44100);
  EXPECT_EQ(header->channels, 2);
  EXPECT_EQ(header->frame_bytes, frame.size());
  EXPECT_EQ(reservoir_bytes(*header, frame), 0U);
}

bool run_ffmpeg(const std::string& arguments) {
  const std::string command = "ffmpeg -nostdin -v error -y " + arguments;
  return std::system(command.c_str()) == 0;
}

TestFolder::TestFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "eradio-test-XXXXXX").string();
  ERADIO_CHECK(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TestFolder::path(const std::string& name) const {
  return name.empty() ? path_ : path_ + "/" + name;
}

void TestFolder::write(const std::string& name, const std::string& content) const {
  std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
  std::ofstream(path(name), std::ios::binary) << content;
}

}  // namespace eradio::test
