#include "master/configuration.h"

#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <thread>

#include <boost/program_options.hpp>

#include "common/log.h"
#include "master/listening_sockets.h"
#include "master/publisher.h"
#include "master/value_parsers.h"

namespace eradio {
namespace {

namespace options = boost::program_options;
using std::chrono::milliseconds;

constexpr std::uint64_t workers_max = 256;
constexpr std::uint64_t sndbuf_min = 1;
constexpr std::uint64_t sndbuf_max = std::uint64_t{1} << 30;
constexpr std::uint64_t max_frame_min = 1024;
constexpr std::uint64_t max_frame_max = std::uint64_t{256} << 20;
constexpr std::uint64_t ring_size_max = std::uint64_t{4} << 30;
constexpr std::uint64_t limit_max = std::uint64_t{1} << 32;
constexpr milliseconds max_lag_max = std::chrono::seconds(60);
constexpr milliseconds coalesce_max = std::chrono::seconds(1);
constexpr milliseconds restart_delay_max = std::chrono::minutes(1);

// One key: what it is called, what --help says, and how its text gets into a Configuration (throws
// std::exception that says what would be right).
struct Key {
  const char* name;
  std::string default_text;
  const char* meaning;
  std::function<void(Configuration&, const std::string&)> apply;
};

std::filesystem::path parse_path(const std::string& text) {
  if (text.empty()) {
    throw std::invalid_argument("expected a path");
  }
  return text;
}

std::filesystem::path parse_directory(const std::string& text) {
  if (!std::filesystem::is_directory(text)) {
    throw std::invalid_argument("\"" + text + "\" is no directory");
  }
  return std::filesystem::absolute(text);
}

std::string parse_stream_path(const std::string& text) {
  const bool printable_path = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c > 0x20 && c < 0x7f && c != '?' && c != '#' && c != '%';
  });
  const bool plain = text.find("//") == std::string::npos && text.find("/.") == std::string::npos;
  if (!text.starts_with('/') || text.size() < 2 || !printable_path || !plain ||
      text.starts_with("/v1/")) {
    throw std::invalid_argument(
        "expected a path like /stream.mp3 (not below /v1/, without spaces, "
        "'?', '#', '%', \"//\", \"/.\"), got \"" +
        text + "\"");
  }
  return text;
}

std::string parse_content_type(const std::string& text) {
  const bool header_safe =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
  const auto slash = text.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == text.size() || !header_safe) {
    throw std::invalid_argument("expected a media type like audio/mpeg, got \"" + text + "\"");
  }
  return text;
}

std::string parse_log_level(const std::string& text) {
  if (!is_log_level(text)) {
    throw std::invalid_argument("expected error, warning, info, debug, trace or off, got \"" +
                                text + "\"");
  }
  return text;
}

std::filesystem::path parse_socket_path(const std::string& text) {
  constexpr std::size_t bytes_max = sizeof(sockaddr_un::sun_path) - 1;
  std::filesystem::path path = parse_path(text);
  if (text.size() > bytes_max) {
    throw std::invalid_argument("\"" + text + "\" is longer than the " + std::to_string(bytes_max) +
                                " bytes that a Unix socket's path may have");
  }
  const auto directory = std::filesystem::absolute(path).parent_path();
  if (!std::filesystem::is_directory(directory)) {
    throw std::invalid_argument("\"" + directory.string() + "\" is no directory");
  }
  return path;
}

std::string parse_host_and_port(const std::string& text) {
  const auto colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  if (colon == std::string::npos || !ListeningSockets::is_address(host)) {
    throw std::invalid_argument("expected ADDRESS:PORT or none, got \"" + text + "\"");
  }
  parse_number(std::string_view(text).substr(colon + 1), 0, 65535);
  return text;
}

