// eradio-bench-lag: how far behind listeners are on networks of every kind. Each cell of the grid
// (round trip × rate of the link × loss × queue) is an emulated link with one listener; all cells
// listen to the same server at the same time. --help says which options there are.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "common/clock.h"
#include "tests/link/emulated_links.h"
#include "tests/support/age_histogram.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/server.h"

namespace eradio::testing {
namespace {

namespace options = boost::program_options;

constexpr double packet_head_bytes = 52;  // IPv4 20, TCP 20, its time stamps 12

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

  AgeHistogram ages{};
  std::uint64_t frames = 0;
  std::size_t jumps = 0;
};

std::vector<std::unique_ptr<Cell>> make_cells(const Settings& settings) {
  std::vector<std::unique_ptr<Cell>> cells;
  for (const double rtt : settings.rtt_ms) {
    for (const double link : settings.link) {
      for (const double loss : settings.loss_percent) {
        for (const double queue : settings.queue_kb) {
          cells.push_back(std::make_unique<Cell>());
          *cells.back() = {.rtt_ms = rtt, .link = link, .loss_percent = loss, .queue_kb = queue};
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
  const double bytes = settings.link.empty() ? 0 : cell.link * settings.kbit * 1000 / 8;
  return bytes / (settings.frame_bytes + packet_head_bytes) * (1 - cell.loss_percent / 100);
}

LinkSettings link_settings(const Settings& settings, const Cell& cell) {
  return {.bits_per_second = static_cast<std::uint64_t>(cell.link * settings.kbit * 1000),
          .delay_ns = static_cast<std::int64_t>(cell.rtt_ms / 2 * ns_per_ms),
          .loss = cell.loss_percent / 100,
          .queue_bytes = static_cast<std::uint64_t>(cell.queue_kb * 1024)};
}

void print(const Settings& settings, const std::vector<std::unique_ptr<Cell>>& cells) {
  std::ofstream csv;
  if (!settings.csv.empty()) {
    csv.open(settings.csv);
    csv << "rtt_ms,link,loss_percent,queue_kb,p50_ms,p99_ms,max_ms,delivered,jumps_per_s\n";
  }
  std::printf("  RTT  link  loss  queue    p50    p99    max  delivered  jumps/s\n");
  for (const auto& cell : cells) {
    const auto frames = static_cast<double>(cell->frames);
    const double possible =
        std::min(frames_per_second(settings), link_frames_per_second(settings, *cell)) *
        settings.seconds;
    const double jumps = static_cast<double>(cell->jumps) / settings.seconds;
    std::printf("%5.0f %5.2f %4.0f%% %4.0fKB %6.0f %6.0f %6.0f %9.1f%% %8.2f\n", cell->rtt_ms,
                cell->link, cell->loss_percent, cell->queue_kb, cell->ages.quantile_ms(0.5),
                cell->ages.quantile_ms(0.99), cell->ages.max_ms(), 100 * frames / possible, jumps);
    if (csv.is_open()) {
      csv << cell->rtt_ms << ',' << cell->link << ',' << cell->loss_percent << ',' << cell->queue_kb
          << ',' << cell->ages.quantile_ms(0.5) << ',' << cell->ages.quantile_ms(0.99) << ','
          << cell->ages.max_ms() << ',' << frames / possible << ',' << jumps << '\n';
    }
  }
}

void measure(const Settings& settings, std::vector<std::unique_ptr<Cell>>& cells) {
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
  ListenerCrowd crowd;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto link = static_cast<int>(i);
    links.set(link, link_settings(settings, *cells[i]));
    crowd.add({.endpoint = EmulatedLinks::server(link, server.port()),
               .socket = links.far(link),
               .ages = &cells[i]->ages});
  }
  if (!crowd.run_until_all_listen(std::chrono::seconds(20))) {
    throw std::runtime_error("not all listeners could join");
  }
  crowd.run_for(std::chrono::seconds(3));
  const auto heard_by = [&](std::size_t i) -> const StreamCheck& {
    return crowd.listeners()[i]->check();
  };
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i]->ages.clear();
    cells[i]->frames = heard_by(i).frames();
    cells[i]->jumps = heard_by(i).jumps().size();
  }
  crowd.run_for(std::chrono::seconds(settings.seconds));
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i]->frames = heard_by(i).frames() - cells[i]->frames;
    cells[i]->jumps = heard_by(i).jumps().size() - cells[i]->jumps;
  }
  if (!crowd.fault().empty() || crowd.ended() > 0) {
    throw std::runtime_error(std::to_string(crowd.ended()) + " listeners were lost; " +
                             crowd.fault());
  }
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
  if (const std::string why = EmulatedLinks::why_unavailable(); !why.empty()) {
    std::fprintf(stderr, "not measured: %s\n", why.c_str());
    return links_unavailable_status;
  }
  auto cells = make_cells(settings);
  if (cells.empty() || cells.size() > links_max) {
    throw std::runtime_error("1 to " + std::to_string(links_max) + " cells are possible");
  }
  measure(settings, cells);
  print(settings, cells);
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
