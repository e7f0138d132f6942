// One listener's state, owned and changed by the fan-out only. What the fan-out goes over for every
// frame stands together at the front.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/http/peer_address.h"
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
  Listener(FanOut& fan_out_, Descriptor socket_, const PeerAddress& peer_, std::uint64_t id_)
      : fan_out(fan_out_), socket(std::move(socket_)), peer(peer_), id(id_) {}
  void on_events(std::uint32_t events) override;

  FanOut& fan_out;
  Descriptor socket;
  bool writable = true;           // false from EAGAIN until EPOLLOUT
  bool resumes = true;            // has not been sent anything since it came, or skipped
  bool jumped = false;            // has skipped, and has not been sent anything since
  bool gone = false;              // has left; freed after the batch
  bool waits = false;             // at the gate
  bool tcp = false;               // and no Unix socket
  bool in_ring = false;           // the ring for sends knows the socket
  bool collected = false;         // its next frames are collected for the ring
  std::uint64_t next_frame = 0;   // number in the frame store of the frame to go on with
  std::uint32_t begun_bytes = 0;  // of it that TCP has taken already
  std::uint32_t place = 0;        // index in the fan-out's list
  Gate gate;
  std::int64_t lag_ns_max = 0;  // `max_lag`
  // So the age of any byte that the kernel may still hold is known, without a list of sends.
  std::uint64_t bytes_sent = 0;  // that TCP has taken
  UnbrokenRun run;               // the one that goes on
  UnbrokenRun run_before;        // what came before its jump
  // Of what it is being sent without a gap: position in the stream less the number of bytes sent,
  // modulo 2^64; and whether its record says so already.
  std::uint64_t stream_offset = 0;
  bool run_noted = false;
  std::uint64_t header_number = 0;  // of the header that it has; 0: none
  // The rest of a begun frame that is about to leave the store (next_frame is behind it then), or
  // of a header that goes before next_frame.
  std::unique_ptr<KeptRest> kept_rest;

  PeerAddress peer;
  std::uint64_t id;  // of the contract, 0 to 2^63-1
  std::int64_t joined_ns = 0;
  std::optional<std::uint32_t> record{};  // in the listener table, if there was room
  std::uint64_t serial = 0;               // of the record
  // What it had taken when it was last looked at for a stall, and when it had last taken more.
  std::uint64_t bytes_taken = 0;
  std::int64_t took_ns = 0;
  std::uint64_t frames_sent = 0;
  std::uint64_t frames_skipped = 0;
  std::uint32_t jumps = 0;
};
static_assert(sizeof(Listener) <= 472);

}  // namespace eradio
