// One direction of an emulated link: a queue of limited length, a line of limited rate, and then a
// delay, where packets get lost or late. Pure: packets and time go in, packets come out; the
// program eradio-link carries them between two TUN devices.
//
//   take() → [ queue, queue_bytes ] → [ line, bits_per_second ] → loss → [ delay_ns ] → deliver
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <vector>

namespace eradio::testing {

struct LinkSettings {
  std::uint64_t bits_per_second = 0;  // IP headers included; 0: no limit
  std::int64_t delay_ns = 0;          // one way, on top of the time that the line takes
  double loss = 0;                    // share of the packets that are lost, behind the line
  double reorder = 0;                 // share of the packets that come late_ns later than due
  std::int64_t late_ns = 0;
  std::uint64_t queue_bytes = UINT64_MAX;  // beside the packet on the line; what is over is dropped

  bool operator==(const LinkSettings&) const = default;
};

struct LinkReport {
  std::uint64_t taken = 0;    // packets
  std::uint64_t dropped = 0;  // the queue was full
  std::uint64_t lost = 0;
  std::uint64_t delivered = 0;
  std::uint64_t delivered_bytes = 0;

  bool operator==(const LinkReport&) const = default;
};

class LinkDirection {
 public:
  using Packet = std::vector<std::byte>;

  // The same seed gives the same losses.
  explicit LinkDirection(std::uint64_t seed) : random_(seed) {}

  // From now on. A packet that is on the line already, or delayed, keeps its time.
  void set(const LinkSettings& settings, std::int64_t now_ns);
  void take(Packet packet, std::int64_t now_ns);
  // Hands over what has arrived by now, in the order of arrival.
  void deliver(std::int64_t now_ns, const std::function<void(const Packet&)>& to);
  // When something will happen next; nothing when the link is empty.
  [[nodiscard]] std::optional<std::int64_t> next_ns() const;

  [[nodiscard]] const LinkReport& report() const noexcept { return report_; }

 private:
  struct Waiting {
    Packet packet;
    std::int64_t since_ns = 0;
  };

  // Lets leave the line what has left it by now.
  void advance(std::int64_t now_ns);
  void begin_next(std::int64_t line_free_ns);
  void leave_line(Packet packet, std::int64_t at_ns);
  bool happens(double share) { return share > 0 && uniform_(random_) < share; }

  LinkSettings settings_;
  LinkReport report_;
  std::deque<Waiting> queue_;
  std::uint64_t queued_bytes_ = 0;
  std::optional<Packet> on_line_;
  std::int64_t on_line_until_ns_ = 0;
  std::multimap<std::int64_t, Packet> delayed_;  // by arrival
  std::int64_t last_arrival_ns_ = 0;             // of those that keep their order
  std::mt19937_64 random_;
  std::uniform_real_distribution<double> uniform_;
};

}  // namespace eradio::testing
