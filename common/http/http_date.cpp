#include "common/http/http_date.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdio>

namespace eradio {
namespace {

constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::size_t date_bytes = 29;

// The number that fills `length` bytes from `begin`; -1 when that is no number.
int number_at(std::string_view text, std::size_t begin, std::size_t length) {
  int value = -1;
  const char* const first = text.data() + begin;
  const auto [end, error] = std::from_chars(first, first + length, value);
  return error == std::errc{} && end == first + length ? value : -1;
}

}  // namespace

std::string format_http_date(std::time_t time) {
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                days.at(static_cast<std::size_t>(parts.tm_wday)).data(), parts.tm_mday,
                months.at(static_cast<std::size_t>(parts.tm_mon)).data(), parts.tm_year + 1900,
                parts.tm_hour, parts.tm_min, parts.tm_sec);
  return text.data();
}

std::optional<std::time_t> parse_http_date(std::string_view text) {
  if (text.size() != date_bytes) {
    return std::nullopt;
  }
  const auto month = std::find(months.begin(), months.end(), text.substr(8, 3));
  std::tm parts{};
  parts.tm_mday = number_at(text, 5, 2);
  parts.tm_mon = static_cast<int>(month - months.begin());
  parts.tm_year = number_at(text, 12, 4) - 1900;
  parts.tm_hour = number_at(text, 17, 2);
  parts.tm_min = number_at(text, 20, 2);
  parts.tm_sec = number_at(text, 23, 2);
  if (month == months.end() || parts.tm_mday < 1 || parts.tm_year < 0) {
    return std::nullopt;
  }
  const std::time_t time = ::timegm(&parts);
  // Whatever was out of range or out of place shows when it is written again.
  if (format_http_date(time) != text) {
    return std::nullopt;
  }
  return time;
}

}  // namespace eradio
