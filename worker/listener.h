// One listener's state, owned by the fan-out, and changed by it, its sender and whoever goes on
// with it: two cache lines, since with thousands of them memory is what a pass waits for. What only
// few of them need stands elsewhere; who the listener is says its record in the listener table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "common/clock.h"
#include "common/descriptor.h"
#include "common/event_loop.h"
#include "shm/listener_table.h"
#include "worker/gate.h"

namespace eradio {

class FanOut;

// Bytes that were sent one behind the other, as they lie in the stream; perhaps with a header
// before them. So the age of any byte that the kernel may still hold is known, without a list of
// sends.
struct UnbrokenRun {
  std::uint64_t begin = 0;    // how many bytes the listener had been sent when it began
  std::uint64_t offset = 0;   // position in the stream less the number of bytes sent, modulo 2^64
  std::int64_t since_ns = 0;  // when it began: none of its bytes has been on its way for longer
};

// What has been begun must be finished, though it is not in the frame store any more.
struct KeptRest {
  std::shared_ptr<const std::vector<std::byte>> bytes;  // a header is everybody's
  std::size_t sent = 0;                                 // of them
  bool of_frame = false;                                // and not of a header out of turn
  std::int64_t time_ns = 0;                             // when the frame was published
};

// What a listener needs who has skipped something, is in the middle of something that has gone, or
// has taken nothing for a while.
struct ListenerTrouble {
  UnbrokenRun run_before;  // what came before the jump of `run`
  std::uint64_t frames_skipped = 0;
  std::uint32_t jumps = 0;
  bool jumped = false;  // has skipped, and has not been sent anything since
  // The rest of a begun frame that is about to leave the store (next_frame is behind it then), or
  // of a header that goes before next_frame.
  std::unique_ptr<KeptRest> kept_rest;
  // What it had taken when it was last looked at for a stall, and when it had last taken more; 0:
  // it is not suspected of one.
  std::uint64_t bytes_taken = 0;
  std::int64_t took_ns = 0;
};

class alignas(64) Listener final : public EventHandler {
 public:
  Listener(FanOut& fan_out_, Descriptor socket_, std::uint32_t record_)
      : fan_out(fan_out_), socket(std::move(socket_)), record(record_) {}
  void on_events(std::uint32_t events) override;
  // Listeners lie side by side, in memory that is the process's: an allocator's own words between
  // them would be an eighth of it. Throws std::bad_alloc.
  static void* operator new(std::size_t bytes);
  static void operator delete(void* memory) noexcept;

  [[nodiscard]] ListenerTotals totals() const noexcept {
    return {.frames_sent = frames_sent,
            .bytes_sent = bytes_sent,
            .frames_skipped = trouble_ ? trouble_->frames_skipped : 0,
            .jumps = trouble_ ? trouble_->jumps : 0};
  }
  // nullptr: it has never had any.
  [[nodiscard]] const ListenerTrouble* known_trouble() const noexcept { return trouble_.get(); }
  // Allocates when there was none before.
  ListenerTrouble& trouble() {
    if (!trouble_) {
      trouble_ = std::make_unique<ListenerTrouble>();
    }
    return *trouble_;
  }
  [[nodiscard]] bool has_jumped() const noexcept { return trouble_ && trouble_->jumped; }
  void forget_jump() noexcept {
    if (trouble_) {
      trouble_->jumped = false;
    }
  }
  [[nodiscard]] KeptRest* kept_rest() const noexcept {
    return trouble_ ? trouble_->kept_rest.get() : nullptr;
  }
  [[nodiscard]] std::int64_t lag_ns_max() const noexcept { return lag_ms_max * ns_per_ms; }

  FanOut& fan_out;
  Descriptor socket;
  std::uint32_t record;           // in the listener table
  std::uint32_t place = 0;        // index in the fan-out's list
  std::uint32_t begun_bytes = 0;  // of the next frame that TCP has taken already
  std::uint64_t next_frame = 0;   // number in the frame store of the frame to go on with
  bool writable : 1 = true;       // false from EAGAIN until EPOLLOUT
  bool resumes : 1 = true;        // has not been sent anything since it came, or skipped
  bool gone : 1 = false;          // has left; freed after the batch
  bool waits : 1 = false;         // at the gate
  bool tcp : 1 = false;           // and no Unix socket
  bool in_ring : 1 = false;       // the ring for sends knows the socket
  bool collected : 1 = false;     // its next frames are collected for the ring
  bool run_noted : 1 = false;     // its record says so: run.offset
  std::uint8_t error_number = 0;  // errno of a send that failed: its connection is broken
  std::uint16_t lag_ms_max = 0;   // `max_lag`
  std::uint32_t header = 0;       // FrameStore::header_version() of the one that it has; 0: none
  std::uint64_t bytes_sent = 0;   // that TCP has taken
  std::uint64_t frames_sent = 0;
  UnbrokenRun run;  // the one that goes on, or that is about to begin
  Gate gate;

 private:
  std::unique_ptr<ListenerTrouble> trouble_;
};
static_assert(sizeof(Listener) == 128);

}  // namespace eradio
