// Starts one of the benchmarks' own servers (send_loop.h) for the time this object lives.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/endpoint.h"
#include "tests/support/output_capture.h"

namespace eradio::testing {

class SendLoopServer {
 public:
  // The program and its arguments. `network_namespace`: path of the one that it runs in; empty:
  // ours. Throws std::runtime_error when it does not start.
  explicit SendLoopServer(std::vector<std::string> command,
                          const std::string& network_namespace = "");
  ~SendLoopServer();
  SendLoopServer(const SendLoopServer&) = delete;
  SendLoopServer& operator=(const SendLoopServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
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
