// What workers report about their listeners: the supervisor receives it and calls, the programme
// implements.
#pragma once

#include <cstddef>
#include <span>

#include "common/worker_protocol.h"

namespace eradio {

class WorkerEvents {
 public:
  virtual ~WorkerEvents() = default;
  // In the order in which it happened at that worker. What is in it is not to be trusted.
  virtual void on_audience(std::size_t slot, std::span<const AudienceEvent> events) = 0;
  // Its process has ended, and all its connections with it.
  virtual void on_worker_gone(std::size_t slot) = 0;
};

}  // namespace eradio
