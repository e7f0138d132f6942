#include "master/table_counts.h"

#include <cstddef>

#include "common/clock.h"

namespace eradio {

const std::vector<ListenerCounts>& TableCounts::of(const std::vector<ListenerTable>& tables,
                                                   std::int64_t now_ns) {
  constexpr std::int64_t age_ns_max = 100 * ns_per_ms;
  if (counts_.size() == tables.size() && now_ns - counted_ns_ < age_ns_max) {
    return counts_;
  }
  counted_ns_ = now_ns;
  counts_.resize(tables.size());
  for (std::size_t slot = 0; slot < tables.size(); ++slot) {
    counts_[slot] = tables[slot].count();
  }
  return counts_;
}

}  // namespace eradio
