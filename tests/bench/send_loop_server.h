// Starts eradio-bare-loop for the time this object lives. Used by the fan-out benchmark.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "tests/support/endpoint.h"
#include "tests/support/output_capture.h"

namespace eradio::testing {

class BareLoopServer {
 public:
  BareLoopServer(int processes, double frames_per_second, std::size_t frame_bytes);
  ~BareLoopServer();
  BareLoopServer(const BareLoopServer&) = delete;
  BareLoopServer& operator=(const BareLoopServer&) = delete;

  [[nodiscard]] Endpoint ipv4() const { return Endpoint::ipv4(port_); }
  // Those that send.
  [[nodiscard]] std::vector<pid_t> processes() const;

 private:
  OutputCapture output_;
  Descriptor stop_;  // its standard input
  pid_t parent_ = 0;
  std::uint16_t port_ = 0;
};

}  // namespace eradio::testing
