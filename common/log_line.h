// How an event looks in the log: one line of key=value (logfmt), or one JSON object. Pure.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace eradio {

enum class LogLevel { trace, debug, info, warning, error, off };
enum class LogFormat { logfmt, json };

// True for: error, warning, info, debug, trace, off.
bool is_log_level(std::string_view level);
std::optional<LogLevel> log_level_of(std::string_view name);
std::string_view name_of(LogLevel level);
// "logfmt" and "json".
std::optional<LogFormat> log_format_of(std::string_view name);
std::string_view name_of(LogFormat format);

// What is known of an event besides its message. Borrows the key, which is a plain word.
struct LogField {
  LogField(std::string_view key_, std::string_view text) : key(key_), value(std::string(text)) {}
  LogField(std::string_view key_, std::integral auto number)
      : key(key_), value(static_cast<std::int64_t>(number)) {}

  std::string_view key;
  std::variant<std::string, std::int64_t> value;
};

struct LogEvent {
  std::optional<std::chrono::system_clock::time_point> time;  // nothing: whoever reads knows it
  LogLevel level = LogLevel::info;
  std::string_view process;  // "master", "worker 0"
  std::string_view message;
  std::span<const LogField> fields;
};

// pipe(7), PIPE_BUF: so much is written in one piece.
constexpr std::size_t log_line_bytes_max = 4096;

// With its line break, and never longer than log_line_bytes_max: then the message is cut.
std::string log_line(LogFormat format, const LogEvent& event);

}  // namespace eradio
