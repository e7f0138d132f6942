// The form of a configuration file: lines of "key = value", and comments. Which keys there are and
// what their values mean is for its readers to know: eradiod takes all of them, eradioctl the one
// that says where to find the server.
#pragma once

#include <string>
#include <vector>

namespace eradio {

// One key with its value, and where it was given.
struct ConfigurationSetting {
  std::string key;  // with '_', also where the file has '-'
  std::string value;
  std::string place;  // "eradio.conf:12", "command line"
};

struct ConfigurationProblem {
  std::string place;
  std::string text;  // names the key
};

struct ConfigurationFile {
  std::vector<ConfigurationSetting> settings;  // in the file's order
  std::vector<ConfigurationProblem> problems;
};

// Never throws for what a user can get wrong: a file that cannot be read is a problem.
ConfigurationFile read_configuration_file(const std::string& path);

}  // namespace eradio