const std::vector<Key>& keys() {
  using C = Configuration;
  using Text = const std::string&;
  static const std::vector<Key> all{
      {"listen_ip", "all, IPv4 and IPv6", "address to listen on; may be given more than once",
       [](C& c, Text t) {
         if (!ListeningSockets::is_address(t)) {
           throw std::invalid_argument("expected an IPv4 or IPv6 address, got \"" + t + "\"");
         }
         if (std::find(c.listen_ip.begin(), c.listen_ip.end(), t) != c.listen_ip.end()) {
           throw std::invalid_argument(t + " is given twice");
         }
         c.listen_ip.push_back(t);
       }},
      {"listen_port", "8080", "port to listen on; 0 takes one that is free",
       [](C& c, Text t) { c.listen_port = static_cast<std::uint16_t>(parse_number(t, 0, 65535)); }},
      {"listen_unix", "none", "also listen on a Unix socket at this path",
       [](C& c, Text t) {
         c.listen_unix = t == "none" ? std::nullopt : std::optional(parse_socket_path(t));
       }},
      {"sndbuf", "auto",
       "bytes of a listener's data allowed in its kernel queue; auto: half a second of the stream",
       [](C& c, Text t) { c.sndbuf = t == "auto" ? 0 : parse_bytes(t, sndbuf_min, sndbuf_max); }},
      {"max_lag", "250 ms",
       "how far a listener may fall behind before it skips to the newest frame",
       [](C& c, Text t) { c.max_lag = parse_duration(t, milliseconds(0), max_lag_max); }},
      {"webroot", "the installed htdocs", "directory of the files that are served",
       [](C& c, Text t) { c.webroot = parse_directory(t); }},
      {"source", "the installed demo source", "command line of the source program",
       [](C& c, Text t) { c.source = parse_command_line(t); }},
      {"source_restart_delay", "1 s",
       "how long after its end the source is started again; doubles while it keeps dying young",
       [](C& c, Text t) {
         c.source_restart_delay = parse_duration(t, milliseconds(10), restart_delay_max);
       }},
      {"workers", "one per processor", "number of worker processes",
       [](C& c, Text t) {
         c.workers = static_cast<std::uint32_t>(parse_number(t, 1, workers_max));
       }},
      {"stream_path", "/stream.mp3", "path of the stream",
       [](C& c, Text t) { c.stream_path = parse_stream_path(t); }},
      {"content_type", "audio/mpeg", "media type of the stream",
       [](C& c, Text t) { c.content_type = parse_content_type(t); }},
      {"max_listeners", "none", "over it new listeners get 503",
       [](C& c, Text t) { c.max_listeners = t == "none" ? 0 : parse_number(t, 1, limit_max); }},
      {"max_connections_per_ip", "none", "over it new connections get 503",
       [](C& c, Text t) {
         c.max_connections_per_ip = t == "none" ? 0 : parse_number(t, 1, limit_max);
       }},
      {"max_frame", "1 MiB", "the longest frame that is taken from the source",
       [](C& c, Text t) { c.max_frame = parse_bytes(t, max_frame_min, max_frame_max); }},
      {"ring_size", "8 MiB", "shared memory for frames; more than four times max_frame",
       [](C& c, Text t) { c.ring_size = parse_bytes(t, 1, ring_size_max); }},
      {"coalesce", "auto", "longest time a frame may wait to share a send with the next",
       [](C& c, Text t) {
         c.coalesce = t == "auto" ? std::nullopt
                                  : std::optional(parse_duration(t, milliseconds(0), coalesce_max));
       }},
      {"control_socket", "/run/eradio/control.sock", "Unix socket for eradioctl; none turns it off",
       [](C& c, Text t) {
         c.control_socket = t == "none" ? std::nullopt : std::optional(parse_path(t));
       }},
      {"status_listen", "127.0.0.1:8081", "ADDRESS:PORT of the status server; none turns it off",
       [](C& c, Text t) {
         c.status_listen = t == "none" ? std::nullopt : std::optional(parse_host_and_port(t));
       }},
      {"log_level", "info", "error, warning, info, debug, trace or off",
       [](C& c, Text t) { c.log_level = parse_log_level(t); }},
  };
  return all;
}

options::options_description key_descriptions() {
  options::options_description description("Keys, in the file and on the command line");
  for (const Key& key : keys()) {
    const std::string meaning = std::string(key.meaning) + " (" + key.default_text + ")";
    description.add_options()(key.name, options::value<std::vector<std::string>>(),
                              meaning.c_str());
  }
  return description;
}

options::options_description command_descriptions() {
  options::options_description description("Commands");
  description.add_options()("config", options::value<std::string>(),
                            "read this configuration file")(
      "check_config", "say what is wrong with the configuration, and exit")(
      "help", "print this, and exit")("version", "print the version, and exit");
  return description;
}

// One key with its value, and where it was given.
struct Setting {
  std::string key;
  std::string value;
  std::string place;
};

bool is_program(const std::string& path) {
  std::error_code error;
  return ::access(path.c_str(), X_OK) == 0 && std::filesystem::is_regular_file(path, error);
}

const Key* find_key(const std::string& name) {
  const auto found =
      std::find_if(keys().begin(), keys().end(), [&](const Key& key) { return key.name == name; });
  return found == keys().end() ? nullptr : &*found;
}

std::string trimmed(const std::string& text) {
  constexpr const char* space = " \t\r\n";
  const auto begin = text.find_first_not_of(space);
  if (begin == std::string::npos) {
    return "";
  }
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

class Loader {
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
    std::vector<Setting> settings;
    std::ifstream file(config_file_);
    if (!file || std::filesystem::is_directory(config_file_)) {
      problem(config_file_, "cannot be read");
      return settings;
    }
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
      const std::string place = config_file_ + ":" + std::to_string(number);
      const std::string text = trimmed(line);
      if (text.empty() || text.starts_with('#')) {
        continue;
      }
      const auto equals = text.find('=');
      if (equals == std::string::npos) {
        problem(place, "expected key = value, got \"" + text + "\"");
        continue;
      }
      std::string key = trimmed(text.substr(0, equals));
      std::replace(key.begin(), key.end(), '-', '_');
      if (find_key(key) == nullptr) {
        problem(place, "unknown key " + key);
        continue;
      }
      settings.push_back({key, trimmed(text.substr(equals + 1)), place});
    }
    return settings;
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
        find_key(setting.key)->apply(loaded_.configuration, setting.value);
      } catch (const std::exception& error) {
        problem(setting.place, setting.key + ": " + error.what());
        broken_keys_.push_back(setting.key);
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
    for (const char* key : {"control_socket", "status_listen"}) {
      const std::string place = place_of(settings, key);
      if (place != "defaults") {
        loaded_.notes.push_back(place + ": " + key + " has no effect in this version");
      }
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
