#include "tests/link/link_protocol.h"

#include <sstream>
#include <stdexcept>

namespace eradio::testing {
namespace {

constexpr std::int64_t ns_per_us = 1000;

bool is_share(double value) { return value >= 0 && value <= 1; }

// One setting and its value; false when there is no such setting, or the value is none for it.
bool parse_setting(const std::string& name, std::istringstream& words, LinkSettings& settings) {
  if (name == "loss" || name == "reorder") {
    double& share = name == "loss" ? settings.loss : settings.reorder;
    return static_cast<bool>(words >> share) && is_share(share);
  }
  std::int64_t number = 0;
  if (!(words >> number) || number < 0) {
    return false;
  }
  if (name == "rate") {
    settings.bits_per_second = static_cast<std::uint64_t>(number);
  } else if (name == "queue") {
    settings.queue_bytes = static_cast<std::uint64_t>(number);
  } else if (name == "delay") {
    settings.delay_ns = number * ns_per_us;
  } else if (name == "late") {
    settings.late_ns = number * ns_per_us;
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::optional<LinkCommand> parse_link_command(std::string_view line, std::string& error) {
  std::istringstream words{std::string(line)};
  std::string kind;
  std::string direction;
  LinkCommand command;
  if (!(words >> kind >> command.link >> direction) || command.link < 0 ||
      command.link >= links_max || (kind != "set" && kind != "report") ||
      (direction != "down" && direction != "up")) {
    error = "expected: set|report LINK down|up";
    return std::nullopt;
  }
  command.kind = kind == "set" ? LinkCommand::Kind::set : LinkCommand::Kind::report;
  command.to = direction == "down" ? LinkEnd::far : LinkEnd::near;
  std::string name;
  while (words >> name) {
    if (command.kind != LinkCommand::Kind::set || !parse_setting(name, words, command.settings)) {
      error = "bad setting: " + name;
      return std::nullopt;
    }
  }
  return command;
}

std::string to_line(const LinkCommand& command) {
  std::ostringstream line;
  line << (command.kind == LinkCommand::Kind::set ? "set " : "report ") << command.link
       << (command.to == LinkEnd::far ? " down" : " up");
  if (command.kind == LinkCommand::Kind::set) {
    const LinkSettings& settings = command.settings;
    line << " rate " << settings.bits_per_second << " delay " << settings.delay_ns / ns_per_us
         << " loss " << settings.loss << " reorder " << settings.reorder << " late "
         << settings.late_ns / ns_per_us;
    if (settings.queue_bytes != UINT64_MAX) {
      line << " queue " << settings.queue_bytes;
    }
  }
  return line.str();
}

std::string to_line(const LinkReport& report) {
  std::ostringstream line;
  line << report.taken << ' ' << report.dropped << ' ' << report.lost << ' ' << report.delivered
       << ' ' << report.delivered_bytes;
  return line.str();
}

LinkReport parse_link_report(const std::string& line) {
  std::istringstream words(line);
  LinkReport report;
  if (!(words >> report.taken >> report.dropped >> report.lost >> report.delivered >>
        report.delivered_bytes)) {
    throw std::runtime_error("no report of a link: " + line);
  }
  return report;
}

std::string near_address(int link) { return "10.77." + std::to_string(link) + ".1"; }

std::string far_address(int link) { return "10.77." + std::to_string(link) + ".2"; }

}  // namespace eradio::testing
