#include "master/escrow.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace eradio {
namespace {

constexpr unsigned deaths_max = 2;

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

void Escrow::take(std::span<const EscrowItem> items, std::span<Descriptor> descriptors) {
  const std::size_t count = std::min(items.size(), descriptors.size());
  for (std::size_t i = 0; i < count && held_.size() < items_max_; ++i) {
    held_.insert_or_assign(items[i].record,
                           Held{.item = items[i], .socket = HeldSocket(std::move(descriptors[i]))});
  }
}

void Escrow::release(std::span<const EscrowItem> items) {
  for (const EscrowItem& item : items) {
    const auto found = held_.find(item.record);
    if (found != held_.end() && found->second.item.serial == item.serial) {
      held_.erase(found);
    }
  }
}

std::vector<EscrowItem> Escrow::items() const {
  std::vector<EscrowItem> items;
  items.reserve(held_.size());
  for (const auto& [record, held] : held_) {
    items.push_back(held.item);
  }
  return items;
}

std::vector<std::uint64_t> Escrow::listener_ids() const {
  std::vector<std::uint64_t> ids;
  ids.reserve(held_.size());
  for (const auto& [record, held] : held_) {
    if (held.item.kind == ClientKind::listener) {
      ids.push_back(held.item.listener_id);
    }
  }
  return ids;
}

int Escrow::descriptor(const EscrowItem& item) const {
  const auto found = held_.find(item.record);
  return found != held_.end() && found->second.item.serial == item.serial
             ? found->second.socket.number()
             : -1;
}

std::uint32_t Escrow::free_record(std::uint32_t from) const {
  while (held_.contains(from)) {
    ++from;
  }
  return from;
}

void Escrow::take_from(Escrow& other, const EscrowItem& item, std::uint32_t record) {
  auto node = other.held_.extract(item.record);
  if (node) {
    node.key() = record;
    node.mapped().item.record = record;
    held_.insert(std::move(node));
  }
}

std::vector<SavedEscrowItem> Escrow::save() const {
  std::vector<SavedEscrowItem> saved;
  saved.reserve(held_.size());
  for (const auto& [record, held] : held_) {
    saved.push_back({.listener_id = held.item.listener_id,
                     .serial = held.item.serial,
                     .record = record,
                     .kind = static_cast<std::uint32_t>(held.item.kind),
                     .deaths = held.deaths,
                     .descriptor = held.socket.number()});
  }
  return saved;
}

void Escrow::resume(std::span<const SavedEscrowItem> saved) {
  for (const SavedEscrowItem& item : saved) {
    held_.emplace(item.record,
                  Held{.item = {.listener_id = item.listener_id,
                                .serial = item.serial,
                                .record = item.record,
                                .kind = static_cast<ClientKind>(item.kind)},
                       .socket = HeldSocket(take_descriptor(item.descriptor, "a listener")),
                       .deaths = item.deaths});
  }
}

std::size_t Escrow::blame(std::span<const EscrowItem> adopted) {
  std::size_t closed = 0;
  for (const EscrowItem& item : adopted) {
    const auto found = held_.find(item.record);
    if (found == held_.end() || found->second.item.serial != item.serial ||
        ++found->second.deaths < deaths_max) {
      continue;
    }
    found->second.socket.end_connection();
    held_.erase(found);
    ++closed;
  }
  return closed;
}

void Escrow::exonerate() {
  for (auto& [record, held] : held_) {
    held.deaths = 0;
  }
}

void Escrow::close_all() {
  for (const auto& [record, held] : held_) {
    held.socket.end_connection();
  }
  held_.clear();
}

}  // namespace eradio
