// Keeps a flood out of the log: of events of one kind and level so many are written at once, and so
// many in a second for long; what is left out is counted, and said. Each level for itself: a source
// that talks much must not have its errors lost. Pure, the time is passed in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>

#include "common/clock.h"
#include "common/log_line.h"

namespace eradio {

class LogGate {
 public:
  // Of a kind, by level: those that say what goes on as it should, and those that do not.
  static constexpr double burst = 200;
  static constexpr double per_second = 100;
  static constexpr double burst_of_problems = 50;
  static constexpr double problems_per_second = 1;

  // `kind`: what all events of the kind have in common, a string that lives for ever; the same
  // words elsewhere are another kind. Otherwise the event is counted.
  [[nodiscard]] bool admit(const char* kind, LogLevel level, std::int64_t now_ns);

  // Called with each kind and level of which events were left out since the last call, if some
  // could be written again by now, or it is so long since; with `all` in any case.
  static constexpr std::int64_t told_after_ns = 10 * ns_per_second;
  using LeftOut = std::function<void(std::string_view kind, LogLevel level, std::uint64_t events)>;
  void tell_left_out(std::int64_t now_ns, bool all, const LeftOut& tell);

 private:
  struct Kind {
    const char* words = nullptr;
    LogLevel level{};

    bool operator==(const Kind&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Kind& kind) const noexcept;
  };
  struct Budget {
    double tokens = 0;
    std::int64_t filled_ns = 0;
    std::uint64_t left_out = 0;
    std::int64_t told_ns = 0;  // or when the first was left out since
  };
  static void fill(LogLevel level, Budget& budget, std::int64_t now_ns);

  std::unordered_map<Kind, Budget, Hash> budgets_;  // few more than there are places that log
  std::uint64_t left_out_ = 0;                      // of all
};

}  // namespace eradio
