// Who listens, and who wants the next track: joins, leaves and votes of all workers in, counts and
// the decision to skip out. Pure: the rules of the contract, section 3, and nothing else.
//
// Invariants: (1) an id counts once, however many connections carry it, on whichever workers;
// (2) an id without a connection has no vote; (3) skip_is_due() is true at most once per track.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>

#include "common/worker_protocol.h"
#include "master/master_state.h"

namespace eradio {

class Vetoes {
 public:
  // More than a worker can have descriptors for (/proc/sys/fs/nr_open as Linux sets it).
  static constexpr std::size_t connections_max = std::size_t{1} << 20U;

  // `ratio`: what part of the listeners must vote for a skip; over 0, at most 1. `slots`: workers.
  Vetoes(double ratio, std::size_t slots);

  // For slots from now on, at least so many.
  void make_slots(std::size_t slots);
  void set_ratio(double ratio);

  // One more connection of this worker carries the id. False, and nothing changes, when it has more
  // than can be true.
  [[nodiscard]] bool join(std::size_t slot, std::uint64_t id);
  // One less. False, and nothing changes, when this worker has none with this id.
  [[nodiscard]] bool leave(std::size_t slot, std::uint64_t id);
  // The worker has gone, with all its connections but those that carry these ids. Who has been
  // there all the time keeps his vote.
  void keep_only(std::size_t slot, std::span<const std::uint64_t> ids);

  [[nodiscard]] VoteOutcome vote(std::uint64_t id);
  // Another track has begun, or the same again.
  void start_track();
  void stop();

  // All connections, and who has voted; and as another master knew it. Throws std::runtime_error
  // if it cannot be true.
  void save(SavedProgramme& saved) const;
  void resume(const SavedProgramme& saved, bool playing);

  // Whether votes are enough now, after a vote or a leave, and this track was not skipped before.
  // To be asked after each change: the answer "yes" is given once.
  [[nodiscard]] bool skip_is_due();

  [[nodiscard]] bool is_listening(std::uint64_t id) const;
  [[nodiscard]] std::uint64_t listeners() const noexcept { return listeners_; }
  [[nodiscard]] std::uint64_t vetoes() const noexcept { return voters_.size(); }
  // Votes that it takes with so many listeners: their part, rounded up, and at least one.
  [[nodiscard]] static std::uint64_t vetoes_needed(double ratio, std::uint64_t listeners);

 private:
  // Ordered: listeners choose their ids, and no choice of theirs can make these slow. An id takes
  // some 12 bytes, and each listener has one: so what only few of them need stands apart.
  using Ids = absl::btree_set<std::uint64_t>;
  struct Audience {
    Ids ids;
    absl::btree_map<std::uint64_t, std::uint32_t> further;  // connections beyond the first
    std::size_t connections = 0;
    void add(std::uint64_t id);
  };

  // That its last connection on one worker has gone; on others it may have some.
  void forget_if_gone(std::uint64_t id);

  double ratio_;
  std::vector<Audience> audiences_;  // by worker
  Ids voters_;
  std::uint64_t listeners_ = 0;  // ids, each once
  bool playing_ = false;
  bool skipped_ = false;  // this track, by votes
};

}  // namespace eradio
