// eradio-bench-lag: how far behind listeners are on networks of every kind. Each cell of the grid
// (round trip × rate of the link × loss × queue) is an emulated link with one listener; all cells
// listen to the same server at the same time. --help says which options there are.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "common/clock.h"
#include "tests/link/lag_measurement.h"
#include "tests/support/server.h"

namespace eradio::testing {
namespace {

namespace options = boost::program_options;

struct Settings {
  std::vector<double> rtt_ms;
  std::vector<double> link;  // times the stream's bitrate
  std::vector<double> loss_percent;
  std::vector<double> queue_kb;
  double kbit = 0;
  int frame_bytes = 0;
  int seconds = 0;
  std::string arguments;  // eradiod's
  std::string csv;
};

struct Cell {
  double rtt_ms = 0;
  double link = 0;
  double loss_percent = 0;
  double queue_kb = 0;
};

std::vector<Cell> make_cells(const Settings& settings) {
  std::vector<Cell> cells;
  for (const double rtt : settings.rtt_ms) {
    for (const double link : settings.link) {
      for (const double loss : settings.loss_percent) {
        for (const double queue : settings.queue_kb) {
          cells.push_back({.rtt_ms = rtt, .link = link, .loss_percent = loss, .queue_kb = queue});
        }
      }
    }
  }
  return cells;
}

double frames_per_second(const Settings& settings) {
  return settings.kbit * 1000 / 8 / settings.frame_bytes;
}

// How many frames a second the cell's link can carry when each travels in a packet of its own.
double link_frames_per_second(const Settings& settings, const Cell& cell) {
  const double bytes = cell.link * settings.kbit * 1000 / 8;
  return bytes / (settings.frame_bytes + tcp_head_bytes) * (1 - cell.loss_percent / 100);
}

LinkSettings link_settings(const Settings& settings, const Cell& cell) {
  return {.bits_per_second = static_cast<std::uint64_t>(cell.link * settings.kbit * 1000),
          .delay_ns = static_cast<std::int64_t>(cell.rtt_ms / 2 * ns_per_ms),
          .loss = cell.loss_percent / 100,
          .queue_bytes = static_cast<std::uint64_t>(cell.queue_kb * 1024)};
}

void print(const Settings& settings, const std::vector<Cell>& cells,
           const std::vector<LagResult>& results) {
  std::ofstream csv;
  if (!settings.csv.empty()) {
    csv.open(settings.csv);
    if (!csv) {
      throw std::runtime_error("cannot write to " + settings.csv);
    }
    csv << "rtt_ms,link,loss_percent,queue_kb,p50_ms,p99_ms,max_ms,delivered,jumps_per_s\n";
  }
  std::printf("  RTT  link  loss  queue    p50    p99    max  delivered  jumps/s\n");
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Cell& cell = cells[i];
    const LagResult& result = results[i];
    const double possible =
        std::min(frames_per_second(settings), link_frames_per_second(settings, cell)) *
        settings.seconds;
    const double delivered = static_cast<double>(result.frames) / possible;
    const double jumps = static_cast<double>(result.jumps) / settings.seconds;
    std::printf("%5.0f %5.2f %4.0f%% %4.0fKB %6.0f %6.0f %6.0f %9.1f%% %8.2f\n", cell.rtt_ms,
                cell.link, cell.loss_percent, cell.queue_kb, result.p50_ms, result.p99_ms,
                result.max_ms, 100 * delivered, jumps);
    if (csv.is_open()) {
      csv << cell.rtt_ms << ',' << cell.link << ',' << cell.loss_percent << ',' << cell.queue_kb
          << ',' << result.p50_ms << ',' << result.p99_ms << ',' << result.max_ms << ','
          << delivered << ',' << jumps << '\n';
    }
  }
}

std::vector<LagResult> measure(const Settings& settings, const std::vector<Cell>& cells) {
  EmulatedLinks links(static_cast<int>(cells.size()));
  std::vector<std::string> arguments;
  std::istringstream words(settings.arguments);
  for (std::string word; words >> word;) {
    arguments.push_back(word);
  }
  const Server server(
      {.source = test_source("--rate " + std::to_string(frames_per_second(settings)) + " --size " +
                             std::to_string(settings.frame_bytes)),
       .arguments = arguments,
       .network_namespace = links.near()});
  std::vector<LagListener> behind;
  for (const Cell& cell : cells) {
    behind.push_back({.link = link_settings(settings, cell)});
  }
  LagMeasurement listeners(links, server.port(), behind);
  listeners.wait_for_all();
  listeners.run_for(std::chrono::seconds(3));
  auto results = listeners.measure(std::chrono::seconds(settings.seconds));
  if (!listeners.fault().empty()) {
    throw std::runtime_error(listeners.fault());
  }
  return results;
}

int run(int argc, char** argv) {
  Settings settings;
  options::options_description description("how far behind listeners are on bad networks");
  const auto list = [](std::vector<double>* values, std::vector<double> usual) {
    std::string text;
    for (const double value : usual) {
      std::ostringstream one;
      one << value;
      text += (text.empty() ? "" : " ") + one.str();
    }
    return options::value(values)->multitoken()->default_value(std::move(usual), text);
  };
  description.add_options()("help", "print this, and exit")(
      "rtt", list(&settings.rtt_ms, {1, 20, 100, 300}), "round trips, ms")(
      "link", list(&settings.link, {0.5, 0.75, 1.2, 5}), "rates of the link, times the stream's")(
      "loss", list(&settings.loss_percent, {0, 1, 3}), "percent of the packets")(
      "queue", list(&settings.queue_kb, {16, 256}), "of the link, KB")(
      "bitrate", options::value(&settings.kbit)->default_value(128), "of the stream, kbit/s")(
      "frame", options::value(&settings.frame_bytes)->default_value(418), "bytes")(
      "seconds", options::value(&settings.seconds)->default_value(15), "of measuring")(
      "arguments", options::value(&settings.arguments), "for eradiod, such as '--max_lag 500'")(
      "csv", options::value(&settings.csv), "a file for the results");
  options::variables_map given;
  options::store(options::parse_command_line(argc, argv, description), given);
  options::notify(given);
  if (given.contains("help")) {
    std::ostringstream text;
    text << description;
    std::printf("%s", text.str().c_str());
    return 0;
  }
  if (settings.seconds < 1 || settings.frame_bytes < 1 || settings.kbit <= 0) {
    throw std::runtime_error("seconds, frame and bitrate must be more than 0");
  }
  if (const std::string why = EmulatedLinks::why_unavailable(); !why.empty()) {
    std::fprintf(stderr, "not measured: %s\n", why.c_str());
    return links_unavailable_status;
  }
  const auto cells = make_cells(settings);
  if (cells.empty() || cells.size() > links_max) {
    throw std::runtime_error("1 to " + std::to_string(links_max) + " cells are possible");
  }
  print(settings, cells, measure(settings, cells));
  return 0;
}

}  // namespace
}  // namespace eradio::testing

int main(int argc, char** argv) {
  try {
    return eradio::testing::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "eradio-bench-lag: %s\n", error.what());
    return 1;
  }
}
