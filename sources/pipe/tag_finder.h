// Recognises the tags that stand before, after and between the frames of a stream that was put
// together from files: ID3v1, ID3v2, APE. Pure; used by the frame finder, which skips them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace eradio {

struct TagStart {
  enum class Kind {
    none,
    perhaps,  // more bytes are needed to tell; header_bytes_max are enough
    tag,
  };
  static constexpr std::size_t header_bytes_max = 32;

  Kind kind = Kind::none;
  std::uint64_t bytes = 0;  // of the whole tag
};

// What begins at the front of `bytes`. ID3v1's three letters are too few to be sought in the midst
// of garbage, so they count only `between_frames`.
TagStart find_tag(std::span<const std::byte> bytes, bool between_frames);

}  // namespace eradio
