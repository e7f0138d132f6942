// A server with a control socket, and the installed eradioctl that operates it: what the tests of
// both share.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/server.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {

// Whether a text that was printed has this part.
bool has(const std::string& text, const std::string& part);

// Runs eradioctl with these arguments.
RunReport run_eradioctl(const std::vector<std::string>& arguments);

class OperatedServer {
 public:
  // `control_socket` of the options is not used.
  explicit OperatedServer(ServerOptions options = {});

  [[nodiscard]] Server& server() noexcept { return server_; }
  [[nodiscard]] const std::string& socket() const noexcept { return socket_; }

  // eradioctl --socket … with these arguments.
  [[nodiscard]] RunReport ctl(std::vector<std::string> arguments) const;
  // The same with --json: expects that it succeeds, and returns what it says.
  [[nodiscard]] nlohmann::json ctl_json(std::vector<std::string> arguments) const;

 private:
  TemporaryDirectory directory_;
  std::string socket_;
  Server server_;
};

// The words that run what stands behind them as a user who may do nothing; empty when we are no
// better ourselves.
std::vector<std::string> as_nobody();

}  // namespace eradio::testing
