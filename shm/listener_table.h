// A worker's listeners, one record for each, in a memfd of the worker's slot: what they are like,
// for whoever shows it, and all that another worker needs to go on with them where this one was
// killed. The worker writes a listener's record when it comes, before it goes on elsewhere in the
// stream, once a second, and when it leaves; the master reads, and never waits. WebSockets and
// event streams (notify clients) have records here, too, which say other things of them.
//
// Whatever instruction the worker is killed at, a record is one of these: free (serial 0); or its
// identity is whole, and of a listener one of its two runs is true; of a notify client it is marked
// as unsettled, or what it says is true. Only of a listener's progress a part may be older than the
// rest. What has been sent to listeners in all is the sum over the
// records and those who have left, each of whom is counted once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <boost/interprocess/mapped_region.hpp>

#include "common/client_kind.h"
#include "common/descriptor.h"
#include "shm/memory_file.h"
#include "shm/peer_key.h"

namespace eradio {

constexpr std::uint64_t listener_table_magic = 0x656c626174726165;
constexpr std::uint32_t listener_table_layout_version = 5;

// Times are CLOCK_MONOTONIC.
struct ListenerIdentity {
  std::uint64_t id = 0;  // of the contract, 0 to 2^63-1
  PeerKey peer;
  std::int64_t joined_ns = 0;
  std::int64_t lag_ns_max = 0;  // its `max_lag`
  // Of the connection, that TCP had taken before the first of the stream: response heads. Unknown
  // of a Unix socket, and 0.
  std::uint64_t bytes_before = 0;
  std::uint32_t peer_port = 0;             // 0: unknown
  ClientKind kind = ClientKind::listener;  // others have no id, lag_ns_max and bytes_before
  bool operator==(const ListenerIdentity&) const = default;
};

// What a listener is sent without a gap: a part of the stream, perhaps with a header before it.
// Written down before the first byte of it is handed to TCP: so one that is not known yet is one of
// which nothing was sent.
struct ListenerRun {
  std::uint64_t bytes_before = 0;     // of the stream, that TCP had taken before its first frame
  std::uint64_t stream_position = 0;  // of its first frame (shm/ring_layout.h)
  // The header that the listener has then: where it lies in the stream (no_header: nowhere), and
  // how many bytes of it are sent right before the first frame.
  std::uint64_t header_position = 0;
  std::uint64_t header_bytes = 0;
  static constexpr std::uint64_t no_header = UINT64_MAX;
  bool operator==(const ListenerRun&) const = default;
};

// What was sent to one listener, or to many.
struct ListenerTotals {
  std::uint64_t frames_sent = 0;  // of which TCP has taken the last byte
  std::uint64_t bytes_sent = 0;   // of the stream that TCP has taken
  std::uint64_t frames_skipped = 0;
  std::uint64_t jumps = 0;  // places where that happened
  ListenerTotals& operator+=(const ListenerTotals& other) noexcept;
  bool operator==(const ListenerTotals&) const = default;
};

// A listener's totals when it had got so far: what has come since can be counted from there.
struct ListenerTally {
  std::uint64_t stream_position = 0;  // where a frame begins: of the next, or it was skipped to
  ListenerTotals totals;              // of what is before it
  bool operator==(const ListenerTally&) const = default;
};

struct ListenerProgress {
  std::int64_t updated_ns = 0;  // when the worker wrote this
  // Age of the oldest byte that it has not acknowledged, or of the frame that is next for it; 0: it
  // has everything.
  std::int64_t lag_ns = 0;
  std::uint64_t queued_bytes = 0;  // in its kernel queue (SIOCOUTQ)
  bool operator==(const ListenerProgress&) const = default;
};

// How far a notify client is.
struct NotifyProgress {
  std::uint64_t told = 0;     // the number of what it was told last (worker/notifier.h); 0: nothing
  std::int64_t sent_ns = 0;   // when its socket last took something
  std::int64_t heard_ns = 0;  // when it last said something
  bool operator==(const NotifyProgress&) const = default;
};

struct ListenerStatus : ListenerIdentity, ListenerProgress, ListenerTotals {
  bool operator==(const ListenerStatus&) const = default;
};

// What a worker leaves behind of a listener.
struct ListenerEstate {
  std::uint64_t serial = 0;
  ListenerIdentity identity;
  ListenerRun run;
  ListenerTally tally;
  // Where the kernel does not say it (no TCP): how many bytes of the stream its socket has taken in
  // all; nothing when its worker was in the middle of a send.
  std::optional<std::uint64_t> bytes_taken;
  bool operator==(const ListenerEstate&) const = default;
};

// The same of a notify client.
struct NotifyEstate {
  ListenerIdentity identity;
  // Nothing when it may be in the middle of a message, in either direction.
  std::optional<NotifyProgress> progress;
  bool operator==(const NotifyEstate&) const = default;
};

struct ListenerTableHeader {
  // Written by the master before any worker starts, never again.
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t record_bytes;
  std::uint64_t records;
  // Written by the worker: how many of the records can be in use, the highest so far and one.
  alignas(64) std::uint64_t used;  // a shared word
  // Of listeners who have left; the one with the higher version holds. Written by the worker, and
  // by the master when there is none.
  struct Departed {
    std::uint64_t version;  // 0: it is just being written
    std::uint64_t serial;   // the last of them: it is counted, though its record may be there still
    std::uint64_t totals[sizeof(ListenerTotals) / sizeof(std::uint64_t)];
  } departed[2];
};

struct ListenerRecord {
  // Of the listener: no other of the slot ever has it. 0: the record is free. A shared word, like
  // all others.
  std::uint64_t serial;
  std::uint64_t identity[sizeof(ListenerIdentity) / sizeof(std::uint64_t)];
  // The one with the higher version holds; 0: it is just being written.
  struct Run {
    std::uint64_t version;
    std::uint64_t words[sizeof(ListenerRun) / sizeof(std::uint64_t)];
    std::uint64_t tally[sizeof(ListenerTally) / sizeof(std::uint64_t)];
  };
  struct Notify {
    // Not 0 while the connection may be in the middle of something that a worker knows nothing of
    // which begins with it: then the rest does not count.
    std::uint64_t unsettled;
    std::uint64_t progress[sizeof(NotifyProgress) / sizeof(std::uint64_t)];
  };
  union {
    Run runs[2];    // of a listener
    Notify notify;  // of a notify client
  };
  std::uint64_t progress[sizeof(ListenerProgress) / sizeof(std::uint64_t)];
  std::uint64_t taken;  // ListenerEstate::bytes_taken, and one; 0: nothing
};

// A part of a table: the listeners of some records in a row.
struct ListenerPage {
  std::vector<ListenerStatus> listeners;
  std::size_t records_read = 0;
  std::optional<std::size_t> next;  // the record to go on with; nothing: there are no more
};

// A whole table, in numbers.
struct ListenerCounts {
  std::size_t listeners = 0;
  std::size_t notify_clients = 0;
  ListenerTotals totals;  // those who have left included
};

// The master's side of one worker's table.
class ListenerTable {
 public:
  // `listeners_max`: the most that a worker can have.
  explicit ListenerTable(std::size_t listeners_max);
  // One that another process has made. Throws std::runtime_error if it is of another layout.
  explicit ListenerTable(Descriptor descriptor);
  // The same, known to be of this layout and to have so many records: whatever a worker has done to
  // its header is put right. Throws std::runtime_error if the memory is too small.
  ListenerTable(Descriptor descriptor, std::size_t records);

