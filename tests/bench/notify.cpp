// eradio-bench-notify: how soon thousands of WebSockets know of a new track, and what telling them
// costs those who listen. --help says which options there are; the result is a table on standard
// output, and exit status 1 if a bound that was given is not kept.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "common/clock.h"
#include "tests/support/age_histogram.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/notify_crowd.h"
#include "tests/support/processes.h"
#include "tests/support/program.h"
#include "tests/support/program_options.h"
#include "tests/support/server.h"
#include "tests/support/source_remote.h"

namespace eradio::testing {
namespace {

namespace options = boost::program_options;

struct Settings {
  int listeners = 0;
  int websockets = 0;
  int changes = 0;
  int interval_ms = 0;
  int runs = 0;
  double reach_max_ms = 0;
  double age_max_ms = 0;
};

// One server for a while, under one kind of load.
struct Phase {
  double p50_ms = 0;  // frames' age at the listeners
  double p99_ms = 0;
  double max_ms = 0;
  double cores = 0;   // that master and workers kept busy
  double others = 0;  // cores that neither they nor source and clients kept busy: the less, the
                      // more the other figures say
  std::uint64_t missed = 0;
};

struct Run {
  Phase alone;              // no WebSockets
  Phase quiet;              // WebSockets that are told nothing
  Phase changes;            // tracks that change
  Phase counts;             // listeners who come and go, so that counts change all the time
  double reach_p50_ms = 0;  // from a track's start until a WebSocket knows, over all of both
  double reach_p99_ms = 0;
  double reach_max_ms = 0;
  double last_median_ms = 0;  // until the last one knows, median over the changes
  double last_max_ms = 0;
};

class Measurement {
 public:
  explicit Measurement(const Settings& settings)
      : settings_(settings),
        server_({.source = remote_.source("--rate " + std::to_string(mp3_frames_per_second) +
                                          " --size " + std::to_string(mp3_frame_bytes)),
                 .arguments = {"--workers", "2"}}),
        sockets_([this](std::size_t, std::string_view json, std::int64_t now_ns) {
          on_notification(json, now_ns);
        }) {
    crowd_.also_serve(sockets_.descriptor(), [this] { sockets_.serve(); });
    crowd_.add({.endpoint = server_.ipv4(), .ages = &ages_}, settings_.listeners);
    if (!crowd_.run_until_all_listen(std::chrono::minutes(1))) {
      throw std::runtime_error("not all listeners could join");
    }
  }

  Run run() {
    Run run;
    const auto time = std::chrono::milliseconds(settings_.interval_ms * settings_.changes);
    run.alone = measure([&] { crowd_.run_for(time); });
    sockets_.add(server_.ipv4(), settings_.websockets);
    const auto all = static_cast<std::size_t>(settings_.websockets);
    if (!crowd_.run_until([&] { return sockets_.open() == all; }, std::chrono::minutes(1))) {
      throw std::runtime_error("not all WebSockets could be opened");
    }
    run.quiet = measure([&] { crowd_.run_for(time); });
    run.changes = measure([&] { change_tracks(run); });
    run.counts = measure([&] { come_and_go(time); });
    if (sockets_.ended() > 0 || !crowd_.fault().empty()) {
      throw std::runtime_error(std::to_string(sockets_.ended()) + " WebSockets were lost; " +
                               crowd_.fault());
    }
    return run;
  }

 private:
  template <typename Load>
  Phase measure(const Load& load) {
    crowd_.run_for(std::chrono::milliseconds(1000));
    ages_.clear();
    const std::uint64_t missed_before = crowd_.missed();
    const CpuTimes before = cpu_times();
    load();
    const CpuTimes after = cpu_times();
    const auto wall_ns = static_cast<double>(after.at_ns - before.at_ns);
    const auto server_ns = static_cast<double>((after.server - before.server).count());
    const auto ours_ns = static_cast<double>((after.clients - before.clients).count()) + server_ns;
    const auto all_ns = static_cast<double>((after.machine - before.machine).count());
    return {.p50_ms = ages_.quantile_ms(0.5),
            .p99_ms = ages_.quantile_ms(0.99),
            .max_ms = ages_.max_ms(),
            .cores = server_ns / wall_ns,
            .others = std::max(0.0, (all_ns - ours_ns) / wall_ns),
            .missed = crowd_.missed() - missed_before};
  }

