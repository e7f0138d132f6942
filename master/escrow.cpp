#include "master/escrow.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace eradio {
namespace {

constexpr unsigned deaths_max = 2;

// Whoever else may have a duplicate: the connection ends.
void close_connection(const Descriptor& socket) { ::shutdown(socket.number(), SHUT_RDWR); }

}  // namespace

void Escrow::take(std::span<const EscrowItem> items, std::span<Descriptor> descriptors) {
  const std::size_t count = std::min(items.size(), descriptors.size());
  for (std::size_t i = 0; i < count && held_.size() < items_max_; ++i) {
    held_.insert_or_assign(items[i].record,
                           Held{.item = items[i], .socket = std::move(descriptors[i])});
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

std::size_t Escrow::blame(std::span<const EscrowItem> adopted) {
  std::size_t closed = 0;
  for (const EscrowItem& item : adopted) {
    const auto found = held_.find(item.record);
    if (found == held_.end() || found->second.item.serial != item.serial ||
        ++found->second.deaths < deaths_max) {
      continue;
    }
    close_connection(found->second.socket);
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
    close_connection(held.socket);
  }
  held_.clear();
}

}  // namespace eradio
