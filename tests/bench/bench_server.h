// The servers that the fan-out benchmark compares, each for the time its object lives: one stream,
// as many listeners as come.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/endpoint.h"

namespace eradio::testing {

struct BenchStream {
  double frames_per_second = 0;
  std::size_t frame_bytes = 0;
};

class BenchServer {
 public:
  virtual ~BenchServer() = default;

  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // Those whose processor time and memory count: not the source.
  [[nodiscard]] virtual std::vector<pid_t> processes() const = 0;
  [[nodiscard]] virtual std::string target() const { return "/stream.mp3"; }
  // Where those who run it ask for its /status; empty when it has none.
  [[nodiscard]] virtual std::vector<Endpoint> operators() const { return {}; }
  // Who finds the listening socket's queue full is left waiting for long.
  [[nodiscard]] virtual int joins_per_second() const { return 5000; }
  // ListenerOptions::foreign
  [[nodiscard]] virtual bool foreign() const { return false; }
};

// What bench_server() knows, with what it is.
struct BenchServerName {
  const char* name;
  const char* what;
};
const std::vector<BenchServerName>& bench_server_names();

// Why the server cannot be had here; empty when it can. Throws std::runtime_error for a name that
// is none.
std::string why_unavailable(const std::string& name);
// Throws std::runtime_error when it does not start.
std::unique_ptr<BenchServer> start_bench_server(const std::string& name, const BenchStream& stream);

}  // namespace eradio::testing