  struct CpuTimes {
    std::chrono::nanoseconds server{0};
    std::chrono::nanoseconds clients{0};  // and source
    std::chrono::nanoseconds machine{0};
    std::int64_t at_ns = monotonic_ns();
  };
  [[nodiscard]] CpuTimes cpu_times() const {
    CpuTimes times;
    times.server = cpu_time(server_.master());
    for (const pid_t worker : server_.workers()) {
      times.server += cpu_time(worker);
    }
    times.clients = cpu_time(::getpid()) + cpu_time(server_.source().value_or(0));
    times.machine = machine_cpu_time();
    return times;
  }

  void on_notification(std::string_view json, std::int64_t now_ns) {
    if (!wanted_.empty() && json.find(wanted_) != std::string_view::npos) {
      reach_.add(now_ns - begun_ns_);
      ++told_;
    }
  }

  void change_tracks(Run& run) {
    std::vector<double> last_ms;
    reach_.clear();
    for (int i = 0; i < settings_.changes; ++i) {
      const std::string name = "Track " + std::to_string(i);
      wanted_ = "\"name\":\"" + name + "\"";
      told_ = 0;
      begun_ns_ = monotonic_ns();
      remote_.send({SourceRemote::track(name)});
      const std::int64_t next_ns = begun_ns_ + settings_.interval_ms * ns_per_ms;
      if (!crowd_.run_until([&] { return told_ == sockets_.open(); }, std::chrono::seconds(20))) {
        throw std::runtime_error("only " + std::to_string(told_) + " were told of a new track");
      }
      last_ms.push_back(static_cast<double>(monotonic_ns() - begun_ns_) / 1e6);
      crowd_.run_for(std::chrono::milliseconds(
          std::max<std::int64_t>(0, (next_ns - monotonic_ns()) / ns_per_ms)));
    }
    wanted_.clear();
    std::sort(last_ms.begin(), last_ms.end());
    run.reach_p50_ms = reach_.quantile_ms(0.5);
    run.reach_p99_ms = reach_.quantile_ms(0.99);
    run.reach_max_ms = reach_.max_ms();
    run.last_median_ms = last_ms[last_ms.size() / 2];
    run.last_max_ms = last_ms.back();
  }

  void come_and_go(std::chrono::milliseconds time) {
    const std::int64_t end_ns = monotonic_ns() + time.count() * ns_per_ms;
    while (monotonic_ns() < end_ns) {
      CrowdListener& guest = crowd_.add({.endpoint = server_.ipv4()});
      crowd_.run_for(std::chrono::milliseconds(20));
      crowd_.close(guest);
      crowd_.run_for(std::chrono::milliseconds(20));
    }
  }

