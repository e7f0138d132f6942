#include "common/configuration_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace eradio {
namespace {

std::string trimmed(const std::string& text) {
  constexpr const char* space = " \t\r\n";
  const auto begin = text.find_first_not_of(space);
  if (begin == std::string::npos) {
    return "";
  }
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

}  // namespace

ConfigurationFile read_configuration_file(const std::string& path) {
  ConfigurationFile read;
  std::ifstream file(path);
  std::error_code ignored;
  if (!file || std::filesystem::is_directory(path, ignored)) {
    read.problems.push_back({.place = path, .text = "cannot be read"});
    return read;
  }
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";  // of UTF-8; some editors write it
    if (number == 1 && line.starts_with(byte_order_mark)) {
      line.erase(0, byte_order_mark.size());
    }
    const std::string place = path + ":" + std::to_string(number);
    const std::string text = trimmed(line);
    if (text.empty() || text.starts_with('#')) {
      continue;
    }
    const auto equals = text.find('=');
    if (equals == std::string::npos) {
      read.problems.push_back(
          {.place = place, .text = "expected key = value, got \"" + text + "\""});
      continue;
    }
    std::string key = trimmed(text.substr(0, equals));
    std::replace(key.begin(), key.end(), '-', '_');
    read.settings.push_back(
        {.key = std::move(key), .value = trimmed(text.substr(equals + 1)), .place = place});
  }
  return read;
}

}  // namespace eradio
