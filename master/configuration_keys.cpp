#include "master/configuration_keys.h"

#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <system_error>

#include "common/log.h"
#include "master/listening_sockets.h"
#include "master/tcp_address.h"
#include "master/value_parsers.h"

namespace eradio {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t sndbuf_min = 1;
constexpr std::uint64_t sndbuf_max = std::uint64_t{1} << 30;
constexpr std::uint64_t max_frame_min = 1024;
constexpr std::uint64_t max_frame_max = std::uint64_t{256} << 20;
constexpr std::uint64_t ring_size_max = std::uint64_t{4} << 30;
constexpr std::uint64_t limit_max = std::uint64_t{1} << 32;
constexpr milliseconds max_lag_max = std::chrono::seconds(60);
constexpr milliseconds worker_timeout_min = std::chrono::seconds(1);
constexpr milliseconds worker_timeout_max = std::chrono::hours(1);
constexpr milliseconds stall_timeout_min = std::chrono::seconds(1);
constexpr milliseconds stall_timeout_max = std::chrono::hours(1);
constexpr milliseconds coalesce_max = std::chrono::seconds(1);
constexpr milliseconds restart_delay_max = std::chrono::minutes(1);

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

std::string parse_congestion_control(const std::string& text) {
  constexpr std::size_t bytes_max = 15;  // TCP_CA_NAME_MAX, without the zero
  const bool a_name = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (text.empty() || text.size() > bytes_max || !a_name) {
    throw std::invalid_argument("expected a name like cubic, bbr or system, got \"" + text + "\"");
  }
  return text;
}

double parse_ratio(const std::string& text) {
  double ratio = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, ratio);
  // Not a number compares false with everything.
  if (error != std::errc{} || rest != end || !(ratio > 0 && ratio <= 1)) {
    throw std::invalid_argument("expected a number over 0 and at most 1, got \"" + text + "\"");
  }
  return ratio;
}

std::string parse_security_policy(const std::string& text) {
  if (text == "none") {
    return "";
  }
  if (text == "strict") {
    return strict_security_policy;
  }
  const bool header_safe =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
  if (!header_safe || text.find("-src") == std::string::npos) {
    throw std::invalid_argument(
        "expected strict, none, or a policy like \"default-src 'self'\", got \"" + text + "\"");
  }
  return text;
}

bool parse_on_or_off(const std::string& text) {
  if (text != "on" && text != "off") {
    throw std::invalid_argument("expected on or off, got \"" + text + "\"");
  }
  return text == "on";
}

std::string parse_log_level(const std::string& text) {
  if (!is_log_level(text)) {
    throw std::invalid_argument("expected error, warning, info, debug, trace or off, got \"" +
                                text + "\"");
  }
  return text;
}

LogFormat parse_log_format(const std::string& text) {
  const auto format = log_format_of(text);
  if (!format) {
    throw std::invalid_argument("expected logfmt or json, got \"" + text + "\"");
  }
  return *format;
}

std::filesystem::path parse_short_path(const std::string& text) {
  constexpr std::size_t bytes_max = sizeof(sockaddr_un::sun_path) - 1;
  if (text.size() > bytes_max) {
    throw std::invalid_argument("\"" + text + "\" is longer than the " + std::to_string(bytes_max) +
                                " bytes that a Unix socket's path may have");
  }
  return parse_path(text);
}

std::filesystem::path parse_socket_path(const std::string& text) {
  std::filesystem::path path = parse_short_path(text);
  const auto directory = std::filesystem::absolute(path).parent_path();
  if (!std::filesystem::is_directory(directory)) {
    throw std::invalid_argument("\"" + directory.string() + "\" is no directory");
  }
  return path;
}

std::string parse_address_and_port(const std::string& text) {
  if (!TcpAddress::parse_with_port(text)) {
    throw std::invalid_argument(
        "expected ADDRESS:PORT, such as 127.0.0.1:8081 or [::1]:8081, or none, got \"" + text +
        "\"");
  }
  return text;
}

}  // namespace

