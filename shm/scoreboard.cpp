#include "shm/scoreboard.h"

#include <algorithm>
#include <new>
#include <span>
#include <stdexcept>
#include <string>

#include "common/check.h"

namespace eradio {
namespace {

std::size_t slot_bytes_for(std::size_t peers) {
  return round_up_to_page(sizeof(ScoreboardSlot) + peers * sizeof(PeerWords));
}

template <typename Slot>
Slot* slot_at(void* base, const ScoreboardHeader& header, std::size_t slot) {
  auto* bytes = static_cast<std::byte*>(base);
  return reinterpret_cast<Slot*>(bytes + slot * header.slot_bytes);
}

// The peer table behind a slot's counters.
std::span<PeerWords> peers_of(ScoreboardSlot& slot, const ScoreboardHeader& header) {
  return {reinterpret_cast<PeerWords*>(&slot + 1), header.peers_per_slot};
}

std::span<const PeerWords> peers_of(const ScoreboardSlot& slot, const ScoreboardHeader& header) {
  return {reinterpret_cast<const PeerWords*>(&slot + 1), header.peers_per_slot};
}

ScoreboardHeader checked_header(const boost::interprocess::mapped_region& front,
                                std::size_t slots_bytes, std::size_t slot) {
  if (front.get_size() < sizeof(ScoreboardFront)) {
    throw std::runtime_error("the scoreboard's shared memory is too small to be one");
  }
  const auto header = *static_cast<const ScoreboardHeader*>(front.get_address());
  if (header.magic != scoreboard_magic) {
    throw std::runtime_error("this shared memory is not a scoreboard");
  }
  if (header.layout_version != scoreboard_layout_version) {
    throw std::runtime_error("the scoreboard has layout version " +
                             std::to_string(header.layout_version) + ", this program reads " +
                             std::to_string(scoreboard_layout_version));
  }
  if (header.slot_bytes != slot_bytes_for(header.peers_per_slot) || slot >= header.slots ||
      slots_bytes < header.slots * header.slot_bytes) {
    throw std::runtime_error("the scoreboard's sizes do not fit together");
  }
  return header;
}

}  // namespace

Scoreboard::Scoreboard(std::size_t slots, std::size_t connections_max)
    : front_file_(MemoryFile::create("eradio-scoreboard-front", sizeof(ScoreboardFront))),
      front_(front_file_.map_writable(0, front_file_.bytes())),
      file_(MemoryFile::create("eradio-scoreboard", slots * slot_bytes_for(connections_max))),
      region_(file_.map_writable(0, file_.bytes())),
      header_{.magic = scoreboard_magic,
              .layout_version = scoreboard_layout_version,
              .slots = static_cast<std::uint32_t>(slots),
              .slot_bytes = slot_bytes_for(connections_max),
              .peers_per_slot = connections_max} {
  (new (front_.get_address()) ScoreboardFront)->header = header_;
}

Scoreboard::Scoreboard(Descriptor front, Descriptor descriptor, std::size_t slots)
    : front_file_(std::move(front)),
      front_(front_file_.map_writable(0, front_file_.bytes())),
      file_(std::move(descriptor)),
      region_(file_.map_writable(0, file_.bytes())),
      header_(checked_header(front_, file_.bytes(), slots - 1)) {}

ScoreboardSlot& Scoreboard::slot_of(std::size_t slot) const {
  ERADIO_CHECK(slot < header_.slots);
  return *slot_at<ScoreboardSlot>(region_.get_address(), header_, slot);
}

void Scoreboard::use(std::size_t slot) {
  SharedCounter& used = static_cast<ScoreboardFront*>(front_.get_address())->slots_used;
  used.set(std::max<std::uint64_t>(used.get(), slot + 1));
}

const WorkerCounters& Scoreboard::counters(std::size_t slot) const {
  return slot_of(slot).counters;
}

void Scoreboard::clear(std::size_t slot) {
  ScoreboardSlot& cleared = slot_of(slot);
  const std::size_t used = std::min<std::size_t>(cleared.peers_used.get(), header_.peers_per_slot);
  for (PeerWords& peer : peers_of(cleared, header_).first(used)) {
    peer.high.store(0, std::memory_order_relaxed);
    peer.low.store(0, std::memory_order_relaxed);
    peer.connections.store(0, std::memory_order_relaxed);
  }
  new (&cleared) ScoreboardSlot{};
}

WorkerScoreboard::WorkerScoreboard(Descriptor front, Descriptor descriptor, std::size_t slot)
    : front_([&] {
        const MemoryFile file(std::move(front));
        return file.map_read_only(0, file.bytes());
      }()),
      file_(std::move(descriptor)),
      all_(file_.map_read_only(0, file_.bytes())),
      header_(checked_header(front_, file_.bytes(), slot)),
      own_(file_.map_writable(slot * header_.slot_bytes, header_.slot_bytes)) {}

WorkerCounters& WorkerScoreboard::counters() noexcept {
  return static_cast<ScoreboardSlot*>(own_.get_address())->counters;
}

std::size_t WorkerScoreboard::slots_used() const noexcept {
  const auto& front = *static_cast<const ScoreboardFront*>(front_.get_address());
  return std::min<std::size_t>(front.slots_used.get(), header_.slots);
}

std::uint64_t WorkerScoreboard::listeners_of_all() const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t slot = 0; slot < slots_used(); ++slot) {
    sum +=
        slot_at<const ScoreboardSlot>(all_.get_address(), header_, slot)->counters.listeners.get();
  }
  return sum;
}

void WorkerScoreboard::set_peer(std::size_t place, const PeerKey& peer,
                                std::uint64_t connections) noexcept {
  auto& own = *static_cast<ScoreboardSlot*>(own_.get_address());
  ERADIO_CHECK(place < header_.peers_per_slot);
  PeerWords& words = peers_of(own, header_)[place];
  words.high.store(peer.high, std::memory_order_relaxed);
  words.low.store(peer.low, std::memory_order_relaxed);
  words.connections.store(connections, std::memory_order_relaxed);
  own.peers_used.set(std::max<std::uint64_t>(own.peers_used.get(), place + 1));
}

std::uint64_t WorkerScoreboard::connections_of(const PeerKey& peer) const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t slot = 0; slot < slots_used(); ++slot) {
    const auto& other = *slot_at<const ScoreboardSlot>(all_.get_address(), header_, slot);
    const std::size_t used = std::min<std::size_t>(other.peers_used.get(), header_.peers_per_slot);
    for (const PeerWords& words : peers_of(other, header_).first(used)) {
      if (words.high.load(std::memory_order_relaxed) == peer.high &&
          words.low.load(std::memory_order_relaxed) == peer.low) {
        sum += words.connections.load(std::memory_order_relaxed);
      }
    }
  }
  return sum;
}

}  // namespace eradio
