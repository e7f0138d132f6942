#include "sources/play/playlist.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "sources/play/locations.h"

namespace eradio {
namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

// Takes the next line off the front of `text`.
std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const std::string_view line = trim(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

// What follows the first comma that is not inside quotes: attributes may stand before it.
std::string_view extinf_title(std::string_view line) {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    quoted ^= line[i] == '"';
    if (line[i] == ',' && !quoted) {
      return trim(line.substr(i + 1));
    }
  }
  return {};
}

bool equal_ignoring_case(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

// The 12 of "File12", when the key begins with `name`.
std::optional<unsigned> numbered_key(std::string_view key, std::string_view name) {
  unsigned number = 0;
  if (key.size() <= name.size() || !equal_ignoring_case(key.substr(0, name.size()), name)) {
    return std::nullopt;
  }
  const std::string_view digits = key.substr(name.size());
  const auto result = std::from_chars(digits.begin(), digits.end(), number);
  if (result.ec != std::errc{} || result.ptr != digits.end()) {
    return std::nullopt;
  }
  return number;
}

}  // namespace

std::vector<PlaylistEntry> parse_m3u(std::string_view text) {
  constexpr std::string_view extinf = "#EXTINF:";
  text = without_byte_order_mark(text);
  std::vector<PlaylistEntry> entries;
  std::string title;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.starts_with(extinf)) {
      title = to_utf8(extinf_title(line));
    } else if (!line.empty() && !line.starts_with('#')) {
      entries.push_back({.location = std::string(line), .title = title});
      title.clear();
    }
  }
  return entries;
}

std::vector<PlaylistEntry> parse_pls(std::string_view text) {
  text = without_byte_order_mark(text);
  std::map<unsigned, PlaylistEntry> by_number;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
      continue;
    }
    const std::string_view key = trim(line.substr(0, equals));
    const std::string_view value = trim(line.substr(equals + 1));
    if (const auto file = numbered_key(key, "file")) {
      by_number[*file].location = value;
    } else if (const auto title = numbered_key(key, "title")) {
      by_number[*title].title = to_utf8(value);
    }
  }
  std::vector<PlaylistEntry> entries;
  for (auto& [number, entry] : by_number) {
    if (!entry.location.empty()) {
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

bool is_hls(std::string_view text) { return text.find("#EXT-X-") != std::string_view::npos; }

}  // namespace eradio
