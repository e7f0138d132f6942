// What workers report about their listeners: the supervisor receives it and calls, the programme
// implements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/worker_protocol.h"

namespace eradio {

class WorkerEvents {
 public:
  virtual ~WorkerEvents() = default;
  // In the order in which it happened at that worker. What is in it is not to be trusted.
  virtual void on_audience(std::size_t slot, std::span<const AudienceEvent> events) = 0;
  // Its process has ended, and its connections with it but for those that the next worker of the
  // slot will go on with: the ids that these carry, one for each.
  virtual void on_worker_gone(std::size_t slot, std::span<const std::uint64_t> kept) = 0;
};

}  // namespace eradio
