// Signals as events of the loop (signalfd(2)): no signal handlers anywhere. Used by the master.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>

#include "common/descriptor.h"
#include "common/event_loop.h"

namespace eradio {

class SignalWatch {
 public:
  // Blocks the signals for this process and calls `on_signal` with the number of each that comes.
  // Children that start_child() starts have them unblocked. SIGPIPE is ignored too.
  SignalWatch(EventLoop& loop, std::initializer_list<int> signals,
              std::function<void(int)> on_signal);

 private:
  void on_readable();

  Descriptor descriptor_;
  std::function<void(int)> on_signal_;
  Watch watch_;
};

}  // namespace eradio
