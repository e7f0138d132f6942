#include "master/configuration.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>
#include <thread>
#include <utility>

#include <boost/program_options.hpp>

#include "common/log.h"
#include "master/configuration_keys.h"
#include "master/publisher.h"

namespace eradio {
namespace {

namespace options = boost::program_options;

options::options_description key_descriptions() {
  options::options_description description("Keys, in the file and on the command line");
  for (const ConfigurationKey& key : configuration_keys()) {
    const std::string meaning = std::string(key.meaning) + " (" + key.default_text + ")";
    description.add_options()(key.name, options::value<std::vector<std::string>>(),
                              meaning.c_str());
  }
  return description;
}

options::options_description command_descriptions() {
  options::options_description description("Commands");
  description.add_options()("config", options::value<std::string>(),
                            "read this configuration file")("no_escrow",
                                                            "the same as --escrow off")(
      "check_config", "say what is wrong with the configuration, and exit")(
      "help", "print this, and exit")("version", "print the version, and exit");
  return description;
}

bool is_program(const std::string& path) {
  std::error_code error;
  return ::access(path.c_str(), X_OK) == 0 && std::filesystem::is_regular_file(path, error);
}

class Loader {
  using Setting = ConfigurationSetting;

 public:
  Loader(const InstallPaths& paths, LoadedConfiguration& loaded) : paths_(paths), loaded_(loaded) {}

  void load(const std::vector<std::string>& arguments) {
    std::vector<Setting> given = read_command_line(arguments);
    if (loaded_.help || loaded_.version) {
      return;
    }
    std::vector<Setting> from_file = config_file_.empty() ? std::vector<Setting>{} : read_file();
    find_duplicates(from_file);
    find_duplicates(given);
    // The command line wins, for listen_ip with all its values.
    std::erase_if(from_file, [&](const Setting& setting) {
      return std::any_of(given.begin(), given.end(),
                         [&](const Setting& other) { return other.key == setting.key; });
    });
    from_file.insert(from_file.end(), given.begin(), given.end());
    apply(from_file);
    note(from_file);
    check_as_a_whole(from_file);
  }

 private:
  void problem(const std::string& place, const std::string& text) {
    loaded_.problems.push_back({.place = place, .text = text});
  }

  std::vector<Setting> read_command_line(const std::vector<std::string>& arguments) {
    options::options_description all;
    all.add(command_descriptions()).add(key_descriptions());
    std::vector<std::string> normalised = arguments;
    for (std::string& argument : normalised) {
      if (argument.starts_with("--")) {
        const auto name_end = std::min(argument.find('='), argument.size());
        std::replace(argument.begin() + 2, argument.begin() + static_cast<std::ptrdiff_t>(name_end),
                     '-', '_');
      }
    }
    std::vector<Setting> settings;
    try {
      using options::command_line_style::style_t;
      constexpr int style =
          style_t::allow_long | style_t::long_allow_adjacent | style_t::long_allow_next;
      const auto parsed = options::command_line_parser(normalised)
                              .options(all)
                              .positional(options::positional_options_description())
                              .style(style)
                              .run();
      for (const auto& option : parsed.options) {
        if (option.string_key == "help") {
          loaded_.help = true;
        } else if (option.string_key == "version") {
          loaded_.version = true;
        } else if (option.string_key == "check_config") {
          loaded_.check_only = true;
        } else if (option.string_key == "no_escrow") {
          settings.push_back({"escrow", "off", command_line_place});
        } else if (option.string_key == "config") {
          config_file_ = option.value.front();
        } else {
          settings.push_back({option.string_key, option.value.front(), command_line_place});
        }
      }
    } catch (const options::error& error) {
      problem(command_line_place, error.what());
    }
    return settings;
  }

  std::vector<Setting> read_file() {
    ConfigurationFile file = read_configuration_file(config_file_);
    for (const ConfigurationProblem& found : file.problems) {
      problem(found.place, found.text);
    }
    std::vector<Setting> known;
    for (Setting& setting : file.settings) {
      if (find_configuration_key(setting.key) == nullptr) {
        problem(setting.place, "unknown key " + setting.key);
      } else {
        known.push_back(std::move(setting));
      }
    }
    return known;
  }

  void find_duplicates(const std::vector<Setting>& settings) {
    std::map<std::string, std::string> first_places;
    for (const Setting& setting : settings) {
      const auto [first, is_new] = first_places.emplace(setting.key, setting.place);
      if (!is_new && setting.key != "listen_ip") {
        problem(setting.place, setting.key + " is given twice, first in " + first->second);
      }
    }
  }

  void apply(const std::vector<Setting>& settings) {
    for (const Setting& setting : settings) {
      try {
        if (!is_utf8(setting.value)) {
          throw std::invalid_argument("expected UTF-8, got \"" + printable(setting.value) + "\"");
        }
        find_configuration_key(setting.key)->apply(loaded_.configuration, setting.value);
      } catch (const std::exception& error) {
        problem(setting.place, setting.key + ": " + error.what());
        broken_keys_.push_back(setting.key);
      }
    }
  }

  void note(const std::vector<Setting>& settings) {
    for (const ConfigurationKey& key : configuration_keys()) {
      std::string& text = loaded_.settings[key.name];
      for (const Setting& setting : settings) {
        if (setting.key == key.name) {
          text += (text.empty() ? "" : " ") + setting.value;
        }
      }
      if (text.empty()) {
        text = key.default_text;
      }
    }
  }

