#include "worker/connection_counts.h"

#include "common/check.h"
#include "shm/peer_key_of.h"

namespace eradio {
bool ConnectionCounts::add(const PeerAddress& peer) {
  if (per_address_max_ > 0 && !peer.is_unix() &&
      scoreboard_.connections_of(peer_key_of(peer.network())) >= per_address_max_) {
    return false;
  }
  return count(peer);
}

void ConnectionCounts::add_inherited(const PeerAddress& peer) {
  ERADIO_CHECK(count(peer));  // there are as many places as a process can have descriptors
}

bool ConnectionCounts::count(const PeerAddress& peer) {
  if (per_address_max_ > 0 && !peer.is_unix()) {
    const PeerAddress network = peer.network();
    auto [found, is_new] = entries_.try_emplace(network.bytes());
    Entry& entry = found->second;
    if (is_new && !free_places_.empty()) {
      entry.place = free_places_.back();
      free_places_.pop_back();
    } else if (is_new) {
      if (places_used_ == scoreboard_.peers_max()) {
        entries_.erase(found);
        return false;  // more addresses than a process can have descriptors
      }
      entry.place = places_used_++;
    }
    scoreboard_.set_peer(entry.place, peer_key_of(network), ++entry.connections);
  }
  ++open_;
  return true;
}

void ConnectionCounts::remove(const PeerAddress& peer) {
  ERADIO_CHECK(open_ > 0);
  --open_;
  if (per_address_max_ == 0 || peer.is_unix()) {
    return;
  }
  const PeerAddress network = peer.network();
  const auto found = entries_.find(network.bytes());
  if (found == entries_.end()) {
    return;  // who it was says the listener table, which another process may have written to
  }
  Entry& entry = found->second;
  scoreboard_.set_peer(entry.place, peer_key_of(network), --entry.connections);
  if (entry.connections == 0) {
    free_places_.push_back(entry.place);
    entries_.erase(found);
  }
}

}  // namespace eradio
