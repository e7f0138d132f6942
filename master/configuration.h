// The configuration: every key of the contract's section 4, from a file and the command line,
// checked as a whole before anything starts. Limits of values are in configuration_keys.cpp,
// beside their keys.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/configuration_file.h"
#include "common/control_protocol.h"
#include "common/log_line.h"
#include "master/install_paths.h"

namespace eradio {

// What the installed page needs, and nothing more: no inline scripts or styles, no other servers
// but for WebSockets, which some browsers do not count as 'self' (Content Security Policy Level
// 3, 6.7.2.8).
constexpr const char* strict_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self' blob:; connect-src 'self' ws: wss:; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'";

struct Configuration {
  std::vector<std::string> listen_ip;  // empty: all, IPv4 and IPv6
  std::uint16_t listen_port = 8080;    // 0: any that is free
  std::optional<std::filesystem::path> listen_unix;
  std::uint64_t sndbuf = 0;  // bytes; 0: auto
  std::chrono::milliseconds max_lag{250};
  std::chrono::milliseconds max_lag_ceiling{2000};
  std::chrono::milliseconds stall_timeout{30'000};
  std::chrono::milliseconds worker_timeout{5000};
  bool escrow = true;
  bool sandbox = true;
  bool io_uring = true;
  std::optional<std::string> congestion_control;  // nothing: cubic, if the kernel has it
  std::filesystem::path webroot;
  std::string content_security_policy = strict_security_policy;  // empty: none
  std::vector<std::string> source;                               // program and arguments
  std::chrono::milliseconds source_restart_delay{1000};
  std::uint32_t workers = 0;  // never 0 when loaded
  std::string stream_path = "/stream.mp3";
  std::string content_type = "audio/mpeg";
  std::uint64_t max_listeners = 0;           // 0: no limit
  std::uint64_t max_connections_per_ip = 0;  // 0: no limit
  double veto_ratio = 0.5;
  std::uint64_t max_frame = 1 << 20;                                             // bytes
  std::uint64_t ring_size = 8 << 20;                                             // bytes
  std::optional<std::chrono::milliseconds> coalesce;                             // nothing: auto
  std::optional<std::filesystem::path> control_socket = default_control_socket;  // nothing: none
  bool control_socket_given = false;  // then a server that cannot have it does not start
  std::optional<std::string> status_listen = "127.0.0.1:8081";  // ADDRESS:PORT; nothing: none
  bool status_listen_given = false;  // then a server that cannot have it does not start
  std::string log_level = "info";
  LogFormat log_format = LogFormat::logfmt;
  std::optional<std::filesystem::path> log_file;  // nothing: standard error
};

struct LoadedConfiguration {
  Configuration configuration;
  // What each key is set to, as it was written or as --help shows it: to see what has changed.
  std::map<std::string, std::string> settings;
  std::vector<ConfigurationProblem> problems;  // empty: the configuration can be used
  bool check_only = false;                     // --check_config
  bool help = false;
  bool version = false;
};

// `arguments`: without the program's name. Never throws for what a user can get wrong.
LoadedConfiguration load_configuration(const std::vector<std::string>& arguments,
                                       const InstallPaths& paths);

// The same from LoadedConfiguration::settings.
LoadedConfiguration load_settings(const std::map<std::string, std::string>& settings,
                                  const InstallPaths& paths);

// What is another in `now` than in `before`, by name.
struct ChangedSettings {
  std::vector<std::string> changed;
  std::vector<std::string> unchangeable;  // has no effect before the next start
};
ChangedSettings changed_settings(const std::map<std::string, std::string>& before,
                                 const std::map<std::string, std::string>& now);

// `wanted`, but for what cannot change while the server runs: that is as it is in `running`.
Configuration changed_while_running(Configuration wanted, const Configuration& running);

// What --help prints.
std::string configuration_help(const InstallPaths& paths);

}  // namespace eradio
