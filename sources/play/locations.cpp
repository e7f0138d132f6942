#include "sources/play/locations.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace eradio {
namespace {

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Length of the UTF-8 character at the front of `text`; 0 when there is none (RFC 3629: no
// overlong forms, no surrogates, nothing over U+10FFFF).
std::size_t utf8_character_bytes(std::string_view text) {
  const auto byte_at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte_at(0);
  if (first < 0x80) {
    return 1;
  }
  const std::size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length == 0 || first > 0xf4 || text.size() < length) {
    return 0;
  }
  const std::uint8_t second_min = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const std::uint8_t second_max = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte_at(1) < second_min || byte_at(1) > second_max) {
    return 0;
  }
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte_at(i) & 0xc0U) != 0x80U) {
      return 0;
    }
  }
  return length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_character_bytes(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

bool is_url(std::string_view text) {
  const auto end = text.find("://");
  if (end == std::string_view::npos || end == 0 || !is_ascii_letter(text.front())) {
    return false;
  }
  const std::string_view scheme = text.substr(0, end);
  return std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return is_ascii_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
}

std::optional<std::filesystem::path> path_of_file_url(std::string_view url) {
  constexpr std::string_view scheme = "file://";
  constexpr std::string_view localhost = "localhost/";
  if (!url.starts_with(scheme)) {
    return std::nullopt;
  }
  url.remove_prefix(scheme.size());
  if (url.starts_with(localhost)) {
    url.remove_prefix(localhost.size() - 1);
  }
  if (!url.starts_with('/')) {
    return std::nullopt;
  }
  std::string path;
  for (std::size_t i = 0; i < url.size(); ++i) {
    unsigned value = 0;
    const char* digits = url.data() + i + 1;
    if (url[i] == '%' && i + 2 < url.size() &&
        std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      path.push_back(static_cast<char>(value));
      i += 2;
    } else {
      path.push_back(url[i]);
    }
  }
  return path;
}

std::string file_url(const std::filesystem::path& path) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  constexpr std::string_view also_plain = "/-._~!$&'()*+,;=:@";  // RFC 3986: pchar and "/"
  std::string url = "file://";
  for (const char c : std::filesystem::absolute(path).lexically_normal().string()) {
    if (is_ascii_letter(c) || is_digit(c) || also_plain.find(c) != std::string_view::npos) {
      url.push_back(c);
    } else {
      const auto byte = static_cast<std::uint8_t>(c);
      url.append({'%', hex[byte >> 4U], hex[byte & 0xfU]});
    }
  }
  return url;
}

std::string to_utf8(std::string_view text) {
  if (is_utf8(text)) {
    return std::string(text);
  }
  std::string utf8;
  for (const char c : text) {
    const auto code = static_cast<std::uint8_t>(c);
    if (code < 0x80) {
      utf8.push_back(c);
    } else {
      utf8.push_back(static_cast<char>(0xc0U | code >> 6U));
      utf8.push_back(static_cast<char>(0x80U | (code & 0x3fU)));
    }
  }
  return utf8;
}

bool has_extension(std::string_view name, std::string_view extension) {
  if (name.size() <= extension.size() || name[name.size() - extension.size() - 1] != '.') {
    return false;
  }
  const std::string_view end = name.substr(name.size() - extension.size());
  return std::equal(end.begin(), end.end(), extension.begin(),
                    [](char a, char b) { return to_lower(a) == b; });
}

}  // namespace eradio