  [[nodiscard]] std::string place_of(const std::vector<Setting>& settings,
                                     const std::string& key) const {
    const auto found = std::find_if(settings.begin(), settings.end(),
                                    [&](const Setting& setting) { return setting.key == key; });
    return found == settings.end() ? "defaults" : found->place;
  }

  [[nodiscard]] bool is_broken(const std::string& key) const {
    return std::find(broken_keys_.begin(), broken_keys_.end(), key) != broken_keys_.end();
  }

  void check_as_a_whole(const std::vector<Setting>& settings) {
    Configuration& c = loaded_.configuration;
    if (c.workers == 0) {
      c.workers =
          std::clamp(std::thread::hardware_concurrency(), 1U, static_cast<unsigned>(workers_max));
    }
    if (c.webroot.empty() && !is_broken("webroot")) {
      c.webroot = paths_.webroot;
      if (!std::filesystem::is_directory(c.webroot)) {
        problem(place_of(settings, "webroot"),
                "webroot: \"" + c.webroot.string() + "\" is no directory");
      }
    }
    if (c.source.empty()) {
      c.source = {"eradio-source-demo"};
    }
    if (!is_broken("source") && !source_exists(c.source.front())) {
      problem(place_of(settings, "source"), "source: there is no program " + c.source.front() +
                                                ", neither in " + paths_.libexec.string() +
                                                " nor in PATH");
    }
    const std::uint64_t ring_min = Publisher::ring_bytes_min(c.max_frame);
    if (c.ring_size < ring_min && !is_broken("ring_size") && !is_broken("max_frame")) {
      const bool ring_given = place_of(settings, "ring_size") != "defaults";
      problem(place_of(settings, ring_given ? "ring_size" : "max_frame"),
              "ring_size: " + std::to_string(c.ring_size) +
                  " bytes are too few for a max_frame of " + std::to_string(c.max_frame) +
                  " bytes, which needs " + std::to_string(ring_min));
    }
    // A frame that waits for the next must not get too old by that.
    if (c.coalesce && *c.coalesce > c.max_lag / 2 && !is_broken("max_lag")) {
      const bool coalesce_given = place_of(settings, "coalesce") != "defaults";
      problem(place_of(settings, coalesce_given ? "coalesce" : "max_lag"),
              "coalesce: " + std::to_string(c.coalesce->count()) +
                  " ms is more than half of max_lag, " + std::to_string(c.max_lag.count()) + " ms");
    }
  }

  [[nodiscard]] bool source_exists(const std::string& program) const {
    if (program.find('/') != std::string::npos) {
      return is_program(program);
    }
    const char* path = std::getenv("PATH");
    std::istringstream directories(paths_.libexec.string() + ":" + (path == nullptr ? "" : path));
    for (std::string directory; std::getline(directories, directory, ':');) {
      if (is_program(directory + "/" + program)) {
        return true;
      }
    }
    return false;
  }

  static constexpr const char* command_line_place = "command line";

  const InstallPaths& paths_;
  LoadedConfiguration& loaded_;
  std::string config_file_;
  std::vector<std::string> broken_keys_;
};

}  // namespace

LoadedConfiguration load_configuration(const std::vector<std::string>& arguments,
                                       const InstallPaths& paths) {
  LoadedConfiguration loaded;
  Loader(paths, loaded).load(arguments);
  return loaded;
}

LoadedConfiguration load_settings(const std::map<std::string, std::string>& settings,
                                  const InstallPaths& paths) {
  std::vector<std::string> arguments;
  for (const ConfigurationKey& key : configuration_keys()) {
    const auto found = settings.find(key.name);
    if (found == settings.end() || found->second == key.default_text) {
      continue;
    }
    const bool several = std::string_view(key.name) == "listen_ip";
    std::istringstream text(found->second);
    for (std::string value; std::getline(text, value, several ? ' ' : '\0');) {
      arguments.insert(arguments.end(), {std::string("--") + key.name, value});
    }
  }
  return load_configuration(arguments, paths);
}

ChangedSettings changed_settings(const std::map<std::string, std::string>& before,
                                 const std::map<std::string, std::string>& now) {
  ChangedSettings changes;
  for (const ConfigurationKey& key : configuration_keys()) {
    const auto old_text = before.find(key.name);
    const auto new_text = now.find(key.name);
    if (old_text == before.end() || new_text == now.end() || old_text->second == new_text->second) {
      continue;
    }
    (key.changes == Changes::any_time ? changes.changed : changes.unchangeable)
        .emplace_back(key.name);
  }
  return changes;
}

Configuration changed_while_running(Configuration wanted, const Configuration& running) {
  wanted.listen_ip = running.listen_ip;
  wanted.listen_port = running.listen_port;
  wanted.listen_unix = running.listen_unix;
  wanted.congestion_control = running.congestion_control;
  wanted.max_frame = running.max_frame;
  wanted.ring_size = running.ring_size;
  wanted.escrow = running.escrow;
  wanted.control_socket = running.control_socket;
  wanted.control_socket_given = running.control_socket_given;
  wanted.status_listen = running.status_listen;
  wanted.status_listen_given = running.status_listen_given;
  wanted.log_file = running.log_file;
  return wanted;
}

std::string configuration_help(const InstallPaths& paths) {
  std::ostringstream text;
  text << "eradiod streams one live source to many listeners over HTTP, all in step.\n\n"
       << "Usage: eradiod [--config FILE] [--KEY VALUE]...\n\n"
       << command_descriptions() << '\n'
       << key_descriptions() << '\n'
       << "Sources that come with it: " << paths.libexec.string() << "/eradio-source-*\n";
  return text.str();
}

}  // namespace eradio
