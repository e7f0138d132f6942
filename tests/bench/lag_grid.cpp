#include "tests/bench/lag_grid.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "common/clock.h"

namespace eradio::testing {
namespace {

constexpr std::array<std::pair<LagServerKind, const char*>, 4> server_names{
    {{LagServerKind::eradio, "eradio"},
     {LagServerKind::original, "original"},
     {LagServerKind::icecast, "icecast"},
     {LagServerKind::icecast_short, "icecast-short"}}};

LagServerKind parse_server(const std::string& name) {
  for (const auto& [server, known] : server_names) {
    if (name == known) {
      return server;
    }
  }
  throw std::runtime_error("no such server: '" + name +
                           "'; there are eradio, original, icecast and icecast-short");
}

}  // namespace

double LagStream::frames_per_second() const {
  return kbit * 1000 / 8 / static_cast<double>(frame_bytes);
}

std::vector<LagCell> make_grid(const LagAxes& axes) {
  std::vector<LagCell> cells;
  for (const double rtt : axes.rtt_ms) {
    for (const double link : axes.link) {
      for (const double loss : axes.loss_percent) {
        for (const double queue : axes.queue_kb) {
          cells.push_back({.rtt_ms = rtt, .link = link, .loss_percent = loss, .queue_kb = queue});
        }
      }
    }
  }
  return cells;
}

std::vector<LagCell> make_curve(const std::vector<int>& max_lags_ms) {
  std::vector<LagCell> cells;
  for (const double rtt : {100.0, 300.0}) {
    for (const double link : {0.75, 0.5}) {
      for (const int max_lag : max_lags_ms) {
        cells.push_back({.rtt_ms = rtt, .link = link, .queue_kb = 256, .max_lag_ms = max_lag});
      }
    }
  }
  return cells;
}

LinkSettings link_settings(const LagStream& stream, const LagCell& cell) {
  return {.bits_per_second = static_cast<std::uint64_t>(cell.link * stream.kbit * 1000),
          .delay_ns = static_cast<std::int64_t>(cell.rtt_ms / 2 * ns_per_ms),
          .loss = cell.loss_percent / 100,
          .queue_bytes = static_cast<std::uint64_t>(cell.queue_kb * 1024)};
}

double possible_frames_per_second(const LagStream& stream, const LagCell& cell) {
  const double bytes = cell.link * stream.kbit * 1000 / 8;
  const double frame_bytes = static_cast<double>(stream.frame_bytes) + tcp_head_bytes;
  return std::min(stream.frames_per_second(), bytes / frame_bytes * (1 - cell.loss_percent / 100));
}

std::vector<LagServerKind> parse_servers(const std::string& names) {
  std::vector<LagServerKind> servers;
  std::istringstream words(names);
  for (std::string name; std::getline(words, name, ',');) {
    servers.push_back(parse_server(name));
  }
  if (servers.empty()) {
    throw std::runtime_error("no server is named");
  }
  return servers;
}

std::string to_string(LagServerKind server) {
  const auto* found = std::find_if(server_names.begin(), server_names.end(),
                                   [&](const auto& known) { return known.first == server; });
  return found->second;
}

LagRow make_row(LagServerKind server, const LagStream& stream, const LagCell& cell,
                const LagResult& result, double seconds) {
  return {.server = server,
          .cell = cell,
          .result = result,
          .delivered = static_cast<double>(result.frames) /
                       (possible_frames_per_second(stream, cell) * seconds),
          .jumps_per_second = static_cast<double>(result.jumps) / seconds};
}

std::string table_head() {
  return "server           RTT  link  loss  queue  max_lag    p50    p99    max  delivered  jumps/s"
         "  dropped";
}

std::string table_line(const LagRow& row) {
  const LagCell& cell = row.cell;
  const std::string max_lag = cell.max_lag_ms ? std::to_string(*cell.max_lag_ms) : "-";
  std::array<char, 160> line{};
  std::snprintf(line.data(), line.size(),
                "%-14s %5.0f %5.2f %4.0f%% %4.0fKB %8s %6.0f %6.0f %6.0f %9.1f%% %8.2f %8llu",
                to_string(row.server).c_str(), cell.rtt_ms, cell.link, cell.loss_percent,
                cell.queue_kb, max_lag.c_str(), row.result.p50_ms, row.result.p99_ms,
                row.result.max_ms, 100 * row.delivered, row.jumps_per_second,
                static_cast<unsigned long long>(row.result.drops));
  return line.data();
}

std::string csv_head() {
  return "server,rtt_ms,link,loss_percent,queue_kb,max_lag_ms,p50_ms,p99_ms,max_ms,delivered,"
         "jumps_per_s,drops";
}

std::string csv_line(const LagRow& row) {
  const LagCell& cell = row.cell;
  std::ostringstream line;
  line << to_string(row.server) << ',' << cell.rtt_ms << ',' << cell.link << ','
       << cell.loss_percent << ',' << cell.queue_kb << ','
       << (cell.max_lag_ms ? std::to_string(*cell.max_lag_ms) : "") << ',' << row.result.p50_ms
       << ',' << row.result.p99_ms << ',' << row.result.max_ms << ',' << row.delivered << ','
       << row.jumps_per_second << ',' << row.result.drops;
  return line.str();
}

}  // namespace eradio::testing
