// Votes of listeners while things happen to the server: each is answered, or its request has been
// dropped within the known limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/descriptor.h"
#include "tests/faults/disturbances.h"
#include "tests/support/endpoint.h"

namespace eradio::testing {

struct VoteCounts {
  std::size_t counted = 0;      // 200
  std::size_t not_counted = 0;  // nothing played, or nobody could say in time
  std::size_t dropped = 0;      // without an answer
};

class Voters {
 public:
  // Disturbances are borrowed.
  explicit Voters(const Disturbances& disturbances) : disturbances_(disturbances) {}

  // Of a listener who has the stream.
  void vote(const Endpoint& endpoint, std::uint64_t listener_id);
  // A listener that leaves need not be known any more.
  void forget_listener(std::uint64_t listener_id);
  // Reads what has come.
  void attend();

  [[nodiscard]] std::size_t waiting() const noexcept { return votes_.size(); }
  [[nodiscard]] const VoteCounts& counts() const noexcept { return counts_; }
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

 private:
  struct Vote {
    Descriptor socket;
    std::uint64_t listener_id = 0;
    bool listens = true;
    bool sent = false;
    std::int64_t begun_ns = 0;
    std::string reply;
  };

  // Whether it is done with.
  bool attend(Vote& vote, std::int64_t now_ns);
  void judge(const Vote& vote, std::int64_t now_ns);

  const Disturbances& disturbances_;
  std::vector<Vote> votes_;
  VoteCounts counts_;
  std::string fault_;
};

}  // namespace eradio::testing
