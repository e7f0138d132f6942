// How many clients the workers have and what they have been sent, by the listener tables: so no
// worker's end changes anything about it.
#pragma once

#include <cstdint>
#include <vector>

#include "shm/listener_table.h"

namespace eradio {

class TableCounts {
 public:
  // Of `tables`, one for each slot. To go over a table takes some 100 ns for each client: what is
  // less than 100 ms old is good enough.
  const std::vector<ListenerCounts>& of(const std::vector<ListenerTable>& tables,
                                        std::int64_t now_ns);

 private:
  std::vector<ListenerCounts> counts_;
  std::int64_t counted_ns_ = 0;
};

}  // namespace eradio
