// One listener's state, owned by the fan-out, and changed by it, its sender and whoever goes on
// with it. What the fan-out goes over for every frame stands together at the front; who the
// listener is says its record in the listener table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "shm/listener_table.h"
#include "worker/gate.h"

namespace eradio {

class FanOut;

// Bytes that were sent one behind the other, as they lie in the frame store; perhaps with a header
// before them.
struct UnbrokenRun {
  std::uint64_t begin = 0;    // how many bytes the listener had been sent when it began
  std::uint64_t offset = 0;   // position in the store less the number of bytes sent, modulo 2^64
  std::int64_t since_ns = 0;  // when it began: none of its bytes has been on its way for longer
};

// What has been begun must be finished, though it is not in the frame store any more.
struct KeptRest {
  std::shared_ptr<const std::vector<std::byte>> bytes;  // a header is everybody's
  std::size_t sent = 0;                                 // of them
  bool of_frame = false;                                // and not of a header out of turn
  std::int64_t time_ns = 0;                             // when the frame was published
};

class Listener final : public EventHandler {
 public:
  Listener(FanOut& fan_out_, Descriptor socket_, std::uint32_t record_)
      : fan_out(fan_out_), socket(std::move(socket_)), record(record_) {}
  void on_events(std::uint32_t events) override;
  [[nodiscard]] ListenerTotals totals() const noexcept {
    return {.frames_sent = frames_sent,
            .bytes_sent = bytes_sent,
            .frames_skipped = frames_skipped,
            .jumps = jumps};
  }

  FanOut& fan_out;
  Descriptor socket;
  std::uint32_t record;           // in the listener table
  std::uint32_t place = 0;        // index in the fan-out's list
  std::uint32_t begun_bytes = 0;  // of the next frame that TCP has taken already
  std::uint64_t next_frame = 0;   // number in the frame store of the frame to go on with
  bool writable = true;           // false from EAGAIN until EPOLLOUT
  bool resumes = true;            // has not been sent anything since it came, or skipped
  bool jumped = false;            // has skipped, and has not been sent anything since
  bool gone = false;              // has left; freed after the batch
  bool waits = false;             // at the gate
  bool tcp = false;               // and no Unix socket
  bool in_ring = false;           // the ring for sends knows the socket
  bool collected = false;         // its next frames are collected for the ring
  bool run_noted = false;         // its record says so: stream_offset
  std::int16_t error_number = 0;  // errno of a send that failed: its connection is broken
  std::uint32_t jumps = 0;
  // Of what it is being sent without a gap: position in the stream less the number of bytes sent,
  // modulo 2^64.
  std::uint64_t stream_offset = 0;
  // So the age of any byte that the kernel may still hold is known, without a list of sends.
  std::uint64_t bytes_sent = 0;  // that TCP has taken
  UnbrokenRun run;               // the one that goes on
  Gate gate;
  std::int64_t lag_ns_max = 0;  // `max_lag`
  std::uint64_t frames_sent = 0;
  // The rest of a begun frame that is about to leave the store (next_frame is behind it then), or
  // of a header that goes before next_frame.
  std::unique_ptr<KeptRest> kept_rest;

  UnbrokenRun run_before;           // what came before the jump of `run`
  std::uint64_t header_number = 0;  // of the header that it has; 0: none
  // What it had taken when it was last looked at for a stall, and when it had last taken more.
  std::uint64_t bytes_taken = 0;
  std::int64_t took_ns = 0;
  std::uint64_t frames_skipped = 0;
};
static_assert(sizeof(Listener) <= 232);

}  // namespace eradio
