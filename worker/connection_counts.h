// Counts connections by address (of IPv6: by /64 network, see PeerAddress::network()), for
// `max_connections_per_ip`: this worker's in a table of the scoreboard where the other workers see
// them. Does nothing when there is no such limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "common/http/peer_address.h"
#include "shm/scoreboard.h"

namespace eradio {

class ConnectionCounts {
 public:
  // `per_address_max`: over all workers; 0: no limit. The scoreboard is borrowed.
  ConnectionCounts(WorkerScoreboard& scoreboard, std::uint64_t per_address_max)
      : scoreboard_(scoreboard), per_address_max_(per_address_max) {}

  // Counts one more; returns false, and counts nothing, when that would be too many. Unix peers
  // have no address and no limit.
  [[nodiscard]] bool add(const PeerAddress& peer);
  // Counts one that there is already, limit or not.
  void add_inherited(const PeerAddress& peer);
  // One of the connections that were counted has closed. Of an address that has none only their
  // number falls.
  void remove(const PeerAddress& peer);
  // All that are open, limit or not.
  [[nodiscard]] std::size_t open() const noexcept { return open_; }

 private:
  struct Entry {
    std::size_t place = 0;  // in the scoreboard's table
    std::uint64_t connections = 0;
  };

  bool count(const PeerAddress& peer);

  WorkerScoreboard& scoreboard_;
  std::uint64_t per_address_max_;
  std::size_t open_ = 0;
  std::map<PeerAddress::Bytes, Entry> entries_;
  std::vector<std::size_t> free_places_;
  std::size_t places_used_ = 0;
};

}  // namespace eradio
