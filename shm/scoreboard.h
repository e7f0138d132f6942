// Counters that workers write and the master reads (and, for the limits that hold over all workers,
// the other workers too): one slot for each worker, in one memfd. A worker maps its own slot
// writable and the whole read-only. Every field has one writer, so plain stores do; the master
// clears a slot when its worker has gone, so a crash leaves no wrong counts behind.
//
// A worker that means harm can map the others' slots writable, too, and make them count wrongly. So
// nothing is here that anybody depends on but for counting; and what says how to read it, the
// front, is a memfd of its own, which workers can only read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <boost/interprocess/mapped_region.hpp>

#include "common/descriptor.h"
#include "shm/frame_ages.h"
#include "shm/memory_file.h"
#include "shm/peer_key.h"
#include "shm/shared_counter.h"

namespace eradio {

constexpr std::uint64_t scoreboard_magic = 0x62726f6373617265;
constexpr std::uint32_t scoreboard_layout_version = 9;

// Written by the master before any worker starts, never again.
struct ScoreboardHeader {
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t slots;
  std::uint64_t slot_bytes;
  std::uint64_t peers_per_slot;
};

struct ScoreboardFront {
  ScoreboardHeader header;
  // How many of the slots can have a worker: the others need not be looked at. Written by the
  // master.
  alignas(64) SharedCounter slots_used;
};

// What a worker says of itself. "Total" means since this process started. What listeners have been
// sent is in the listener table, where it survives the worker.
struct WorkerCounters {
  SharedCounter process_id;
  SharedCounter generation;
  SharedCounter connections;     // open now, listeners included
  SharedCounter listeners;       // open now
  SharedCounter accepted_total;  // connections
  SharedCounter refused_total;   // connections and listeners over a limit
  SharedCounter listeners_total;
  SharedCounter frames_received_total;  // from the ring
  SharedCounter records_lost_total;     // overwritten in the ring before they were read
  SharedCounter passes_total;           // over the listeners
  SharedCounter queue_looks_total;      // ioctl SIOCOUTQ
  SharedCounter sends_total;            // of the stream, each to one listener
  SharedCounter send_calls_total;       // system calls that these took
  SharedCounter notify_clients;         // WebSockets and event streams open now
  SharedCounter notifications_total;    // sent, over all of them
  SharedCounter adopted_total;          // listeners of the worker before that it went on with
  SharedCounter not_adopted_total;      // and that it could not go on with: they were closed
  SharedCounter notify_adopted_total;   // the same of notify clients
  SharedCounter notify_not_adopted_total;
  SharedCounter system_calls_filtered;  // 1: by its sandbox
  SharedCounter files_confined;         // 1: the same
  SharedCounter sends_through_ring;     // 1: passes send through io_uring
  SharedCounter pass_ns;                // how long a pass takes, over the last ones
  FrameAges frame_ages;                 // over all listeners
};

// How many connections a worker has from one address; written by the worker only.
struct PeerWords {
  std::atomic<std::uint64_t> high;
  std::atomic<std::uint64_t> low;
  std::atomic<std::uint64_t> connections;  // 0: the entry is free
};

struct ScoreboardSlot {
  alignas(64) WorkerCounters counters;
  // How many of the entries that follow can be in use: the highest so far, and one.
  alignas(64) SharedCounter peers_used;
  // Then peers_per_slot × PeerWords.
};

// The master's side.
class Scoreboard {
 public:
  // A slot takes no memory before it is used. `connections_max`: the most that a worker can have
  // open at a time.
  Scoreboard(std::size_t slots, std::size_t connections_max);
  // One that another process has made. Throws std::runtime_error if it is of another layout, or has
  // less than `slots`.
  Scoreboard(Descriptor front, Descriptor descriptor, std::size_t slots);

  [[nodiscard]] int front_descriptor() const noexcept { return front_file_.descriptor(); }
  // For workers.
  [[nodiscard]] Descriptor reopen_front_read_only() const { return front_file_.reopen_read_only(); }
  [[nodiscard]] int descriptor() const noexcept { return file_.descriptor(); }
  [[nodiscard]] const WorkerCounters& counters(std::size_t slot) const;
  // When the slot's worker has gone.
  void clear(std::size_t slot);
  // The slot gets a worker, the first or another.
  void use(std::size_t slot);

 private:
  [[nodiscard]] ScoreboardSlot& slot_of(std::size_t slot) const;

  MemoryFile front_file_;
  boost::interprocess::mapped_region front_;
  MemoryFile file_;
  boost::interprocess::mapped_region region_;
  ScoreboardHeader header_;
};

// A worker's side.
class WorkerScoreboard {
 public:
  // Throws std::runtime_error if the memory is of another layout, or has no such slot.
  WorkerScoreboard(Descriptor front, Descriptor descriptor, std::size_t slot);

  // Its own.
  [[nodiscard]] WorkerCounters& counters() noexcept;
  // Of all workers together.
  [[nodiscard]] std::uint64_t listeners_of_all() const noexcept;

  // The table of addresses, for limits per address; the places are the worker's to give.
  [[nodiscard]] std::size_t peers_max() const noexcept { return header_.peers_per_slot; }
  void set_peer(std::size_t place, const PeerKey& peer, std::uint64_t connections) noexcept;
  // Connections of this address over all workers.
  [[nodiscard]] std::uint64_t connections_of(const PeerKey& peer) const noexcept;

 private:
  [[nodiscard]] std::size_t slots_used() const noexcept;

  boost::interprocess::mapped_region front_;  // read-only, like the next
  MemoryFile file_;
  boost::interprocess::mapped_region all_;
  ScoreboardHeader header_;                 // checked
  boost::interprocess::mapped_region own_;  // writable
};

}  // namespace eradio