  Settings settings_;
  SourceRemote remote_;
  Server server_;
  AgeHistogram ages_;
  ListenerCrowd crowd_;
  NotifyCrowd sockets_;
  std::string wanted_;  // stands in the notification that is waited for
  std::size_t told_ = 0;
  std::int64_t begun_ns_ = 0;
  AgeHistogram reach_;
};

void print(const char* name, const Phase& phase) {
  std::printf("  %-34s %8.1f %8.1f %8.1f %7llu %7.2f %7.2f\n", name, phase.p50_ms, phase.p99_ms,
              phase.max_ms, static_cast<unsigned long long>(phase.missed), phase.cores,
              phase.others);
}

void print(const Run& run) {
  std::printf("  %-34s %8s %8s %8s %7s %7s %7s\n", "frames' age at the listeners", "p50 ms",
              "p99 ms", "max ms", "missed", "cores", "others");
  print("without WebSockets", run.alone);
  print("WebSockets, nothing to tell", run.quiet);
  print("WebSockets, tracks change", run.changes);
  print("WebSockets, listeners come and go", run.counts);
  std::printf(
      "  a new track is known after p50 %.1f ms, p99 %.1f ms, max %.1f ms; by the last\n"
      "  WebSocket after %.1f ms (median), %.1f ms (longest)\n\n",
      run.reach_p50_ms, run.reach_p99_ms, run.reach_max_ms, run.last_median_ms, run.last_max_ms);
  std::fflush(stdout);
}

double age_added_ms(const Run& run) { return run.changes.p99_ms - run.quiet.p99_ms; }

// In one run at least: what others do on the machine makes both worse, never better.
bool keeps_bounds(const Settings& settings, const std::vector<Run>& runs) {
  const auto kept = [](double bound, double figure) { return bound <= 0 || figure <= bound; };
  return std::any_of(runs.begin(), runs.end(), [&](const Run& one) {
    return kept(settings.reach_max_ms, one.reach_max_ms) &&
           kept(settings.age_max_ms, age_added_ms(one));
  });
}

template <typename Figure>
double median_of(const std::vector<Run>& runs, const Figure& figure) {
  std::vector<double> values;
  values.reserve(runs.size());
  for (const Run& run : runs) {
    values.push_back(figure(run));
  }
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int run(const Settings& settings) {
  std::printf(
      "%d listeners and %d WebSockets on 2 workers, %d changes of track, one every %d ms\n\n",
      settings.listeners, settings.websockets, settings.changes, settings.interval_ms);
  std::vector<Run> runs;
  for (int i = 0; i < settings.runs; ++i) {
    runs.push_back(Measurement(settings).run());
    std::printf("run %d\n", i + 1);
    print(runs.back());
  }
  const double reach_ms = median_of(runs, [](const Run& one) { return one.reach_max_ms; });
  const double added_ms = median_of(runs, age_added_ms);
  std::printf("medians of %zu runs\n", runs.size());
  std::printf("  a new track reaches all WebSockets within %.1f ms\n", reach_ms);
  std::printf("  telling it adds %.1f ms to the p99 age of frames (%.1f ms with nothing to tell)\n",
              added_ms, median_of(runs, [](const Run& one) { return one.quiet.p99_ms; }));
  if (!keeps_bounds(settings, runs)) {
    std::printf("expected in one run at least: at most %.0f ms, and %.0f ms more\n",
                settings.reach_max_ms, settings.age_max_ms);
    return 1;
  }
  return 0;
}

int run(int argument_count, char** arguments) {
  Settings settings;
  options::options_description description(
      "how soon WebSockets know of a new track, and what it costs those who listen");
  description.add_options()("listeners", options::value(&settings.listeners)->default_value(1000),
                            "how many")(
      "websockets", options::value(&settings.websockets)->default_value(5000), "how many")(
      "changes", options::value(&settings.changes)->default_value(25), "of track, in a run")(
      "interval", options::value(&settings.interval_ms)->default_value(400),
      "from one change to the next, ms")("runs", options::value(&settings.runs)->default_value(3),
                                         "each with a server of its own")(
      "reach_max", options::value(&settings.reach_max_ms)->default_value(0),
      "ms; exit with status 1 when a new track is known later, in every run")(
      "age_max", options::value(&settings.age_max_ms)->default_value(0),
      "ms; exit with status 1 when the p99 age of frames grows by more, in every run");
  if (!read_options(argument_count, arguments, description)) {
    return 0;
  }
  if (settings.runs < 1 || settings.listeners < 1 || settings.websockets < 1 ||
      settings.changes < 1 || settings.interval_ms < 1) {
    throw std::runtime_error("all numbers must be positive");
  }
  return run(settings);
}

}  // namespace
}  // namespace eradio::testing

int main(int argument_count, char** arguments) {
  return eradio::testing::run_main("eradio-bench-notify", eradio::testing::run, argument_count,
                                   arguments);
}
