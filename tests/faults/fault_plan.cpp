#include "tests/faults/fault_plan.h"

#include <array>

namespace eradio::testing {
namespace {

struct Share {
  FaultKind kind;
  std::uint32_t of_hundred;
};

constexpr std::array<Share, 12> shares{{{FaultKind::kill_worker, 20},
                                        {FaultKind::hang_worker, 6},
                                        {FaultKind::stop_worker, 12},
                                        {FaultKind::restart, 12},
                                        {FaultKind::upgrade, 8},
                                        {FaultKind::reload, 12},
                                        {FaultKind::bad_reload, 3},
                                        {FaultKind::break_worker, 3},
                                        {FaultKind::kill_source, 4},
                                        {FaultKind::stall, 8},
                                        {FaultKind::come, 6},
                                        {FaultKind::leave, 6}}};

}  // namespace

const char* name_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::kill_worker:
      return "kill worker";
    case FaultKind::hang_worker:
      return "hang worker";
    case FaultKind::stop_worker:
      return "stop worker";
    case FaultKind::restart:
      return "restart-workers";
    case FaultKind::upgrade:
      return "upgrade";
    case FaultKind::reload:
      return "reload";
    case FaultKind::bad_reload:
      return "reload with a mistake";
    case FaultKind::break_worker:
      return "break worker";
    case FaultKind::kill_source:
      return "kill source";
    case FaultKind::stall:
      return "stall";
    case FaultKind::come:
      return "come";
    case FaultKind::leave:
      return "leave";
  }
  return "?";
}

FaultKind FaultPlan::next_kind() {
  std::uint32_t rest = dice_.below(100);
  for (const Share& share : shares) {
    if (rest < share.of_hundred) {
      return share.kind;
    }
    rest -= share.of_hundred;
  }
  return FaultKind::stall;
}

// Every number is drawn for every fault, so that what one kind needs does not change what follows.
Fault FaultPlan::next() {
  Fault fault;
  fault.kind = next_kind();
  // Often one comes in the middle of what the one before has set off.
  const std::uint32_t longest_ms = dice_.below(2) == 0 ? 60 : 600;
  fault.pause = std::chrono::milliseconds(dice_.below(longest_ms));
  fault.lasts =
      std::chrono::milliseconds(dice_.between(30, fault.kind == FaultKind::stall ? 3'000 : 600));
  fault.which = dice_.below(1'000);
  fault.percent = dice_.between(5, 40);
  return fault;
}

}  // namespace eradio::testing
