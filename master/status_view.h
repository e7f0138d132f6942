// What can be seen of the server without changing anything: the status server's and the control
// socket's requests ask, the master answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "master/status.h"

namespace eradio {

class StatusView {
 public:
  virtual ~StatusView() = default;

  virtual ServerStatus status() = 0;
  virtual ListenersPage listeners(std::uint64_t offset, std::size_t limit) = 0;
  // Those with the greatest lag, the greatest first: at most SlowestListeners::kept_max. `done` is
  // called once, perhaps within this call.
  virtual void slowest_listeners(
      std::function<void(const std::vector<ListenersPage::Entry>&)> done) = 0;
};

}  // namespace eradio