  [[nodiscard]] int descriptor() const noexcept { return file_.descriptor(); }
  // Of all listeners that there are just now, in no order; notify clients are none.
  [[nodiscard]] std::vector<ListenerStatus> read() const;
  // Those in the records from `first` on: at most `listeners_max`, from at most `records_max`
  // records. A listener keeps its record for as long as it stays.
  [[nodiscard]] ListenerPage read_page(std::size_t first, std::size_t listeners_max,
                                       std::size_t records_max) const;
  // What a worker has sent is in it within a second.
  [[nodiscard]] ListenerCounts count() const;
  // How many there can be, notify clients included.
  [[nodiscard]] std::size_t records() const noexcept { return records_; }
  // When the worker has gone, and nobody takes over its listeners: they have left.
  void clear();
  // Takes a listener's record from another table, while no worker has either of them, and puts it
  // where nobody is: who is where the caller has to know, since a worker can write anything here.
  // False when there is none of this serial, or no such place.
  [[nodiscard]] bool take_from(ListenerTable& other, std::uint32_t record, std::uint64_t serial,
                               std::uint32_t place);
  // And the totals of those who have left it, while no worker has either of them.
  void take_departed_from(ListenerTable& other);
  // Whatever a worker has done to the header: so the next one can read the table.
  void put_right();

