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

void LogGate::fill(Kind& kind, std::int64_t now_ns) {
  const double rate = is_problem(kind.level) ? problems_per_second : per_second;
  const auto seconds = static_cast<double>(now_ns - kind.filled_ns) / ns_per_second;
  kind.tokens = std::min(burst_of(kind.level), kind.tokens + rate * seconds);
  kind.filled_ns = now_ns;
}

bool LogGate::admit(const char* kind, LogLevel level, std::int64_t now_ns) {
  const auto [found, is_new] = kinds_.try_emplace(kind);
  Kind& state = found->second;
  if (is_new) {
    state = {.tokens = burst_of(level), .filled_ns = now_ns, .left_out = 0, .level = level};
  }
  state.level = level;
  fill(state, now_ns);
  if (state.tokens < 1) {
    if (state.left_out == 0) {
      state.told_ns = now_ns;
    }
    ++state.left_out;
    ++left_out_;
    return false;
  }
  state.tokens -= 1;
  return true;
}

void LogGate::tell_left_out(std::int64_t now_ns, bool all, const LeftOut& tell) {
  if (left_out_ == 0) {
    return;
  }
  for (auto& [kind, state] : kinds_) {
    fill(state, now_ns);
    const bool due = state.tokens >= 1 || now_ns - state.told_ns >= told_after_ns;
    if (state.left_out > 0 && (all || due)) {
      state.tokens = std::max(0.0, state.tokens - 1);
      left_out_ -= state.left_out;
      tell(kind, state.level, std::exchange(state.left_out, 0));
    }
  }
}

}  // namespace eradio
