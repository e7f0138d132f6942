// A server of the lag benchmark, whichever of them: started in a network namespace with the stream,
// and gone when this object goes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/bench/lag_grid.h"

namespace eradio::testing {

class LagServer {
 public:
  LagServer() = default;
  LagServer(const LagServer&) = delete;
  LagServer& operator=(const LagServer&) = delete;
  virtual ~LagServer() = default;

  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // The listener for a cell: what it asks for, and how it takes what this server does.
  [[nodiscard]] virtual LagListener listener(const LagStream& stream, const LagCell& cell) const;
};

// `eradiod_arguments`: separated by spaces. Throws std::runtime_error when it does not start.
std::unique_ptr<LagServer> start_lag_server(LagServerKind kind, const LagStream& stream,
                                            const std::string& network_namespace,
                                            const std::string& eradiod_arguments);
// Why it cannot be had here; empty when it can.
std::string why_unavailable(LagServerKind kind);

}  // namespace eradio::testing
