// In which order the tracks are played: a pure function from positions to tracks, so that the
// decoder's thread and the player can both look ahead and back without sharing anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace eradio {

class PlayOrder {
 public:
  struct Settings {
    bool loop = false;
    bool shuffle = false;
    std::uint64_t seed = 0;  // of the shuffling
  };

  PlayOrder(std::size_t tracks, const Settings& settings) noexcept
      : tracks_(static_cast<std::int64_t>(tracks)), settings_(settings) {}

  // The index of the track at `position`; the list begins at 0. Looping, every position has a
  // track, those before 0 too, and each round through the list is shuffled anew. Otherwise only
  // the positions of the list have one.
  [[nodiscard]] std::optional<std::size_t> track_at(std::int64_t position) const;
  [[nodiscard]] std::int64_t tracks() const noexcept { return tracks_; }

 private:
  [[nodiscard]] std::vector<std::size_t> shuffled(std::int64_t round) const;

  std::int64_t tracks_;
  Settings settings_;
};

}  // namespace eradio
