#include "sources/demo/demo_music.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/check.h"

namespace eradio {
namespace {

constexpr std::array<DemoTrack, 6> tracks{{
    {"eradio demo – Morning in D",
     "eradio:demo:morning-in-d",
     146.83,
     5.0,
     {{{0, 7, 12, 16}, {-3, 4, 9, 16}, {-7, 5, 9, 14}, {-5, 7, 11, 14}}}},
    {"eradio demo – Harbour at night",
     "eradio:demo:harbour-at-night",
     110.00,
     6.0,
     {{{0, 7, 12, 15}, {-4, 3, 8, 15}, {-7, 5, 8, 12}, {-2, 5, 10, 14}}}},
    {"eradio demo – Glass mountains",
     "eradio:demo:glass-mountains",
     174.61,
     4.0,
     {{{0, 7, 14, 16}, {2, 9, 14, 18}, {-3, 7, 12, 16}, {-5, 2, 11, 14}}}},
    {"eradio demo – Slow train home",
     "eradio:demo:slow-train-home",
     130.81,
     4.5,
     {{{0, 4, 11, 14}, {-3, 7, 12, 16}, {2, 5, 9, 12}, {-5, 5, 11, 14}}}},
    {"eradio demo – Snow over the islands",
     "eradio:demo:snow-over-the-islands",
     123.47,
     6.5,
     {{{0, 7, 10, 15}, {-2, 5, 10, 17}, {-4, 3, 10, 12}, {-5, 5, 7, 14}}}},
    {"eradio demo – Lanterns",
     "eradio:demo:lanterns",
     164.81,
     5.5,
     {{{0, 7, 12, 19}, {-5, 7, 11, 16}, {-3, 4, 12, 16}, {-7, 5, 9, 12}}}},
}};

constexpr std::size_t wave_bits = 11;
constexpr std::size_t wave_samples = std::size_t{1} << wave_bits;
constexpr double pip_hz = 1760;
constexpr double pip_seconds = 0.04;
constexpr float pad_gain = 0.075F;  // of each of the four notes
constexpr float bell_gain = 0.09F;
constexpr float pip_gain = 0.3F;
constexpr double swell_seconds = 1.2;  // time constants of the pads
constexpr double fade_seconds = 0.8;
constexpr double ring_seconds = 0.9;  // of the bells

// How far a level moves to its goal in one sample, for a time constant.
float glide(double sample_rate, double seconds) {
  return static_cast<float>(1.0 - std::exp(-1.0 / (sample_rate * seconds)));
}

float wave_at(const std::vector<float>& wave, std::uint32_t phase) {
  return wave[phase >> (32U - wave_bits)];
}

}  // namespace

std::span<const DemoTrack> demo_tracks() { return tracks; }

DemoMusic::DemoMusic(int sample_rate)
    : sample_rate_(sample_rate), pad_wave_(wave_samples), sine_wave_(wave_samples) {
  for (std::size_t i = 0; i < wave_samples; ++i) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(i) / wave_samples;
    sine_wave_[i] = static_cast<float>(std::sin(angle));
    // A few quiet overtones: warmer than a sine, softer than a saw.
    pad_wave_[i] = static_cast<float>(std::sin(angle) + 0.30 * std::sin(2 * angle) +
                                      0.14 * std::sin(3 * angle) + 0.05 * std::sin(5 * angle));
  }
  pip_.step = step_of(pip_hz);
}

std::uint32_t DemoMusic::step_of(double hz) const {
  return static_cast<std::uint32_t>(hz / sample_rate_ * 4294967296.0);
}

void DemoMusic::change_track(const DemoTrack& track) {
  track_ = &track;
  chord_ = 0;
  bells_struck_ = 0;
  begin_chord();
  bell_samples_left_ = 0;
}

void DemoMusic::begin_chord() {
  for (Pad& pad : pads_) {
    pad.sounding = false;
  }
  pad_ = (pad_ + 1) % pads_.size();
  Pad& pad = pads_[pad_];
  pad.sounding = true;
  for (std::size_t note = 0; note < pad.left.size(); ++note) {
    const double hz = track_->root_hz * std::exp2(track_->chords[chord_][note] / 12.0);
    pad.left[note].step = step_of(hz * 0.9993);
    pad.right[note].step = step_of(hz * 1.0007);
  }
  chord_samples_left_ = std::llround(track_->chord_seconds * sample_rate_);
}

void DemoMusic::strike_bell() {
  // Through the chord's notes in an order that does not sound like a scale, two octaves up.
  constexpr std::array<std::size_t, 8> order{3, 1, 2, 3, 0, 2, 1, 3};
  const std::size_t note = order[bells_struck_ % order.size()];
  Bell& bell = bells_[bells_struck_ % bells_.size()];
  const int semitones = track_->chords[chord_][note] + 24;
  bell.tone = {.phase = 0, .step = step_of(track_->root_hz * std::exp2(semitones / 12.0))};
  bell.level = bell_gain;
  bell.pan = 0.2F + 0.3F * static_cast<float>(bells_struck_ % 3);
  ++bells_struck_;
  // Five to a chord: against its beginning, not upon it.
  bell_samples_left_ = std::llround(track_->chord_seconds / 5 * sample_rate_);
}

float DemoMusic::pip_sample() {
  const auto length = static_cast<float>(pip_seconds * sample_rate_);
  const float part = static_cast<float>(pip_samples_left_) / length;
  --pip_samples_left_;
  pip_.phase += pip_.step;
  // In and out within a few milliseconds: a click would be wider than the pip.
  const float edge = std::min({1.0F, part * 8, (1 - part) * 8});
  return pip_gain * edge * wave_at(sine_wave_, pip_.phase);
}

void DemoMusic::render(std::span<float> left, std::span<float> right,
                       std::optional<std::size_t> pip_at) {
  ERADIO_CHECK(track_ != nullptr && left.size() == right.size());
  const float swell = glide(sample_rate_, swell_seconds);
  const float fade = glide(sample_rate_, fade_seconds);
  const float ring = 1 - glide(sample_rate_, ring_seconds);
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (--chord_samples_left_ <= 0) {
      chord_ = (chord_ + 1) % track_->chords.size();
      begin_chord();
    }
    if (--bell_samples_left_ <= 0) {
      strike_bell();
    }
    if (pip_at && i == *pip_at) {
      pip_.phase = 0;
      pip_samples_left_ = std::llround(pip_seconds * sample_rate_);
    }
    float sum_left = 0;
    float sum_right = 0;
    for (Pad& pad : pads_) {
      pad.level += pad.sounding ? (pad_gain - pad.level) * swell : -pad.level * fade;
      for (std::size_t note = 0; note < pad.left.size(); ++note) {
        sum_left += pad.level * wave_at(pad_wave_, pad.left[note].phase += pad.left[note].step);
        sum_right += pad.level * wave_at(pad_wave_, pad.right[note].phase += pad.right[note].step);
      }
    }
    for (Bell& bell : bells_) {
      bell.level *= ring;
      const float sample = bell.level * wave_at(sine_wave_, bell.tone.phase += bell.tone.step);
      sum_left += sample * (1 - bell.pan);
      sum_right += sample * bell.pan;
    }
    const float pip = pip_samples_left_ > 0 ? pip_sample() : 0;
    left[i] = std::clamp(sum_left + pip, -1.0F, 1.0F);
    right[i] = std::clamp(sum_right + pip, -1.0F, 1.0F);
  }
}

}  // namespace eradio
