#include "master/descriptor_budget.h"

#include <algorithm>

namespace eradio {
namespace {

std::size_t listening_sockets_of_worker(const DescriptorDemand& demand) noexcept {
  const std::size_t surplus = std::max(demand.slots, demand.workers) - demand.workers;
  return demand.addresses * (1 + surplus) + demand.unix_sockets;
}

}  // namespace

std::size_t descriptors_of_master(const DescriptorDemand& demand) noexcept {
  // Standard ones, loop, signals, shared memory, source, control and status server; those that
  // starting a child takes for a moment, and a few connections of operators. Counted, and rounded
  // up.
  constexpr std::size_t own = 40;
  constexpr std::size_t per_worker = 2;  // its line, and its program
  constexpr std::size_t per_slot = 2;    // table, wake-up
  const std::size_t slots = std::max(demand.slots, demand.workers);
  return own + per_worker * demand.workers + (per_slot + demand.addresses) * slots +
         listening_sockets_of_worker(demand);  // the next worker gets duplicates
}

std::size_t descriptors_of_worker(const DescriptorDemand& demand) noexcept {
  constexpr std::size_t own = 32;  // with a few for clients, and what is kept for files
  return own + listening_sockets_of_worker(demand);
}

std::string why_too_few_descriptors(const DescriptorDemand& demand, std::size_t descriptors_max,
                                    std::size_t held) {
  const std::size_t needed =
      std::max(descriptors_of_master(demand) + held, descriptors_of_worker(demand));
  if (needed <= descriptors_max) {
    return "";
  }
  return std::to_string(demand.workers) + " workers need " + std::to_string(needed) +
         " descriptors" +
         (held > 0 ? " with the " + std::to_string(held) + " that are held of clients" : "") +
         ", and this process may have no more than " + std::to_string(descriptors_max) +
         " (ulimit -n, LimitNOFILE)";
}

// As long as there are many, far more are kept than are needed: operators may come in crowds.
std::size_t escrow_max(const DescriptorDemand& demand, std::size_t descriptors_max) noexcept {
  constexpr std::size_t own = 256;
  constexpr std::size_t per_worker = 16;
  const std::size_t kept =
      std::max(std::min(descriptors_max / 2, own + per_worker * demand.workers),
               descriptors_of_master(demand));
  return descriptors_max - std::min(descriptors_max, kept);
}

}  // namespace eradio
