#include "eradioctl/tables.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>

#include "common/log.h"

namespace eradio {
namespace {

using Json = nlohmann::ordered_json;
using Row = std::vector<std::string>;

bool is_numeric(const std::string& cell) {
  return !cell.empty() && std::isdigit(static_cast<unsigned char>(cell.front())) != 0 &&
         cell.find_first_of(".:") == std::string::npos;
}

// A member, or null where there is none: the server may be of another version.
const Json& member(const Json& object, const char* name) {
  static const Json nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

bool is_true(const Json& object, const char* name) { return member(object, name) == true; }

std::optional<std::uint64_t> number(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_number_unsigned() ? std::optional(value.get<std::uint64_t>()) : std::nullopt;
}

// A member as a cell: "-" for null.
std::string cell(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (value.is_null()) {
    return "-";
  }
  return value.is_string() ? printable(value.get<std::string>()) : value.dump();
}

std::string duration_cell(const Json& object, const char* name) {
  const auto seconds = number(object, name);
  return seconds ? duration_text(*seconds) : "-";
}

std::string count_of(const Json& object, const char* name, const char* one, const char* many) {
  return cell(object, name) + " " + (number(object, name) == 1U ? one : many);
}

std::string source_text(const Json& status) {
  const Json& source = member(status, "source");
  std::string text = is_true(source, "running") ? "process " + cell(source, "pid")
                                                : std::string("does not run just now");
  const Json& track = member(member(status, "metadata"), "current_track");
  if (!is_true(source, "playing")) {
    text += ", stopped";
  } else if (track.is_object()) {
    text += ", playing " + cell(track, "name");
    if (const std::string uri = cell(track, "uri"); !uri.empty()) {
      text += " (" + uri + ")";
    }
  } else {
    text += ", playing";
  }
  return text + ", " + count_of(source, "restarts", "restart", "restarts");
}

std::string totals_text(const Json& status) {
  const Json& totals = member(status, "totals");
  const Json& metadata = member(status, "metadata");
  return fmt::format("{} ({}, {}); {} sent, {} skipped in {}",
                     count_of(totals, "listeners", "connection", "connections"),
                     count_of(metadata, "listener_count", "id", "different ids"),
                     count_of(metadata, "veto_count", "vote", "votes"),
                     count_of(totals, "frames_sent", "frame", "frames"),
                     cell(totals, "frames_skipped"), count_of(totals, "jumps", "jump", "jumps"));
}

// Nothing when all listeners outlive their worker.
std::string escrow_text(const Json& status) {
  const Json& escrow = member(status, "escrow");
  if (member(escrow, "on") == false) {
    return "escrow: off: nobody outlives a worker\n";
  }
  const auto not_held = number(escrow, "clients_not_held").value_or(0);
  return not_held == 0 ? ""
                       : "escrow: " + std::to_string(not_held) +
                             " clients would not outlive their worker: the master can hold " +
                             cell(escrow, "max") + "\n";
}

// Nothing when listeners get what they come for.
std::string reasons_text(const Json& status) {
  std::string text;
  for (const Json& reason : member(status, "reasons")) {
    text += text.empty() ? "not ready: " : "; ";
    text += reason.is_string() ? printable(reason.get<std::string>()) : reason.dump();
  }
  return text.empty() ? text : text + "\n";
}

// Nothing when all workers are what they should be.
std::string upgrade_text(const Json& status) {
  std::string text;
  if (is_true(status, "replacing_workers")) {
    text += "workers: are being replaced, one after another\n";
  }
  if (!member(status, "upgrade_error").is_null()) {
    text +=
        "upgrade: the last one did not come to its end: " + cell(status, "upgrade_error") + "\n";
  }
  return text;
}

}  // namespace

std::string aligned(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  // A column's name stands where its cells do.
  const Row& first_cells = rows.size() > 1 ? rows[1] : rows.front();
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool right = i < first_cells.size() && is_numeric(first_cells[i]);
      line += right ? fmt::format("{:>{}}  ", row[i], widths[i])
                    : fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string duration_text(std::uint64_t seconds) {
  const std::uint64_t minutes = seconds / 60;
  const std::uint64_t hours = minutes / 60;
  if (minutes == 0) {
    return fmt::format("{} s", seconds);
  }
  if (hours == 0) {
    return fmt::format("{} min", minutes);
  }
  return hours < 24 ? fmt::format("{} h {} min", hours, minutes % 60)
                    : fmt::format("{} d {} h", hours / 24, hours % 24);
}

std::string status_text(const Json& status) {
  std::string text =
      fmt::format("eradio {}: process {}, up {}, log level {}\n{}source: {}\nlisteners: {}\n{}{}\n",
                  cell(status, "version"), cell(status, "pid"), duration_cell(status, "uptime_s"),
                  cell(status, "log_level"), reasons_text(status), source_text(status),
                  totals_text(status), escrow_text(status), upgrade_text(status));
  std::vector<Row> rows{{"worker", "process", "state", "up", "restarts", "generation", "crashes",
                         "connections", "listeners", "frames sent", "skipped", "jumps"}};
  for (const Json& worker : member(status, "workers")) {
    rows.push_back(
        {cell(worker, "slot"), cell(worker, "pid"), cell(worker, "state"),
         duration_cell(worker, "uptime_s"), cell(worker, "restarts"), cell(worker, "generation"),
         cell(worker, "crashes"), cell(worker, "connections"), cell(worker, "listeners"),
         cell(worker, "frames_sent"), cell(worker, "frames_skipped"), cell(worker, "jumps")});
  }
  return text + aligned(rows);
}

std::string listeners_text(const Json& listeners) {
  std::vector<Row> rows{{"worker", "id", "address", "listening", "lag ms", "max lag ms",
                         "queue bytes", "frames sent", "skipped", "jumps"}};
  for (const Json& listener : listeners) {
    rows.push_back({cell(listener, "worker"), cell(listener, "id"), cell(listener, "peer"),
                    duration_cell(listener, "listening_s"), cell(listener, "lag_ms"),
                    cell(listener, "max_lag_ms"), cell(listener, "queue_bytes"),
                    cell(listener, "frames_sent"), cell(listener, "frames_skipped"),
                    cell(listener, "jumps")});
  }
  return rows.size() > 1 ? aligned(rows) : "nobody listens\n";
}

}  // namespace eradio
