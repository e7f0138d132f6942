// The demo source's sound: slow chords of soft pads with a few bells above them, and a short pip
// wherever it is asked for. Pure: numbers in, samples out; knows nothing of clocks or encoders.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace eradio {

// One piece of music: a key, a round of chords, and how slowly they change.
struct DemoTrack {
  std::string_view name;
  std::string_view uri;
  double root_hz;
  double chord_seconds;
  std::array<std::array<int, 4>, 4> chords;  // notes in semitones above the root
};

// The tracks that the demo plays in turn.
std::span<const DemoTrack> demo_tracks();

class DemoMusic {
 public:
  explicit DemoMusic(int sample_rate);

  // From the next sample on; the old track fades under the new one.
  void change_track(const DemoTrack& track);
  // Fills both channels (of equal length, full scale being 1). A pip begins at sample `pip_at`
  // of this call.
  void render(std::span<float> left, std::span<float> right, std::optional<std::size_t> pip_at);

 private:
  // An oscillator: 2^32 steps of phase are one round of the wave.
  struct Tone {
    std::uint32_t phase = 0;
    std::uint32_t step = 0;
  };
  // A chord that swells while it sounds and fades after the next one has begun.
  struct Pad {
    std::array<Tone, 4> left;
    std::array<Tone, 4> right;  // a little higher than left: width, and a slow beat
    float level = 0;
    bool sounding = false;
  };
  struct Bell {
    Tone tone;
    float level = 0;
    float pan = 0;  // 0 left, 1 right
  };

  void begin_chord();
  void strike_bell();
  [[nodiscard]] std::uint32_t step_of(double hz) const;
  [[nodiscard]] float pip_sample();

  double sample_rate_;
  std::vector<float> pad_wave_;
  std::vector<float> sine_wave_;
  const DemoTrack* track_ = nullptr;
  std::size_t chord_ = 0;  // of the track's round
  std::int64_t chord_samples_left_ = 0;
  std::int64_t bell_samples_left_ = 0;
  std::size_t bells_struck_ = 0;
  std::array<Pad, 3> pads_;  // one sounds, the others fade
  std::size_t pad_ = 0;
  std::array<Bell, 3> bells_;
  Tone pip_;
  std::int64_t pip_samples_left_ = 0;
};

}  // namespace eradio
