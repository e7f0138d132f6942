// Where a worker goes on with a listener of the worker before it: at which byte of which frame, and
// with which counts.
#pragma once

#include <cstdint>
#include <string_view>

#include "shm/listener_table.h"
#include "worker/frame_store.h"
#include "worker/listener.h"
#include "worker/old_frames.h"

namespace eradio {

// Of the stream, as far as a worker that has just begun knows it.
struct KnownStream {
  const FrameStore& store;
  const OldFrames* old_frames;  // what the store does not have; may be nullptr
  // Where a listener goes on who has to skip: a number in the store, perhaps that of the next
  // frame.
  std::uint64_t resumption = 0;
  std::int64_t now_ns = 0;
};

// `listener.bytes_sent` is what TCP has taken, its counts are the tally's; the rest of what the
// fan-out keeps of it is filled in. Empty, or why nobody can go on with it; then its counts are as
// its worker has left them. Frames that have left the ring are not counted.
[[nodiscard]] std::string_view continue_listener(Listener& listener, const ListenerEstate& estate,
                                                 const KnownStream& stream);

}  // namespace eradio
