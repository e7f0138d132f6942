// How many descriptors master and workers need for themselves, and how many are left for clients:
// plain arithmetic, so that a server that could not serve is refused before anything is opened.
#pragma once

#include <cstddef>
#include <string>

namespace eradio {

// What a server is to have, as far as it takes descriptors.
struct DescriptorDemand {
  std::size_t workers = 0;
  std::size_t slots = 0;         // that have sockets: of fewer workers than before there are more
  std::size_t addresses = 0;     // TCP sockets of each slot
  std::size_t unix_sockets = 0;  // 0 or 1
};

// That the master needs besides those of clients, so that it can always start a worker.
[[nodiscard]] std::size_t descriptors_of_master(const DescriptorDemand& demand) noexcept;
// That a worker needs before it has a client.
[[nodiscard]] std::size_t descriptors_of_worker(const DescriptorDemand& demand) noexcept;

// Empty, or that `descriptors_max` are too few, and how many it takes, also for the `held` ones of
// clients that the master has now.
[[nodiscard]] std::string why_too_few_descriptors(const DescriptorDemand& demand,
                                                  std::size_t descriptors_max, std::size_t held);

// Of how many clients the master can have a descriptor.
[[nodiscard]] std::size_t escrow_max(const DescriptorDemand& demand,
                                     std::size_t descriptors_max) noexcept;

}  // namespace eradio
