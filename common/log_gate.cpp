#include "common/log_gate.h"

#include <algorithm>
#include <utility>

#include "common/clock.h"

namespace eradio {
namespace {

bool is_problem(LogLevel level) { return level == LogLevel::warning || level == LogLevel::error; }

double burst_of(LogLevel level) {
  return is_problem(level) ? LogGate::burst_of_problems : LogGate::burst;
}

}  // namespace

std::size_t LogGate::Hash::operator()(const Kind& kind) const noexcept {
  return std::hash<const char*>()(kind.words) + static_cast<std::size_t>(kind.level);
}

void LogGate::fill(LogLevel level, Budget& budget, std::int64_t now_ns) {
  const double rate = is_problem(level) ? problems_per_second : per_second;
  const auto seconds = static_cast<double>(now_ns - budget.filled_ns) / ns_per_second;
  budget.tokens = std::min(burst_of(level), budget.tokens + rate * seconds);
  budget.filled_ns = now_ns;
}

bool LogGate::admit(const char* kind, LogLevel level, std::int64_t now_ns) {
  Budget& budget =
      budgets_.try_emplace({kind, level}, Budget{.tokens = burst_of(level), .filled_ns = now_ns})
          .first->second;
  fill(level, budget, now_ns);
  if (budget.tokens < 1) {
    if (budget.left_out == 0) {
      budget.told_ns = now_ns;
    }
    ++budget.left_out;
    ++left_out_;
    return false;
  }
  budget.tokens -= 1;
  return true;
}

void LogGate::tell_left_out(std::int64_t now_ns, bool all, const LeftOut& tell) {
  if (left_out_ == 0) {
    return;
  }
  for (auto& [kind, budget] : budgets_) {
    fill(kind.level, budget, now_ns);
    const bool due = budget.tokens >= 1 || now_ns - budget.told_ns >= told_after_ns;
    if (budget.left_out > 0 && (all || due)) {
      budget.tokens = std::max(0.0, budget.tokens - 1);
      left_out_ -= budget.left_out;
      tell(kind.words, kind.level, std::exchange(budget.left_out, 0));
    }
  }
}

}  // namespace eradio
