// One listener's state: what the fan-out goes over for every frame, so it stays within two cache
// lines. Owned and changed by the fan-out only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/http/peer_address.h"

namespace eradio {

class FanOut;

class Listener final : public EventHandler {
 public:
  Listener(FanOut& fan_out_, Descriptor socket_, const PeerAddress& peer_, std::uint64_t id_)
      : fan_out(fan_out_), socket(std::move(socket_)), peer(peer_), id(id_) {}
  void on_events(std::uint32_t events) override;

  FanOut& fan_out;
  Descriptor socket;
  bool writable = true;           // false from EAGAIN until EPOLLOUT
  bool jumped = false;            // has skipped, and has not been sent anything since
  bool gone = false;              // has left; freed after the batch
  std::uint64_t next_frame = 0;   // number in the frame store of the frame to go on with
  std::uint32_t begun_bytes = 0;  // of it that TCP has taken already
  std::uint32_t place = 0;        // index in the fan-out's list
  // Upper bound of what the kernel holds: the last look and what was sent since.
  std::uint64_t queued_bound = UINT64_MAX;
  // The rest of a begun frame that is about to leave the store; next_frame is behind it then.
  std::unique_ptr<std::vector<std::byte>> kept_rest;

  PeerAddress peer;
  std::uint64_t id;  // of the contract, 0 to 2^63-1
  std::int64_t joined_ns = 0;
  std::uint64_t frames_sent = 0;
  std::uint64_t frames_skipped = 0;
  std::uint32_t jumps = 0;
};
static_assert(sizeof(Listener) <= 128);

}  // namespace eradio
