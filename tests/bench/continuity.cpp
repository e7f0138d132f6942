// eradio-bench-continuity: how long those who listen hear nothing when workers are killed or
// replaced, and whether they lose anything by it. --help says which options there are; the result
// is a table on standard output, and exit status 1 when a listener was disconnected, or its stream
// not as it should be.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "tests/bench/worker_replacement.h"
#include "tests/support/program.h"
#include "tests/support/program_options.h"

namespace eradio::testing {
namespace {

namespace options = boost::program_options;

constexpr const char* series_name = "series";

struct Settings {
  std::vector<std::string> events;
  int listeners = 0;
  int rounds = 0;
  int round_ms = 0;
  int series_events = 0;
  int interval_ms = 0;
  double guests_per_second = 0;
  std::string eradiod_arguments;
  std::string log;  // file for the servers' logs; empty: none
};

// What the exit status depends on.
struct Losses {
  std::size_t disconnected = 0;
  std::size_t faults = 0;
  std::size_t guests_refused = 0;

  void add(const Heard& heard) {
    disconnected += heard.disconnected;
    faults += heard.faults;
  }
  [[nodiscard]] bool any() const { return disconnected + faults + guests_refused > 0; }
};

void print(const Pauses& pauses) {
  std::printf(" %8.1f %8.1f %8.1f", pauses.p50_ms, pauses.p99_ms, pauses.max_ms);
}

void print(const Heard& heard) {
  std::printf(" %6zu %6zu %7llu", heard.disconnected, heard.faults,
              static_cast<unsigned long long>(heard.missed));
  print(heard.pauses);
}

void print_orphans(const Pauses& pauses) {
  std::printf("%-46s", "  those whose worker was killed");
  print(pauses);
  std::printf("\n");
}

void print(Event event, int number, const Round& round) {
  std::printf("%-8s %6d %8.1f", name_of(event), number, round.took_ms);
  print(round.heard);
  std::printf(" %6.2f\n", round.others);
  if (round.orphans) {
    print_orphans(*round.orphans);
  }
  std::fflush(stdout);
}

template <typename Figure>
double median_of(const std::vector<Round>& rounds, const Figure& figure) {
  std::vector<double> values;
  values.reserve(rounds.size());
  for (const Round& round : rounds) {
    values.push_back(figure(round));
  }
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <typename Whose>
Pauses median_pauses(const std::vector<Round>& rounds, const Whose& whose) {
  const auto median = [&](double Pauses::*figure) {
    return median_of(rounds, [&](const Round& one) { return whose(one).*figure; });
  };
  return {.p50_ms = median(&Pauses::p50_ms),
          .p99_ms = median(&Pauses::p99_ms),
          .max_ms = median(&Pauses::max_ms)};
}

void print_medians(Event event, const std::vector<Round>& rounds) {
  std::printf("%-8s median %8.1f %21s", name_of(event),
              median_of(rounds, [](const Round& one) { return one.took_ms; }), "");
  print(median_pauses(rounds, [](const Round& one) { return one.heard.pauses; }));
  std::printf("\n");
  if (rounds.front().orphans) {
    print_orphans(
        median_pauses(rounds, [](const Round& one) { return one.orphans.value_or(Pauses{}); }));
  }
  std::printf("\n");
}

void print(Event event, int events, const Series& series) {
  std::printf("%-8s %5dx %8.1f", name_of(event), events, series.longest_ms);
  print(series.heard);
  std::printf("\n");
  const GuestCounts& guests = series.guests;
  std::printf(
      "  came and left: %zu served (the slowest after %.0f ms), %zu refused, %zu ended unanswered, "
      "%zu cut off, %zu given up, %zu with a fault\n",
      guests.served, guests.longest_ms, guests.refused, guests.unanswered, guests.cut_off,
      guests.given_up, guests.faults);
  std::fflush(stdout);
}

// Says what went wrong in it, and keeps the log.
void look_back(const Settings& settings, const WorkerReplacement& server) {
  if (!server.fault().empty()) {
    std::printf("  first fault: %s\n", server.fault().c_str());
  }
  if (!settings.log.empty()) {
    std::ofstream(settings.log, std::ios::app) << server.log();
  }
}

void measure_rounds(const Settings& settings, Event event, Losses& losses) {
  WorkerReplacement server(settings.listeners, settings.eradiod_arguments);
  std::vector<Round> rounds;
  for (int i = 0; i < settings.rounds; ++i) {
    rounds.push_back(server.round(event, std::chrono::milliseconds(settings.round_ms)));
    losses.add(rounds.back().heard);
    print(event, i + 1, rounds.back());
  }
  print_medians(event, rounds);
  look_back(settings, server);
}

void measure_series(const Settings& settings, Event event, Losses& losses) {
  WorkerReplacement server(settings.listeners, settings.eradiod_arguments);
  const Series series =
      server.series(event, settings.series_events, std::chrono::milliseconds(settings.interval_ms),
                    settings.guests_per_second);
  print(event, settings.series_events, series);
  losses.add(series.heard);
  losses.faults += series.guests.faults;
  losses.guests_refused += series.guests.refused + series.guests.given_up;
  look_back(settings, server);
}

std::vector<Event> known(const std::vector<Event>& events) {
  std::vector<Event> result;
  for (const Event event : events) {
    if (is_known(event)) {
      result.push_back(event);
    } else {
      std::printf("(%s is left out: this eradioctl has no %s)\n", name_of(event),
                  command_of(event));
    }
  }
  return result;
}

Event event_of(const std::string& name) {
  for (const Event event : {Event::none, Event::kill, Event::restart, Event::upgrade}) {
    if (name == name_of(event)) {
      if (!is_known(event)) {
        throw std::runtime_error("this server knows no " + name + ": its eradioctl has no " +
                                 command_of(event));
      }
      return event;
    }
  }
  throw std::runtime_error("there is no event " + name + " (see --help)");
}

int run(const Settings& settings) {
  std::vector<Event> events;
  bool series = settings.events.empty();
  for (const std::string& name : settings.events) {
    if (name == series_name) {
      series = true;
    } else {
      events.push_back(event_of(name));
    }
  }
  if (settings.events.empty()) {
    events = known({Event::none, Event::kill, Event::restart, Event::upgrade});
  }
  std::printf(
      "%d listeners on 2 workers; %d rounds of %d ms; a series is %d events, one every %d ms,\n"
      "while %.0f listeners a second come and go. Pauses: the longest that each listener had\n"
      "between two frames.\n\n",
      settings.listeners, settings.rounds, settings.round_ms, settings.series_events,
      settings.interval_ms, settings.guests_per_second);
  std::printf("%-8s %6s %8s %6s %6s %7s %8s %8s %8s %6s\n", "event", "round", "took ms", "lost",
              "faults", "missed", "p50 ms", "p99 ms", "max ms", "others");
  Losses losses;
  for (const Event event : events) {
    measure_rounds(settings, event, losses);
  }
  if (series) {
    for (const Event event : known({Event::kill, Event::restart})) {
      measure_series(settings, event, losses);
    }
  }
  if (losses.any()) {
    std::printf("%zu listeners were disconnected, %zu had a fault, %zu were refused\n",
                losses.disconnected, losses.faults, losses.guests_refused);
    return 1;
  }
  return 0;
}

int run(int argument_count, char** arguments) {
  Settings settings;
  options::options_description description(
      "how long listeners hear nothing when workers are replaced");
  description.add_options()(
      "event", options::value(&settings.events)->multitoken(),
      "none, kill (SIGKILL for one worker, in turn), restart, upgrade, series (many kills, then "
      "many restarts); more than one if you like. Without it: all that this server knows")(
      "listeners", options::value(&settings.listeners)->default_value(5000), "how many")(
      "rounds", options::value(&settings.rounds)->default_value(5), "of each event")(
      "time", options::value(&settings.round_ms)->default_value(2500),
      "ms that a round takes from the event on")(
      "series", options::value(&settings.series_events)->default_value(100),
      "events of each kind in a series")("interval",
                                         options::value(&settings.interval_ms)->default_value(500),
                                         "ms from one event of a series to the next")(
      "connects", options::value(&settings.guests_per_second)->default_value(200),
      "listeners a second who come and go during a series")(
      "arguments", options::value(&settings.eradiod_arguments),
      "for eradiod, such as '--log_level debug'")("log", options::value(&settings.log),
                                                  "a file to which the servers' logs are appended");
  if (!read_options(argument_count, arguments, description)) {
    return 0;
  }
  if (settings.listeners < 1 || settings.rounds < 1 || settings.round_ms < 1 ||
      settings.series_events < 1 || settings.interval_ms < 1 || settings.guests_per_second <= 0) {
    throw std::runtime_error("all numbers must be positive");
  }
  return run(settings);
}

}  // namespace
}  // namespace eradio::testing

int main(int argument_count, char** arguments) {
  return eradio::testing::run_main("eradio-bench-continuity", eradio::testing::run, argument_count,
                                   arguments);
}
