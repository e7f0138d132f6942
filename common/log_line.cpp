#include "common/log_line.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace eradio {
namespace {

struct LevelName {
  std::string_view name;
  LogLevel level;
};

constexpr std::array level_names{
    LevelName{"error", LogLevel::error}, LevelName{"warning", LogLevel::warning},
    LevelName{"info", LogLevel::info},   LevelName{"debug", LogLevel::debug},
    LevelName{"trace", LogLevel::trace}, LevelName{"off", LogLevel::off},
};

// RFC 3339, to the millisecond.
std::string text_of(std::chrono::system_clock::time_point time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds),
                     std::chrono::duration_cast<std::chrono::milliseconds>(time - seconds).count());
}

// Of UTF-8: whether a character has begun before this byte.
bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U; }

// Without quotes when it needs none.
void append_value(std::string& line, std::string_view value) {
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return c > ' ' && c != '"' && c != '=' && c != '\\' && c != '\x7f';
  });
  if (plain) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      line += '\\';
    }
    if (c == '\n') {
      line += "\\n";
    } else if (static_cast<unsigned char>(c) >= ' ' && c != '\x7f') {
      line += c;
    } else {
      fmt::format_to(std::back_inserter(line), "\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  line += '"';
}

void append(std::string& line, std::string_view key, std::string_view value) {
  line += line.empty() ? "" : " ";
  line += key;
  line += '=';
  append_value(line, value);
}

std::string logfmt_line(const LogEvent& event, std::string_view message) {
  std::string line;
  if (event.time) {
    append(line, "time", text_of(*event.time));
  }
  append(line, "level", name_of(event.level));
  append(line, "process", event.process);
  append(line, "message", message);
  for (const LogField& field : event.fields) {
    const auto* number = std::get_if<std::int64_t>(&field.value);
    append(line, field.key,
           number != nullptr ? std::to_string(*number) : std::get<std::string>(field.value));
  }
  return line;
}

std::string json_line(const LogEvent& event, std::string_view message) {
  nlohmann::ordered_json json;
  if (event.time) {
    json["time"] = text_of(*event.time);
  }
  json["level"] = name_of(event.level);
  json["process"] = event.process;
  json["message"] = message;
  for (const LogField& field : event.fields) {
    std::visit([&](const auto& value) { json[std::string(field.key)] = value; }, field.value);
  }
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

std::optional<LogLevel> log_level_of(std::string_view name) {
  for (const LevelName& known : level_names) {
    if (known.name == name) {
      return known.level;
    }
  }
  return std::nullopt;
}

std::string_view name_of(LogLevel level) {
  for (const LevelName& known : level_names) {
    if (known.level == level) {
      return known.name;
    }
  }
  return "off";
}

bool is_log_level(std::string_view level) { return log_level_of(level).has_value(); }

std::optional<LogFormat> log_format_of(std::string_view name) {
  for (const LogFormat format : {LogFormat::logfmt, LogFormat::json}) {
    if (name_of(format) == name) {
      return format;
    }
  }
  return std::nullopt;
}

std::string_view name_of(LogFormat format) { return format == LogFormat::json ? "json" : "logfmt"; }

std::string log_line(LogFormat format, const LogEvent& event) {
  constexpr std::string_view mark = "… (cut)";
  const auto line_with = [&](std::string_view message) {
    return format == LogFormat::json ? json_line(event, message) : logfmt_line(event, message);
  };
  std::string line = line_with(event.message);
  for (std::size_t bytes = event.message.size(); line.size() >= log_line_bytes_max && bytes > 0;) {
    // A byte of the message takes six in the line at most, and one at least.
    bytes -= std::min(bytes, std::max<std::size_t>(64, (line.size() - log_line_bytes_max) / 6));
    while (bytes > 0 && continues_character(event.message[bytes])) {
      --bytes;
    }
    line = line_with(std::string(event.message.substr(0, bytes)) + std::string(mark));
  }
  return line.substr(0, log_line_bytes_max - 1) + '\n';
}

}  // namespace eradio
