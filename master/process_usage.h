// What a process has used so far, as the kernel knows it: asks nobody, and waits for nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace eradio {

struct ProcessUsage {
  double user_s = 0;  // of processor time
  double system_s = 0;
  std::uint64_t memory_bytes = 0;  // resident

  bool operator==(const ProcessUsage&) const = default;
};

// Nothing when there is no such process.
std::optional<ProcessUsage> usage_of(pid_t process);

// What is in /proc/PID/stat (proc(5)); nothing when it cannot be understood.
std::optional<ProcessUsage> parse_process_stat(std::string_view text, std::int64_t ticks_per_second,
                                               std::int64_t bytes_per_page);

}  // namespace eradio
