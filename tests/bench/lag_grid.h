// The cells of the lag benchmark, and what it writes about each: pure, so that it can be tested
// without a network. lag.cpp measures them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "tests/link/lag_measurement.h"

namespace eradio::testing {

struct LagStream {
  double kbit = 128;  // a second
  std::size_t frame_bytes = 418;

  [[nodiscard]] double frames_per_second() const;
};

// A listener and the link that it listens through.
struct LagCell {
  double rtt_ms = 0;
  double link = 0;  // times the stream's bitrate
  double loss_percent = 0;
  double queue_kb = 0;
  std::optional<int> max_lag_ms{};  // what the listener asks for

  bool operator==(const LagCell&) const = default;
};

struct LagAxes {
  std::vector<double> rtt_ms;
  std::vector<double> link;
  std::vector<double> loss_percent;
  std::vector<double> queue_kb;
};

// Every combination.
std::vector<LagCell> make_grid(const LagAxes& axes);
// Links that are too slow, for each of the bounds.
std::vector<LagCell> make_curve(const std::vector<int>& max_lags_ms);

LinkSettings link_settings(const LagStream& stream, const LagCell& cell);
// What a link of the cell, or the stream, can bring when each frame travels in a packet of its own.
double possible_frames_per_second(const LagStream& stream, const LagCell& cell);

enum class LagServerKind {
  eradio,
  original,       // the rule of the server that eradio re-creates
  icecast,        // with the limits of Debian's package
  icecast_short,  // with a queue of 2 s, so that it drops who is further behind
};
// "eradio,icecast" and the like; throws std::runtime_error for a name that is none.
std::vector<LagServerKind> parse_servers(const std::string& names);
std::string to_string(LagServerKind server);

struct LagRow {
  LagServerKind server{};
  LagCell cell;
  LagResult result;
  double delivered = 0;  // share of possible_frames_per_second()
  double jumps_per_second = 0;
};
LagRow make_row(LagServerKind server, const LagStream& stream, const LagCell& cell,
                const LagResult& result, double seconds);

// For people, in columns.
std::string table_head();
std::string table_line(const LagRow& row);
// For gnuplot and other programs: comma-separated, ages in ms.
std::string csv_head();
std::string csv_line(const LagRow& row);

}  // namespace eradio::testing
