// The table of the configuration's keys, with the limits of their values: the one place where a key
// is added. Where values come from, and how they are checked together, is configuration.cpp's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "master/configuration.h"

namespace eradio {

constexpr std::uint64_t workers_max = 256;

enum class Changes { any_time, at_start };  // when another value can take effect

// One key: what it is called, what --help says, and how its text gets into a Configuration (throws
// std::exception that says what would be right).
struct ConfigurationKey {
  const char* name;
  std::string default_text;
  const char* meaning;
  std::function<void(Configuration&, const std::string&)> apply;
  Changes changes = Changes::any_time;
};

const std::vector<ConfigurationKey>& configuration_keys();

// Nothing when there is no such key.
const ConfigurationKey* find_configuration_key(const std::string& name);

}  // namespace eradio
