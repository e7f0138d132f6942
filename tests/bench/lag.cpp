// eradio-bench-lag: how far behind listeners are on networks of every kind, with eradio and with
// others. Each cell of the grid (round trip × rate of the link × loss × queue) is an emulated link
// with one listener; all cells listen to one server at the same time, the servers take turns. Then
// what `max_lag` does on links that are too slow: the curve. --help says which options there are.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "tests/bench/lag_grid.h"
#include "tests/bench/lag_server.h"
#include "tests/support/program.h"
#include "tests/support/program_options.h"

namespace eradio::testing {
namespace {

namespace options = boost::program_options;

// TCP, and a server's idea of the link, have found their way by then.
constexpr std::chrono::seconds warm_up{3};

struct Settings {
  std::string servers;
  LagStream stream;
  LagAxes axes;
  std::vector<int> curve_max_lags_ms;
  bool grid = true;
  bool curve = true;
  int seconds = 0;
  std::string eradiod_arguments;
  std::string directory;  // for files; empty: none
};

// Prints a table, and keeps it in two files: one for people, one for gnuplot.
class Report {
 public:
  Report(const std::string& directory, const std::string& name) {
    if (!directory.empty()) {
      open(text_, directory + "/" + name + ".txt");
      open(csv_, directory + "/" + name + ".csv");
    }
    write(table_head(), csv_head());
  }
  void add(const LagRow& row) { write(table_line(row), csv_line(row)); }

 private:
  static void open(std::ofstream& file, const std::string& path) {
    file.open(path);
    if (!file) {
      throw std::runtime_error("cannot write to " + path);
    }
  }
  void write(const std::string& line, const std::string& csv_line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
    if (text_.is_open()) {
      text_ << line << std::endl;
      csv_ << csv_line << std::endl;
    }
  }

  std::ofstream text_;
  std::ofstream csv_;
};

void measure(const Settings& settings, LagServerKind kind, const std::vector<LagCell>& cells,
             Report& report) {
  EmulatedLinks links(static_cast<int>(cells.size()));
  const auto server =
      start_lag_server(kind, settings.stream, links.near(), settings.eradiod_arguments);
  std::vector<LagListener> behind;
  for (const LagCell& cell : cells) {
    behind.push_back(server->listener(settings.stream, cell));
  }
  LagMeasurement listeners(links, server->port(), behind);
  listeners.wait_for_all();
  listeners.run_for(warm_up);
  const auto results = listeners.measure(std::chrono::seconds(settings.seconds));
  if (!listeners.fault().empty()) {
    throw std::runtime_error(to_string(kind) + ": " + listeners.fault());
  }
  for (std::size_t i = 0; i < cells.size(); ++i) {
    report.add(make_row(kind, settings.stream, cells[i], results[i], settings.seconds));
  }
}

options::options_description describe(Settings& settings) {
  const auto list = [](auto* values, const std::string& usual, auto... numbers) {
    return options::value(values)->multitoken()->default_value({numbers...}, usual);
  };
  options::options_description description("how far behind listeners are on bad networks");
  LagAxes& axes = settings.axes;
  description.add_options()(
      "server", options::value(&settings.servers)->default_value("eradio,original,icecast"),
      "one or more of eradio, original, icecast, icecast-short")(
      "rtt", list(&axes.rtt_ms, "1 20 100 300", 1.0, 20.0, 100.0, 300.0), "round trips, ms")(
      "link", list(&axes.link, "0.5 0.75 1.2 5", 0.5, 0.75, 1.2, 5.0),
      "rates of the link, times the stream's")(
      "loss", list(&axes.loss_percent, "0 1 3", 0.0, 1.0, 3.0), "percent of the packets")(
      "queue", list(&axes.queue_kb, "16 256", 16.0, 256.0), "of the link, KB")(
      "bitrate", options::value(&settings.stream.kbit)->default_value(128),
      "of the stream, kbit/s")(
      "frame", options::value(&settings.stream.frame_bytes)->default_value(418), "bytes")(
      "seconds", options::value(&settings.seconds)->default_value(20), "of measuring")(
      "grid", options::value(&settings.grid)->default_value(true, "yes"), "the grid: yes or no")(
      "curve", options::value(&settings.curve)->default_value(true, "yes"),
      "then, if eradio is measured, its curve over max_lag: yes or no")(
      "max_lag",
      list(&settings.curve_max_lags_ms, "0 100 250 400 550 1000", 0, 100, 250, 400, 550, 1000),
      "of the curve, ms")("arguments", options::value(&settings.eradiod_arguments),
                          "for eradiod, such as '--max_lag 500'")(
      "directory", options::value(&settings.directory),
      "for tables: grid.txt and curve.txt, and the same as .csv");
  return description;
}

void check(const Settings& settings, const std::vector<LagCell>& cells) {
  if (settings.seconds < 1 || settings.stream.frame_bytes < test_frame_bytes_min ||
      settings.stream.kbit <= 0) {
    throw std::runtime_error("seconds and bitrate must be more than 0, and a frame's bytes " +
                             std::to_string(test_frame_bytes_min) + " or more");
  }
  if (cells.empty() || cells.size() > links_max) {
    throw std::runtime_error("1 to " + std::to_string(links_max) + " cells are possible");
  }
}

int run(int argc, char** argv) {
  Settings settings;
  auto description = describe(settings);
  if (!read_options(argc, argv, description)) {
    return 0;
  }
  const auto servers = parse_servers(settings.servers);
  const auto grid = make_grid(settings.axes);
  const auto curve = make_curve(settings.curve_max_lags_ms);
  check(settings, grid);
  check(settings, curve);
  std::string why = EmulatedLinks::why_unavailable();
  for (const LagServerKind server : servers) {
    why = why.empty() ? why_unavailable(server) : why;
  }
  if (!why.empty()) {
    std::fprintf(stderr, "not measured: %s\n", why.c_str());
    return links_unavailable_status;
  }
  if (settings.grid) {
    Report report(settings.directory, "grid");
    for (const LagServerKind server : servers) {
      measure(settings, server, grid, report);
    }
  }
  const bool has_eradio =
      std::find(servers.begin(), servers.end(), LagServerKind::eradio) != servers.end();
  if (settings.curve && has_eradio) {
    Report report(settings.directory, "curve");
    measure(settings, LagServerKind::eradio, curve, report);
  }
  return 0;
}

}  // namespace
}  // namespace eradio::testing

int main(int argument_count, char** arguments) {
  return eradio::testing::run_main("eradio-bench-lag", eradio::testing::run, argument_count,
                                   arguments);
}