const std::vector<ConfigurationKey>& configuration_keys() {
  using C = Configuration;
  using Text = const std::string&;
  static const std::vector<ConfigurationKey> all{
      {"listen_ip", "all, IPv4 and IPv6", "address to listen on; may be given more than once",
       [](C& c, Text t) {
         if (!ListeningSockets::is_address(t)) {
           throw std::invalid_argument("expected an IPv4 or IPv6 address, got \"" + t + "\"");
         }
         if (std::find(c.listen_ip.begin(), c.listen_ip.end(), t) != c.listen_ip.end()) {
           throw std::invalid_argument(t + " is given twice");
         }
         c.listen_ip.push_back(t);
       },
       Changes::at_start},
      {"listen_port", "8080", "port to listen on; 0 takes one that is free",
       [](C& c, Text t) { c.listen_port = static_cast<std::uint16_t>(parse_number(t, 0, 65535)); },
       Changes::at_start},
      {"listen_unix", "none", "also listen on a Unix socket at this path",
       [](C& c, Text t) {
         c.listen_unix = t == "none" ? std::nullopt : std::optional(parse_socket_path(t));
       },
       Changes::at_start},
      {"sndbuf", "auto",
       "bytes of a listener's data allowed in its kernel queue; auto: half a second of the stream",
       [](C& c, Text t) { c.sndbuf = t == "auto" ? 0 : parse_bytes(t, sndbuf_min, sndbuf_max); }},
      {"max_lag", "250 ms",
       "how far a listener may fall behind before it skips to the newest frame",
       [](C& c, Text t) { c.max_lag = parse_duration(t, milliseconds(0), max_lag_max); }},
      {"max_lag_ceiling", "2 s",
       "the most that a listener may ask for with ?max_lag=MS, and the greatest age of a sync "
       "point to begin with; never less than max_lag",
       [](C& c, Text t) { c.max_lag_ceiling = parse_duration(t, milliseconds(0), max_lag_max); }},
      {"stall_timeout", "30 s", "a listener that has taken nothing at all for so long is closed",
       [](C& c, Text t) {
         c.stall_timeout = parse_duration(t, stall_timeout_min, stall_timeout_max);
       }},
      {"congestion_control", "cubic",
       "how TCP finds out what a listener's network can carry: cubic, bbr, or another that this "
       "kernel has; system leaves it as it is set there",
       [](C& c, Text t) { c.congestion_control = parse_congestion_control(t); }, Changes::at_start},
      {"webroot", "the installed htdocs", "directory of the files that are served",
       [](C& c, Text t) { c.webroot = parse_directory(t); }},
      {"content_security_policy", "strict",
       "Content-Security-Policy sent with the files; strict fits the installed ones; none sends "
       "none",
       [](C& c, Text t) { c.content_security_policy = parse_security_policy(t); }},
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
      {"worker_timeout", "5 s",
       "a worker that has given no sign of life for so long is killed and replaced",
       [](C& c, Text t) {
         c.worker_timeout = parse_duration(t, worker_timeout_min, worker_timeout_max);
       }},
      {"escrow", "on",
       "whether the master holds a duplicate of each listener's descriptor, so that listeners "
       "outlive their worker; --no-escrow is --escrow off",
       [](C& c, Text t) { c.escrow = parse_on_or_off(t); }, Changes::at_start},
      {"sandbox", "on",
       "whether workers give up what they do not need: system calls, privileges, and files that "
       "are not below webroot",
       [](C& c, Text t) { c.sandbox = parse_on_or_off(t); }},
      {"io_uring", "on",
       "whether workers hand the kernel many sends at once, through io_uring, where it has that",
       [](C& c, Text t) { c.io_uring = parse_on_or_off(t); }},
      {"stream_path", "/stream.mp3", "path of the stream",
       [](C& c, Text t) { c.stream_path = parse_stream_path(t); }},
      {"content_type", "audio/mpeg", "media type of the stream",
       [](C& c, Text t) { c.content_type = parse_content_type(t); }},
      {"max_listeners", "none", "over it new listeners get 503",
       [](C& c, Text t) { c.max_listeners = t == "none" ? 0 : parse_number(t, 1, limit_max); }},
      {"max_connections_per_ip", "none",
       "over it new connections get 503; of IPv6 a /64 network counts as one address",
       [](C& c, Text t) {
         c.max_connections_per_ip = t == "none" ? 0 : parse_number(t, 1, limit_max);
       }},
      {"veto_ratio", "0.5", "part of the listeners whose votes skip a track; over 0, at most 1",
       [](C& c, Text t) { c.veto_ratio = parse_ratio(t); }},
      {"max_frame", "1 MiB", "the longest frame that is taken from the source",
       [](C& c, Text t) { c.max_frame = parse_bytes(t, max_frame_min, max_frame_max); },
       Changes::at_start},
      {"ring_size", "8 MiB", "shared memory for frames; more than four times max_frame",
       [](C& c, Text t) { c.ring_size = parse_bytes(t, 1, ring_size_max); }, Changes::at_start},
      {"coalesce", "auto", "longest time a frame may wait to share a send with the next",
       [](C& c, Text t) {
         c.coalesce = t == "auto" ? std::nullopt
                                  : std::optional(parse_duration(t, milliseconds(0), coalesce_max));
       }},
      {"control_socket", default_control_socket, "Unix socket for eradioctl; none turns it off",
       [](C& c, Text t) {
         // Its directory is made if need be.
         c.control_socket = t == "none" ? std::nullopt : std::optional(parse_short_path(t));
         c.control_socket_given = true;
       },
       Changes::at_start},
      {"status_listen", "127.0.0.1:8081",
       "ADDRESS:PORT of the status server, port 0: one that is free; none turns it off",
       [](C& c, Text t) {
         c.status_listen = t == "none" ? std::nullopt : std::optional(parse_address_and_port(t));
         c.status_listen_given = true;
       },
       Changes::at_start},
      {"log_level", "info", "error, warning, info, debug, trace or off",
       [](C& c, Text t) { c.log_level = parse_log_level(t); }},
      {"log_format", "logfmt", "lines of key=value (logfmt), or JSON objects (json)",
       [](C& c, Text t) { c.log_format = parse_log_format(t); }},
      {"log_file", "none",
       "write the log to the end of this file, and open it again with each reload; none: to "
       "standard error",
       [](C& c, Text t) {
         c.log_file =
             t == "none" ? std::nullopt : std::optional(std::filesystem::absolute(parse_path(t)));
       },
       Changes::at_start},
  };
  return all;
}

const ConfigurationKey* find_configuration_key(const std::string& name) {
  const auto& keys = configuration_keys();
  const auto found = std::find_if(keys.begin(), keys.end(),
                                  [&](const ConfigurationKey& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

}  // namespace eradio
