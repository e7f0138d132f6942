#include "master/escrow.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace eradio {
namespace {

constexpr unsigned deaths_max = 2;

void count(ClosedClients& closed, const EscrowItem& item) {
  ++(item.kind == ClientKind::listener ? closed.listeners : closed.notify_clients);
}

}  // namespace

std::size_t escrow_room(std::size_t total, std::span<const std::size_t> held, std::size_t slot) {
  const std::size_t share = total / 2 / held.size();
  std::size_t gone = 0;
  for (std::size_t other = 0; other < held.size(); ++other) {
    gone += other == slot ? held[other] : std::max(held[other], share);
  }
  return total - std::min(total, gone);
}

HeldSocket& HeldSocket::operator=(HeldSocket&& other) noexcept {
  std::swap(socket_, other.socket_);
  return *this;
}

HeldSocket::~HeldSocket() {
  if (socket_) {
    do_not_linger(socket_.number());
  }
}

void HeldSocket::end_connection() const noexcept { ::shutdown(socket_.number(), SHUT_RDWR); }

EscrowItem Escrow::item_of(std::size_t record) const noexcept {
  const Held& held = held_[record];
  return {.serial = held.serial(),
          .record = static_cast<std::uint32_t>(record),
          .kind = static_cast<ClientKind>(held.kind)};
}

Escrow::Held Escrow::make_held(const EscrowItem& item, unsigned deaths, Descriptor socket) {
  static_assert(serial_max >> 32U == 0x0fffffffU);
  Held held{.socket = HeldSocket(std::move(socket)),
            .serial_low = static_cast<std::uint32_t>(item.serial)};
  held.serial_high = static_cast<std::uint32_t>(item.serial >> 32U) & 0x0fffffffU;
  held.kind = static_cast<std::uint32_t>(item.kind) & 3U;
  held.deaths = std::min(deaths, deaths_max) & 3U;
  return held;
}

const Escrow::Held* Escrow::find(const EscrowItem& item) const noexcept {
  return item.record < held_.size() && held_[item.record].is_of(item) ? &held_[item.record]
                                                                      : nullptr;
}

void Escrow::hold(std::uint32_t record, Held held) {
  if (record >= records_max_) {
    return;
  }
  if (record >= held_.size()) {
    held_.resize(record + std::size_t{1});
  }
  size_ += held_[record].socket ? 0U : 1U;
  held_[record] = std::move(held);
}

void Escrow::drop(std::uint32_t record) {
  held_[record] = Held{};
  --size_;
}

std::size_t Escrow::take(std::span<const EscrowItem> items, std::span<Descriptor> descriptors) {
  const std::size_t count = std::min(items.size(), descriptors.size());
  for (std::size_t i = 0; i < count; ++i) {
    hold(items[i].record, make_held(items[i], 0, std::move(descriptors[i])));
  }
  return count;
}

void Escrow::release(std::span<const EscrowItem> items) {
  for (const EscrowItem& item : items) {
    if (find(item) != nullptr) {
      drop(item.record);
    }
  }
}

std::vector<EscrowItem> Escrow::items() const {
  std::vector<EscrowItem> items;
  items.reserve(size_);
  for (std::size_t record = 0; record < held_.size(); ++record) {
    if (held_[record].socket) {
      items.push_back(item_of(record));
    }
  }
  return items;
}

int Escrow::descriptor(const EscrowItem& item) const {
  const Held* const held = find(item);
  return held != nullptr ? held->socket.number() : -1;
}

std::uint32_t Escrow::free_record(std::uint32_t from) const {
  while (from < held_.size() && held_[from].socket) {
    ++from;
  }
  return from;
}

void Escrow::take_from(Escrow& other, const EscrowItem& item, std::uint32_t record) {
  if (record < records_max_ && other.find(item) != nullptr) {
    hold(record, std::move(other.held_[item.record]));
    other.drop(item.record);
  }
}

std::vector<SavedEscrowItem> Escrow::save() const {
  std::vector<SavedEscrowItem> saved;
  saved.reserve(size_);
  for (const EscrowItem& item : items()) {
    const Held& held = held_[item.record];
    saved.push_back({.serial = item.serial,
                     .record = item.record,
                     .kind = held.kind,
                     .deaths = held.deaths,
                     .descriptor = held.socket.number()});
  }
  return saved;
}

void Escrow::resume(std::span<const SavedEscrowItem> saved) {
  for (const SavedEscrowItem& item : saved) {
    hold(item.record, make_held({.serial = item.serial,
                                 .record = item.record,
                                 .kind = static_cast<ClientKind>(item.kind)},
                                item.deaths, take_descriptor(item.descriptor, "a listener")));
  }
}

ClosedClients Escrow::blame(std::span<const EscrowItem> adopted) {
  std::vector<EscrowItem> too_many_deaths;
  for (const EscrowItem& item : adopted) {
    if (find(item) != nullptr && ++held_[item.record].deaths >= deaths_max) {
      too_many_deaths.push_back(item);
    }
  }
  return close(too_many_deaths);
}

void Escrow::exonerate() {
  for (Held& held : held_) {
    held.deaths = 0;
  }
}

ClosedClients Escrow::close(std::span<const EscrowItem> items) {
  ClosedClients closed;
  for (const EscrowItem& item : items) {
    if (const Held* const held = find(item); held != nullptr) {
      held->socket.end_connection();
      drop(item.record);
      count(closed, item);
    }
  }
  return closed;
}

ClosedClients Escrow::close_all() {
  const ClosedClients closed = close(items());
  held_.clear();
  return closed;
}

}  // namespace eradio
