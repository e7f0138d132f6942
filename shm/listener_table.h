// What a worker's listeners are like, for whoever shows it: one record for each, in a memfd of the
// worker's slot. The worker writes a listener's record when it comes, once a second, and when it
// leaves; the master reads, and never waits (locked_bytes.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <boost/interprocess/mapped_region.hpp>

#include "common/descriptor.h"
#include "shm/locked_bytes.h"
#include "shm/memory_file.h"
#include "shm/peer_key.h"

namespace eradio {

constexpr std::uint64_t listener_table_magic = 0x656c626174726165;
constexpr std::uint32_t listener_table_layout_version = 1;

// Times are CLOCK_MONOTONIC. Every member is a word of the record.
struct ListenerStatus {
  std::uint64_t id = 0;  // of the contract, 0 to 2^63-1
  PeerKey peer;
  std::uint64_t peer_port = 0;  // 0: unknown
  std::int64_t joined_ns = 0;
  std::int64_t updated_ns = 0;  // when the worker wrote this
  std::int64_t lag_ns_max = 0;  // its `max_lag`
  // Age of the oldest byte that it has not acknowledged, or of the frame that is next for it; 0: it
  // has everything.
  std::int64_t lag_ns = 0;
  std::uint64_t queued_bytes = 0;  // in its kernel queue (SIOCOUTQ)
  std::uint64_t frames_sent = 0;   // of which TCP has taken the last byte
  std::uint64_t bytes_sent = 0;    // of the stream that TCP has taken
  std::uint64_t frames_skipped = 0;
  std::uint64_t jumps = 0;  // places where that happened
  bool operator==(const ListenerStatus&) const = default;
};

struct ListenerTableHeader {
  // Written by the master before any worker starts, never again.
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t record_bytes;
  std::uint64_t records;
  // Written by the worker: how many of the records can be in use, the highest so far and one.
  alignas(64) std::uint64_t used;  // a shared word
};

struct ListenerRecord {
  LockedBytes lock;  // no bytes: it is free
  std::uint64_t words[sizeof(ListenerStatus) / sizeof(std::uint64_t)];
};

// The master's side of one worker's table.
class ListenerTable {
 public:
  // `listeners_max`: the most that a worker can have.
  explicit ListenerTable(std::size_t listeners_max);
  // One that another process has made. Throws std::runtime_error if it is of another layout.
  explicit ListenerTable(Descriptor descriptor);

  [[nodiscard]] int descriptor() const noexcept { return file_.descriptor(); }
  // Of all listeners that there are just now, in no order. What a worker that was killed within a
  // write has left half done is not among them.
  [[nodiscard]] std::vector<ListenerStatus> read() const;
  // When the worker has gone.
  void clear();

 private:
  void write_header();

  MemoryFile file_;
  boost::interprocess::mapped_region region_;
  std::size_t records_;  // as many as the memory has, checked
};

// A worker's side.
class WorkerListenerTable {
 public:
  // Begins with an empty one. Throws std::runtime_error if the memory is of another layout.
  explicit WorkerListenerTable(Descriptor descriptor);

  // A free record; nothing when there is none.
  [[nodiscard]] std::optional<std::uint32_t> take();
  void write(std::uint32_t record, const ListenerStatus& status) noexcept;
  void give_back(std::uint32_t record);

 private:
  MemoryFile file_;
  boost::interprocess::mapped_region region_;
  std::span<ListenerRecord> records_;  // as many as the memory has, checked
  std::vector<std::uint32_t> free_;
  std::uint32_t used_ = 0;
};

}  // namespace eradio
