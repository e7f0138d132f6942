#include "master/process_usage.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string>

#include "common/descriptor.h"

namespace eradio {

std::optional<ProcessUsage> usage_of(pid_t process) {
  const std::string path = "/proc/" + std::to_string(process) + "/stat";
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    return std::nullopt;
  }
  std::array<char, 1024> text{};
  const ssize_t got = ::read(file.number(), text.data(), text.size());
  if (got <= 0) {
    return std::nullopt;
  }
  return parse_process_stat({text.data(), static_cast<std::size_t>(got)}, ::sysconf(_SC_CLK_TCK),
                            ::sysconf(_SC_PAGESIZE));
}

std::optional<ProcessUsage> parse_process_stat(std::string_view text, std::int64_t ticks_per_second,
                                               std::int64_t bytes_per_page) {
  // The second field is the program's name in parentheses, and may have both of them and spaces in
  // it; the third begins behind the last parenthesis.
  constexpr std::size_t user_field = 14;
  constexpr std::size_t system_field = 15;
  constexpr std::size_t memory_field = 24;
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 > text.size()) {
    return std::nullopt;
  }
  std::string_view rest = text.substr(name_end + 2);
  ProcessUsage usage;
  for (std::size_t field = 3; field <= memory_field; ++field) {
    const auto end = rest.find(' ');
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    std::uint64_t number = 0;
    const bool wanted = field == user_field || field == system_field || field == memory_field;
    if (wanted && std::from_chars(rest.data(), rest.data() + end, number).ec != std::errc{}) {
      return std::nullopt;
    }
    if (field == user_field) {
      usage.user_s = static_cast<double>(number) / static_cast<double>(ticks_per_second);
    } else if (field == system_field) {
      usage.system_s = static_cast<double>(number) / static_cast<double>(ticks_per_second);
    } else if (field == memory_field) {
      usage.memory_bytes = number * static_cast<std::uint64_t>(bytes_per_page);
    }
    rest = rest.substr(end + 1);
  }
  return usage;
}

}  // namespace eradio
