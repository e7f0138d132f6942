// What has just been done to the server, and whether the end of a connection is one of the known
// limits (docs/continuity.md) because of it, or a fault of the server. Pure; used by Population.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace eradio::testing {

enum class Disturbance {
  planned,  // workers are replaced as the operator wants it; until it is over
  stopped,  // a worker does not go on, and may be killed for it
  killed,   // a worker is dead at once
};

// A connection that has ended without its listener's doing.
struct Loss {
  bool answered = false;  // it had its response head
  std::int64_t ended_ns = 0;
  // Lost if its worker is killed in the middle of a send to it, or a receive: a WebSocket, an event
  // stream, a listener on a Unix socket.
  bool fragile = false;
};

class Disturbances {
 public:
  // Returns its number.
  std::size_t add(Disturbance kind, std::int64_t now_ns) {
    past_.push_back({.kind = kind, .begin_ns = now_ns});
    return past_.size() - 1;
  }
  // What was planned is over, as far as the operator knows. Of what nobody tells him the end it is
  // taken to be over after some seconds.
  void end(std::size_t number, std::int64_t now_ns) { past_.at(number).end_ns = now_ns; }

  // Whether this loss is within the known limits: of a request that is half read or not answered
  // yet, and of a fragile one whose worker dies. Whoever else has been answered is never lost.
  [[nodiscard]] bool excuse(const Loss& loss) const;
  // How many workers may have been killed: as many fragile ones can be lost, and no more.
  [[nodiscard]] std::size_t deaths_max() const;

 private:
  struct Past {
    Disturbance kind{};
    std::int64_t begin_ns = 0;
    std::optional<std::int64_t> end_ns{};  // of one that is planned
  };

  // Until when a connection may end because of it.
  [[nodiscard]] static std::int64_t lasts_until_ns(const Past& past);

  std::vector<Past> past_;
};

}  // namespace eradio::testing
