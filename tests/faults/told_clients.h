// The WebSockets and event streams of a fault test: always as many, some for the whole time, others
// coming and going. Each checks what it is told: whole messages, tracks in their order. It knows of
// everybody who is gone whether they left, or whether the server lost them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/faults/disturbances.h"
#include "tests/faults/fault_plan.h"
#include "tests/support/endpoint.h"
#include "tests/support/notify_crowd.h"

namespace eradio::testing {

struct ToldCounts {
  std::size_t came = 0;
  std::size_t left = 0;
  std::size_t lost = 0;        // in the middle of a send or a receive, when their worker was killed
  std::size_t unanswered = 0;  // cut off before the answer, within the known limits
  std::uint64_t messages = 0;
};

class ToldClients {
 public:
  // `clients`: of each kind, at each of the endpoints in turn. Disturbances are borrowed.
  ToldClients(std::vector<Endpoint> endpoints, std::size_t clients,
              const Disturbances& disturbances, std::uint64_t seed);

  // To be served by whoever runs a loop; and now and then, so that clients come and leave.
  [[nodiscard]] NotifyCrowd& crowd() noexcept { return crowd_; }
  void attend();
  // From now on nobody comes or leaves by themselves.
  void settle_down() { settled_ = true; }
  void leave_all();

  [[nodiscard]] std::size_t size() const noexcept { return crowd_.open(); }
  [[nodiscard]] const ToldCounts& counts() const noexcept { return counts_; }
  // Whether everybody was told last what GET /v1/metadata says: the name of the track and how many
  // listen. Nobody who has not been told anything is asked.
  [[nodiscard]] bool all_know(const std::string& track, std::uint64_t listeners) const;
  // What the server did wrong: empty, or the first thing.
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

 private:
  struct Client {
    NotifyCrowd::Kind kind{};
    std::int64_t came_ns = 0;
    std::int64_t open_ns = 0;    // 0: it has no answer yet
    std::int64_t leaves_ns = 0;  // 0: it stays
    bool gone = false;
    std::string track{};  // that it was told of last
    std::uint64_t listeners = 0;
    bool told = false;
  };

  void come(NotifyCrowd::Kind kind);
  void take(std::size_t number, std::string_view json, std::int64_t now_ns);
  void judge_end(std::size_t number, const std::string& why);
  void say_fault(std::size_t number, const std::string& what);

  std::vector<Endpoint> endpoints_;
  const Disturbances& disturbances_;
  Dice dice_;
  std::vector<Client> clients_;  // as the crowd numbers them
  NotifyCrowd crowd_;
  ToldCounts counts_;
  bool settled_ = false;
  std::string fault_;
};

}  // namespace eradio::testing
