// Listeners, each behind a link of its own, and how far behind they are: for the lag tests and the
// lag benchmark. Everybody listens to the same server at the same time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/link/emulated_links.h"
#include "tests/support/age_histogram.h"
#include "tests/support/listener_crowd.h"

namespace eradio::testing {

// IPv4 20 bytes, TCP 20, its time stamps 12.
constexpr double tcp_head_bytes = 52;

struct LagResult {
  double p50_ms = 0;  // age of frames when they came
  double p99_ms = 0;
  double max_ms = 0;
  std::uint64_t frames = 0;  // that came
  std::uint64_t missed = 0;
  std::uint64_t jumps = 0;  // places where some were missed
  std::uint64_t drops = 0;  // times that the server closed the connection
};

struct LagListener {
  LinkSettings link{};
  std::string target = "/stream.mp3";
  bool foreign = false;  // ListenerOptions
  bool rejoins = false;  // at once when the server closes; else that is a fault
};

class LagMeasurement {
 public:
  // Links are borrowed. The first listener joins through the first of them, and so on.
  LagMeasurement(EmulatedLinks& links, std::uint16_t port,
                 const std::vector<LagListener>& listeners);

  // Until all have a frame. Throws std::runtime_error when that takes over 20 s.
  void wait_for_all();
  void run_for(std::chrono::milliseconds time);
  // What happens in this time, for each of them.
  std::vector<LagResult> measure(std::chrono::milliseconds time);

  // On its present connection.
  [[nodiscard]] const StreamCheck& heard_by(std::size_t listener) const {
    return listeners_.at(listener).connection->check();
  }
  // That a frame was torn, or somebody lost his connection; empty if all is well.
  [[nodiscard]] std::string fault() const;

 private:
  struct Listener {
    LagListener what;
    ListenerOptions options;
    std::unique_ptr<AgeHistogram> ages = std::make_unique<AgeHistogram>();
    CrowdListener* connection = nullptr;  // the crowd's
    LagResult before{};                   // counts of its earlier connections
  };

  [[nodiscard]] static bool has_ended(const Listener& listener);
  // What a listener has counted since it joined first.
  [[nodiscard]] static LagResult counts(const Listener& listener);
  void rejoin_ended();

  std::vector<Listener> listeners_;
  ListenerCrowd crowd_;
  std::size_t ended_seen_ = 0;
};

}  // namespace eradio::testing
