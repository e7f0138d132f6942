// A worker's listeners, one record for each, in a memfd of the worker's slot: what they are like,
// for whoever shows it, and all that another worker needs to go on with them where this one was
// killed. The worker writes a listener's record when it comes, before it goes on elsewhere in the
// stream, once a second, and when it leaves; the master reads, and never waits. WebSockets and
// event streams (notify clients) have records here, too, which say other things of them.
//
// Whatever instruction the worker is killed at, a record is one of these: free (serial 0); or its
// identity is whole, and of a listener its account is true, or the journal has the one that is; of
// a notify client it is marked as unsettled, or what it says is true. What has been sent to
// listeners in all is the sum over the records and those who have left, each of whom is counted
// once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <boost/interprocess/mapped_region.hpp>

#include "common/descriptor.h"
#include "shm/listener_record.h"
#include "shm/memory_file.h"

namespace eradio {

constexpr std::uint64_t listener_table_magic = 0x656c626174726165;
constexpr std::uint32_t listener_table_layout_version = 8;

struct ListenerStatus : ListenerIdentity, ListenerProgress, ListenerTotals {
  bool operator==(const ListenerStatus&) const = default;
};

// What a worker leaves behind of a listener.
struct ListenerEstate {
  std::uint64_t serial = 0;
  ListenerIdentity identity;
  ListenerRun run;
  ListenerTally tally;
  // Of a Unix socket, of which the kernel does not say it: how many bytes of the stream it has
  // taken in all; nothing when its worker was in the middle of a send.
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

// Of a table's memory.
std::size_t listener_table_bytes(std::size_t records);

struct ListenerTableHeader {
  // Written by the master before any worker starts, never again.
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t record_bytes;
  std::uint64_t records;
  // Written by the worker: how many of the records can be in use, the highest so far and one.
  alignas(64) std::uint64_t used;  // a shared word, like all that follow
  // CLOCK_MONOTONIC, several times a second: the worker lives. Here, since no other worker can
  // write to this memory. Written by the worker.
  std::uint64_t heartbeat_ns;
  // Of listeners who have left; the one with the higher version holds. Written by the worker, and
  // by the master when there is none.
  struct Departed {
    std::uint64_t version;  // 0: it is just being written
    std::uint64_t serial;   // the last of them: it is counted, though its record may be there still
    std::array<std::uint64_t, 4> totals;
  } departed[2];
  // A worker changes one record's account at a time. What the account said before stands here
  // meanwhile, and holds.
  struct Journal {
    std::uint64_t version;  // odd while the account is being changed
    std::uint64_t record;   // whose
    AccountWords account;   // as it was
  } journal;
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
  // While no worker has the table. Whether its worker had given up the record of a client of this
  // serial, so that there is none of it any more.
  [[nodiscard]] bool has_left(std::uint32_t record, std::uint64_t serial) const;
  // Whose the record is; nothing when it is no listener's of this serial.
  [[nodiscard]] std::optional<std::uint64_t> listener_id(std::uint32_t record,
                                                         std::uint64_t serial) const;
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
  // When the slot's worker has last said that it lives, if it is to be believed.
  [[nodiscard]] std::int64_t heartbeat_ns() const noexcept;

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

  // Says that the worker lives.
  void beat(std::int64_t now_ns) noexcept;

  // A record for a listener that has come; nothing when there is none free.
  [[nodiscard]] std::optional<std::uint32_t> take(const ListenerIdentity& identity,
                                                  const ListenerRun& run);
  // How many there can be.
  [[nodiscard]] std::size_t records() const noexcept { return records_.size(); }
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
  // Of a Unix socket, of which the kernel does not say it: before and after each send. `bytes`: of
  // the stream, that the socket has taken in all.
  void write_sending(std::uint32_t record) noexcept;
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
