// The duplicates of its clients' descriptors that one worker slot has given to the master: as long
// as the master holds one, its connection outlives the worker. What is in the items is the
// worker's word; a descriptor is closed whatever it says. Whose connections they are stands in the
// listener table, and nowhere here: there is one for each listener of the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "common/descriptor.h"
#include "common/worker_protocol.h"
#include "master/master_state.h"

namespace eradio {

// How many more a slot may have, of `total` for all of them: half of these are anybody's, of the
// other half each slot has its share for itself. So no worker can leave the others without.
// `held`: by each slot now.
std::size_t escrow_room(std::size_t total, std::span<const std::size_t> held, std::size_t slot);

// A duplicate of a descriptor that a worker has given, and may have another of: whatever that says
// of it (SO_LINGER), closing this one does not wait.
class HeldSocket {
 public:
  HeldSocket() = default;
  explicit HeldSocket(Descriptor socket) : socket_(std::move(socket)) {}
  HeldSocket(HeldSocket&& other) = default;
  HeldSocket& operator=(HeldSocket&& other) noexcept;
  ~HeldSocket();

  explicit operator bool() const noexcept { return static_cast<bool>(socket_); }
  [[nodiscard]] int number() const noexcept { return socket_.number(); }
  // Whoever else may have a duplicate: the connection ends.
  void end_connection() const noexcept;

 private:
  Descriptor socket_;
};

// How many clients were closed.
struct ClosedClients {
  std::size_t listeners = 0;
  std::size_t notify_clients = 0;  // WebSockets and event streams

  [[nodiscard]] std::size_t all() const noexcept { return listeners + notify_clients; }
};

class Escrow {
 public:
  // Of records from `records_max` on nothing is taken: a worker's table has not so many.
  explicit Escrow(std::size_t records_max) : records_max_(records_max) {}

  // `descriptors` may be fewer: then the last items are not held. Returns how many are.
  std::size_t take(std::span<const EscrowItem> items, std::span<Descriptor> descriptors);
  // Items that are not held are ignored.
  void release(std::span<const EscrowItem> items);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // What is held now, in no order; without the listeners' ids.
  [[nodiscard]] std::vector<EscrowItem> items() const;
  // The descriptor of an item; -1 when it is not held (any more). Borrowed.
  [[nodiscard]] int descriptor(const EscrowItem& item) const;

  // A record that none of its items has, from this one on.
  [[nodiscard]] std::uint32_t free_record(std::uint32_t from) const;
  // Takes an item over from another slot's escrow; here it has another record, which is free.
  void take_from(Escrow& other, const EscrowItem& item, std::uint32_t record);

  [[nodiscard]] std::vector<SavedEscrowItem> save() const;
  // What another master held. Throws std::runtime_error.
  void resume(std::span<const SavedEscrowItem> saved);

  // The worker has died that these were given to. Those that two workers in a row have died with
  // are closed: one of them may be why.
  ClosedClients blame(std::span<const EscrowItem> adopted);
  // The worker has lived.
  void exonerate();
  // Closes these, or all, so that the clients see it at once.
  ClosedClients close(std::span<const EscrowItem> items);
  ClosedClients close_all();

 private:
  // One for each listener of the server: small.
  struct Held {
    HeldSocket socket;  // none: nothing is held
    std::uint32_t serial_low = 0;
    std::uint32_t serial_high : 28 = 0;
    std::uint32_t kind : 2 = 0;    // ClientKind
    std::uint32_t deaths : 2 = 0;  // of workers in a row that went on with it
    [[nodiscard]] std::uint64_t serial() const noexcept {
      return std::uint64_t{serial_high} << 32U | serial_low;
    }
    [[nodiscard]] bool is_of(const EscrowItem& item) const noexcept {
      return socket && serial() == item.serial;
    }
  };
  static_assert(sizeof(Held) == 12);

  [[nodiscard]] EscrowItem item_of(std::size_t record) const noexcept;
  // What is held of the item; nullptr: nothing.
  [[nodiscard]] const Held* find(const EscrowItem& item) const noexcept;
  [[nodiscard]] static Held make_held(const EscrowItem& item, unsigned deaths, Descriptor socket);
  // Instead of whatever is held of this record; nothing when there is no such record.
  void hold(std::uint32_t record, Held held);
  void drop(std::uint32_t record);

  std::size_t records_max_;
  std::size_t size_ = 0;
  std::deque<Held> held_;  // by record; grows without a copy of all
};

}  // namespace eradio