 private:
  [[nodiscard]] ListenerCounts count_once() const;

  MemoryFile file_;
  boost::interprocess::mapped_region region_;
  std::size_t records_;  // as many as the memory has, checked
};

// A worker's side.
class WorkerListenerTable {
 public:
  // `generation`: of the worker; greater than those of all that had the table before. What a worker
  // before has left stays until adopt() or forget_estates(). Throws std::runtime_error if the
  // memory is of another layout.
  WorkerListenerTable(Descriptor descriptor, std::uint64_t generation);

  // A record for a listener that has come; nothing when there is none free.
  [[nodiscard]] std::optional<std::uint32_t> take(const ListenerIdentity& identity,
                                                  const ListenerRun& run);
  // There is no record free.
  [[nodiscard]] bool is_full() const noexcept { return free_.empty() && used_ == records_.size(); }
  [[nodiscard]] std::uint64_t serial(std::uint32_t record) const noexcept;
  // Of a client of this worker.
  [[nodiscard]] ListenerIdentity identity(std::uint32_t record) const noexcept;
  // Before the first byte of the run is handed to TCP.
  void write_run(std::uint32_t record, const ListenerRun& run, const ListenerTally& tally) noexcept;
  // The run is the same.
  void write_tally(std::uint32_t record, const ListenerTally& tally) noexcept;
  void write_progress(std::uint32_t record, const ListenerProgress& progress) noexcept;
  // Of a listener whose kernel does not say it: before and after each send. `bytes`: of the stream,
  // in all.
  void forget_taken(std::uint32_t record) noexcept;
  void write_taken(std::uint32_t record, std::uint64_t bytes) noexcept;
  // The client has left; of a listener counts what its tally says.
  void give_back(std::uint32_t record);

  // A record for a notify client, which is not settled yet.
  [[nodiscard]] std::optional<std::uint32_t> take_notify_client(const ListenerIdentity& identity);
  // Before the first byte is read or written that can leave the connection in the middle of
  // something.
  void unsettle(std::uint32_t record) noexcept;
  // The connection is in the middle of nothing.
  void settle(std::uint32_t record, const NotifyProgress& progress) noexcept;

  // What the worker before has left in a record of this serial, which is in use from now on;
  // nothing when it has left nothing that can be used.
  [[nodiscard]] std::optional<ListenerEstate> adopt(std::uint32_t record, std::uint64_t serial);
  [[nodiscard]] std::optional<NotifyEstate> adopt_notify_client(std::uint32_t record,
                                                                std::uint64_t serial);
  // Frees the records that nobody has adopted.
  void forget_estates();

 private:
  // One that is free, and is not any more once it has a serial; nothing when there is none.
  [[nodiscard]] std::optional<std::uint32_t> find_free();
  // Whether the worker before has left something there.
  [[nodiscard]] bool is_estate(std::uint32_t record, std::uint64_t serial) const noexcept;

  MemoryFile file_;
  boost::interprocess::mapped_region region_;
  std::span<ListenerRecord> records_;  // as many as the memory has, checked
  std::vector<std::uint32_t> free_;
  std::vector<bool> estates_;  // by record: left by the worker before
  std::uint32_t used_ = 0;
  std::uint64_t next_serial_;
};

}  // namespace eradio
