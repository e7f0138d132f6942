// The process's log: one line per event on standard error, through spdlog. It never blocks: lines
// that nobody takes are dropped, and counted. spdlog's own header stays out of this one: each file
// that logged through it took 8 to 20 seconds to compile.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

namespace eradio {

enum class LogLevel { trace, debug, info, warning, error, off };

// `process_name` stands in every line ("master", "worker 0"). `level`: see is_log_level().
void set_up_log(const std::string& process_name, std::string_view level);
// From now on.
void set_log_level(LogLevel level);

// True for: error, warning, info, debug, trace, off.
bool is_log_level(std::string_view level);
std::optional<LogLevel> log_level_of(std::string_view name);
std::string_view name_of(LogLevel level);

namespace log {

// Whether lines of this level are written.
bool is_on(LogLevel level);

void write_formatted(LogLevel level, fmt::string_view format, fmt::format_args arguments);

// Formats as std::format does; the format is checked when compiling.
template <typename... Arguments>
void write(LogLevel level, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  if (is_on(level)) {
    write_formatted(level, format, fmt::make_format_args(arguments...));
  }
}

template <typename... Arguments>
void error(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  write(LogLevel::error, format, std::forward<Arguments>(arguments)...);
}
template <typename... Arguments>
void warning(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  write(LogLevel::warning, format, std::forward<Arguments>(arguments)...);
}
template <typename... Arguments>
void info(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  write(LogLevel::info, format, std::forward<Arguments>(arguments)...);
}
template <typename... Arguments>
void debug(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  write(LogLevel::debug, format, std::forward<Arguments>(arguments)...);
}

}  // namespace log

// Whether these bytes are UTF-8 (RFC 3629), C1 control characters excepted.
bool is_utf8(std::string_view text);

// Makes bytes from outside fit for a log line: control characters and bytes that are not UTF-8
// become \xHH, and what is longer than `bytes_max` is cut and says so.
std::string printable(std::string_view text, std::size_t bytes_max = 2000);

}  // namespace eradio
