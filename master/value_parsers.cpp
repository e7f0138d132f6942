#include "master/value_parsers.h"

#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>

namespace eradio {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array byte_units{Unit{"", 1}, Unit{"B", 1}, Unit{"KiB", 1024.0},
                                Unit{"MiB", 1024.0 * 1024}, Unit{"GiB", 1024.0 * 1024 * 1024}};
constexpr std::array duration_units{Unit{"", 1}, Unit{"ms", 1}, Unit{"s", 1000}};

template <std::size_t count>
std::uint64_t parse_with_unit(std::string_view text, const std::array<Unit, count>& units,
                              std::uint64_t min, std::uint64_t max, const std::string& expected) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  std::string_view unit_name(rest, static_cast<std::size_t>(end - rest));
  while (unit_name.starts_with(' ')) {
    unit_name.remove_prefix(1);
  }
  for (const Unit& unit : units) {
    if (error == std::errc{} && unit.name == unit_name) {
      const double value = number * unit.factor;
      // Above 2^53 a double is no longer exact, and nothing here is that large.
      if (value >= static_cast<double>(min) && value <= static_cast<double>(max) &&
          value < 9007199254740992.0 && std::floor(value) == value) {
        return static_cast<std::uint64_t>(value);
      }
    }
  }
  throw std::invalid_argument("expected " + expected + ", got \"" + std::string(text) + "\"");
}

}  // namespace

std::uint64_t parse_number(std::string_view text, std::uint64_t min, std::uint64_t max) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc{} || rest != end || number < min || number > max) {
    throw std::invalid_argument("expected a number from " + std::to_string(min) + " to " +
                                std::to_string(max) + ", got \"" + std::string(text) + "\"");
  }
  return number;
}

std::uint64_t parse_bytes(std::string_view text, std::uint64_t min, std::uint64_t max) {
  return parse_with_unit(text, byte_units, min, max,
                         "bytes from " + std::to_string(min) + " to " + std::to_string(max) +
                             " (also with KiB, MiB, GiB)");
}

std::chrono::milliseconds parse_duration(std::string_view text, std::chrono::milliseconds min,
                                         std::chrono::milliseconds max) {
  const auto count = parse_with_unit(text, duration_units, static_cast<std::uint64_t>(min.count()),
                                     static_cast<std::uint64_t>(max.count()),
                                     "a time from " + std::to_string(min.count()) + " ms to " +
                                         std::to_string(max.count()) + " ms");
  return std::chrono::milliseconds(static_cast<std::int64_t>(count));
}

std::vector<std::string> parse_command_line(const std::string& text) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;  // the one that is open
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool blank = c == ' ' || c == '\t' || c == '\n';
    if (quote == 0 && blank) {
      in_word = false;
      continue;
    }
    if (!in_word) {
      words.emplace_back();
      in_word = true;
    }
    if (c == '\\' && quote != '\'') {
      if (i + 1 == text.size()) {
        throw std::invalid_argument("there is nothing after the last \\");
      }
      // In double quotes a backslash is one unless it has something to protect.
      const char next = text[i + 1];
      if (quote == '"' && next != '"' && next != '\\' && next != '$' && next != '`') {
        words.back() += c;
      } else {
        words.back() += next;
        ++i;
      }
    } else if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else {
      words.back() += c;
    }
  }
  if (quote != 0) {
    throw std::invalid_argument(std::string("a quote ") + quote + " is not closed");
  }
  if (words.empty() || words.front().empty()) {
    throw std::invalid_argument("expected a program and its arguments");
  }
  return words;
}

}  // namespace eradio
