// What a listener may do with a frame of the stream. Said by the source (types 2, 5 and 6 of its
// protocol), kept through the ring, heeded by the fan-out.
#pragma once

#include <cstdint>

namespace eradio {

enum class FrameKind : std::uint8_t {
  sync_point,  // a listener may begin here, and go on here after a gap
  dependent,   // cannot be decoded without the frame before it
  header,      // of the frames behind it: a listener needs it before any of them
};

}  // namespace eradio
