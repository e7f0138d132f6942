// Where the source's stream goes: what the source process calls, and the programme implements.
#pragma once

#include <cstddef>
#include <span>

#include "common/frame_kind.h"
#include "shm/now_playing.h"

namespace eradio {

class SourceOutput {
 public:
  virtual ~SourceOutput() = default;
  // Views are valid only during the call.
  // Only a header may be empty: then the frames behind it need none.
  virtual void frame(FrameKind kind, std::span<const std::byte> frame) = 0;
  // Holds for the frames that follow. Called for each track that begins, the same again or not, and
  // when the stream stops.
  virtual void now_playing(const NowPlaying& now_playing) = 0;
  // What one turn of reading brought is complete: now it may be announced.
  virtual void flush() = 0;
};

}  // namespace eradio
