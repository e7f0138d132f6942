// The process's log: one line per event on standard error (log_line.h), through spdlog. It never
// blocks: lines that nobody takes are dropped, and counted; nor floods: log_gate.h. Where the
// service manager reads (sd-daemon(3), "JOURNAL_STREAM" in systemd.exec(5)), a line begins with its
// priority, "<6>", and has no time. spdlog's own header stays out of this one: each file that
// logged through it took 8 to 20 seconds to compile.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "common/log_line.h"

namespace eradio {

// `process_name` stands in every line ("master", "worker 0"). `level`: see is_log_level().
void set_up_log(const std::string& process_name, std::string_view level,
                LogFormat format = LogFormat::logfmt);
// From now on.
void set_log_level(LogLevel level);
void set_log_format(LogFormat format);
// The file takes standard error's place from now on, for all that is written there; it is made if
// need be. Throws std::system_error that names it.
void log_to_file(const std::filesystem::path& path);
// The same with an open one, which is borrowed.
void log_to_file(int descriptor);

namespace log {

// Whether lines of this level are written.
bool is_on(LogLevel level);

// `kind`: a string literal, by which the log gate knows events of one kind.
void write_formatted(LogLevel level, const char* kind, fmt::format_args arguments);
// An event with fields; no key twice, and none of time, level, process, message.
void event(LogLevel level, const char* message, std::initializer_list<LogField> fields);
// To be called now and then: says what was left out. `all`: since there is no next time.
void say_what_was_left_out(bool all = false);

// Formats as std::format does; the format is checked when compiling.
template <typename... Arguments>
void write(LogLevel level, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  if (is_on(level)) {
    write_formatted(level, fmt::string_view(format).data(), fmt::make_format_args(arguments...));
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
