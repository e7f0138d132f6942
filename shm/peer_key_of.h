// A peer's address as the shared memory has it, and back.
#pragma once

#include <cstring>

#include "common/http/peer_address.h"
#include "shm/peer_key.h"

namespace eradio {

inline PeerKey peer_key_of(const PeerAddress& peer) noexcept {
  PeerKey key;
  std::memcpy(&key.high, peer.bytes().data(), sizeof key.high);
  std::memcpy(&key.low, peer.bytes().data() + sizeof key.high, sizeof key.low);
  return key;
}

inline PeerAddress peer_address_of(const PeerKey& key) noexcept {
  PeerAddress::Bytes bytes{};
  std::memcpy(bytes.data(), &key.high, sizeof key.high);
  std::memcpy(bytes.data() + sizeof key.high, &key.low, sizeof key.low);
  return PeerAddress(bytes);
}

}  // namespace eradio
