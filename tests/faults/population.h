// The listeners of a fault test: always about as many, some for the whole time, others coming and
// going, fast and slow, each checking every byte, some voting. It knows of everybody who is gone
// whether they left, or whether the server lost them. With them, those who are told of the stream
// (told_clients.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/faults/disturbances.h"
#include "tests/faults/fault_plan.h"
#include "tests/faults/told_clients.h"
#include "tests/faults/voters.h"
#include "tests/support/listener_crowd.h"

namespace eradio::testing {

struct PopulationOptions {
  Endpoint ipv4{};
  Endpoint ipv6{};
  Endpoint unix_socket{};
  std::size_t listeners = 0;
  std::size_t told = 0;                     // WebSockets, and as many event streams
  std::uint64_t slow_bytes_per_second = 0;  // less than the stream has
};

struct PopulationCounts {
  std::size_t came = 0;
  std::size_t left = 0;        // as they wanted
  std::size_t lost = 0;        // on a Unix socket, in the middle of a send to them
  std::size_t unanswered = 0;  // cut off before the answer, within the known limits
  std::uint64_t frames = 0;
  std::uint64_t missed = 0;
};

class Population {
 public:
  Population(const PopulationOptions& options, std::uint64_t seed);

  // They listen only within this one. Whoever wants to leaves, and others come instead.
  void listen_for(std::chrono::milliseconds time);
  // Until `done` says so; false when the time is over.
  template <typename Predicate>
  [[nodiscard]] bool listen_until(const Predicate& done, std::chrono::milliseconds limit);

  // So many of those who are there now, or besides them.
  void stall(std::uint32_t percent, std::chrono::milliseconds time);
  void come(std::uint32_t percent);
  void leave(std::uint32_t percent);
  // From now on nobody comes or leaves by themselves, and nobody stalls.
  void settle_down();
  void leave_all();
  // What was done to the server just now, which may cost those their connection who are joining.
  // Returns its number.
  std::size_t expect(Disturbance kind);
  // It is over.
  void end(std::size_t disturbance);

  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
  [[nodiscard]] const ToldClients& told() const noexcept { return told_; }
  [[nodiscard]] const Voters& voters() const noexcept { return voters_; }
  [[nodiscard]] const Disturbances& disturbances() const noexcept { return disturbances_; }
  [[nodiscard]] PopulationCounts counts() const;
  // Whether everybody has heard a frame that is no older than `age`.
  [[nodiscard]] bool all_hear(std::chrono::milliseconds age) const;
  // What became, since the last time, of those whom the server lost within the known limits.
  std::vector<std::string> take_excused() { return std::exchange(excused_, {}); }
  // What the server did wrong: empty, or the first thing.
  [[nodiscard]] std::string fault() const { return fault_ + told_.fault() + voters_.fault(); }

 private:
  struct Member {
    CrowdListener* listener = nullptr;
    std::size_t number = 0;
    std::int64_t came_ns = 0;
    std::int64_t head_ns = 0;           // 0: it has none yet
    std::int64_t leaves_ns = 0;         // 0: it stays
    std::int64_t stalled_until_ns = 0;  // 0: it reads
    bool on_unix_socket = false;
  };

  // As many as are wanted; most of them stay.
  void fill_up();
  void come_one(bool stays);
  void attend();
  void let_one_vote(std::int64_t now_ns);
  // Whether that one has gone.
  bool attend(Member& member, std::int64_t now_ns);
  void judge_loss(const Member& member, std::int64_t now_ns);
  void say_fault(const Member& member, const std::string& what);
  static std::string name_of(const Member& member);
  static std::string describe_loss(const Member& member, std::int64_t now_ns);
  // Closes its connection, and counts what it has heard.
  void dismiss(const Member& member);

  PopulationOptions options_;
  Dice dice_;
  ListenerCrowd crowd_;
  Disturbances disturbances_;
  ToldClients told_;
  Voters voters_;
  std::int64_t next_vote_ns_ = 0;
  std::vector<Member> members_;
  std::size_t wanted_;
  bool settled_ = false;
  PopulationCounts counts_;  // of frames: those of whom has gone
  std::vector<std::string> excused_;
  std::string fault_;
};

template <typename Predicate>
bool Population::listen_until(const Predicate& done, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() >= deadline) {
      return false;
    }
    listen_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace eradio::testing
