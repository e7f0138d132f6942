// eradio-bench-fan-out: what delivering one frame costs eradio, other servers, and a bare send()
// loop, on the same machine in the same run, turn by turn. --help says which options there are; the
// result is a table on standard output, files for plots when a directory is given, and exit status
// 1 if a bound that was given is not kept.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <boost/program_options.hpp>

#include "common/clock.h"
#include "tests/bench/bench_server.h"
#include "tests/support/age_histogram.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/processes.h"
#include "tests/support/program.h"
#include "tests/support/program_options.h"
#include "tests/support/server.h"

namespace eradio::testing {
namespace {

namespace options = boost::program_options;

constexpr const char* judged = "eradio-at-once";  // by ratio_max, against
constexpr const char* baseline = "bare-loop";

constexpr int exit_not_all_measured = 77;  // which CTest is told to report as skipped

struct Settings {
  std::vector<std::string> servers;
  std::vector<int> listeners;
  int seconds = 0;
  int runs = 0;
  BenchStream stream;
  double ratio_max = 0;
  bool status = false;
  std::string directory;
};

// Asks a server how it is, some times a second, from a thread of its own.
class StatusProbe {
 public:
  explicit StatusProbe(const std::vector<Endpoint>& operators)
      : thread_([this, operators](const std::stop_token& stop) {
          constexpr std::chrono::milliseconds interval{250};
          while (!stop.stop_requested()) {
            for (const Endpoint& endpoint : operators) {
              const std::int64_t asked_ns = monotonic_ns();
              longest_ns_ = std::max(longest_ns_.load(),
                                     answers(endpoint) ? monotonic_ns() - asked_ns : never_ns);
            }
            std::this_thread::sleep_for(interval);
          }
        }) {}

  // The longest that an answer has taken; 0: nobody was asked.
  [[nodiscard]] double longest_ms() const { return static_cast<double>(longest_ns_.load()) / 1e6; }

 private:
  static bool answers(const Endpoint& endpoint) {
    try {
      const auto reply = fetch(endpoint, "/status");
      return reply && reply->status == 200;
    } catch (const std::exception&) {
      return false;
    }
  }

  static constexpr std::int64_t never_ns = 3600 * ns_per_second;

  std::atomic<std::int64_t> longest_ns_ = 0;
  std::jthread thread_;
};

// One server, measured for a while.
struct Measurement {
  double us_per_frame = 0;  // processor time of the server's processes, user and system
  double user_us = 0;       // of it in user space
  double cores = 0;         // that they kept busy
  std::uint64_t frames = 0;
  double served = 0;  // part of the frames that there should have been
  std::uint64_t missed = 0;
  std::size_t ended = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  double p999_ms = 0;
  double max_ms = 0;
  double status_ms = 0;           // the longest that an answer to /status has taken; 0: none
  double memory_mb = 0;           // PSS of all of them, in user space
  double bytes_per_listener = 0;  // of it, beyond what they had without listeners
};

struct Usage {
  std::chrono::nanoseconds all{0};  // more exact than the other two together
  std::chrono::nanoseconds user{0};
  std::chrono::nanoseconds system{0};
  std::size_t bytes = 0;           // PSS
  std::size_t listener_bytes = 0;  // of it, what can be the listeners'
};

Usage usage_of(const std::vector<pid_t>& processes) {
  Usage usage;
  for (const pid_t process : processes) {
    const ProcessorTime time = processor_time(process);
    usage.all += cpu_time(process);
    usage.user += time.user;
    usage.system += time.system;
    usage.bytes += proportional_bytes(process);
    // The ring and the workers' stores of frames (shared memory without a name, which proc(5) shows
    // as /dev/zero) fill while the stream plays, whoever listens.
    usage.listener_bytes += own_bytes(process, {"eradio-stream", "/dev/zero"});
  }
  return usage;
}

// Nothing when it is one of the others and does not take all listeners in within a minute.
std::optional<Measurement> measure(const Settings& settings, const std::string& name,
                                   int listeners) {
  const auto server = start_bench_server(name, settings.stream);
  const std::size_t idle_bytes = usage_of(server->processes()).listener_bytes;
  AgeHistogram ages;
  ListenerCrowd crowd;
  constexpr std::chrono::milliseconds between{20};
  const int at_once = server->joins_per_second() * static_cast<int>(between.count()) / 1000;
  for (int joined = 0; joined < listeners; joined += at_once) {
    crowd.add({.endpoint = Endpoint::ipv4(server->port()),
               .target = server->target(),
               .ages = &ages,
               .foreign = server->foreign()},
              std::min(at_once, listeners - joined));
    crowd.run_for(between);
  }
  if (!crowd.run_until_all_listen(std::chrono::minutes(1))) {
    if (server->foreign()) {
      return std::nullopt;
    }
    throw std::runtime_error("not all listeners could join " + name);
  }
  crowd.run_for(std::chrono::seconds(2));

  const std::vector<pid_t> processes = server->processes();
  ages.clear();
  const std::uint64_t missed_before = crowd.missed();
  const std::uint64_t frames_before = crowd.frames();
  const std::int64_t begin_ns = monotonic_ns();
  const Usage before = usage_of(processes);
  const StatusProbe probe(settings.status ? server->operators() : std::vector<Endpoint>{});
  crowd.run_for(std::chrono::seconds(settings.seconds));
  const Usage after = usage_of(processes);
  const auto wall_ns = static_cast<double>(monotonic_ns() - begin_ns);
  if (!crowd.fault().empty()) {
    throw std::runtime_error("a stream of " + name + " is broken: " + crowd.fault());
  }
  Measurement result;
  result.frames = crowd.frames() - frames_before;
  result.missed = crowd.missed() - missed_before;
  result.ended = crowd.ended();
  const auto used_ns = static_cast<double>((after.all - before.all).count());
  const auto user_ns = static_cast<double>((after.user - before.user).count());
  const auto ticked_ns = user_ns + static_cast<double>((after.system - before.system).count());
  result.us_per_frame =
      used_ns / 1000 / static_cast<double>(std::max<std::uint64_t>(1, result.frames));
  result.user_us = ticked_ns > 0 ? result.us_per_frame * user_ns / ticked_ns : 0;
  result.cores = used_ns / wall_ns;
  result.served = static_cast<double>(result.frames) /
                  (listeners * settings.stream.frames_per_second * wall_ns / 1e9);
  result.p50_ms = ages.quantile_ms(0.5);
  result.p99_ms = ages.quantile_ms(0.99);
  result.p999_ms = ages.quantile_ms(0.999);
  result.max_ms = ages.max_ms();
  result.status_ms = probe.longest_ms();
  result.memory_mb = static_cast<double>(after.bytes) / 1e6;
  result.bytes_per_listener =
      (static_cast<double>(after.listener_bytes) - static_cast<double>(idle_bytes)) / listeners;
  return result;
}

std::string table_head() {
  return "server             listeners us/frame   user cores     frames served  missed  ended "
         " p50 ms  p99 ms p99.9 ms  max ms  status   MB  bytes each\n";
}

std::string table_line(const std::string& name, int listeners, const Measurement& m) {
  std::array<char, 256> line{};
  std::snprintf(line.data(), line.size(),
                "%-18s %9d %8.2f %6.2f %5.2f %10llu %5.1f%% %7llu %6zu %7.1f %7.1f %8.1f %7.1f "
                "%7.1f %4.1f %11.0f\n",
                name.c_str(), listeners, m.us_per_frame, m.user_us, m.cores,
                static_cast<unsigned long long>(m.frames), 100 * m.served,
                static_cast<unsigned long long>(m.missed), m.ended, m.p50_ms, m.p99_ms, m.p999_ms,
                m.max_ms, m.status_ms, m.memory_mb, m.bytes_per_listener);
  return line.data();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// Each figure by itself; frames, missed and ended are sums.
Measurement median_of(const std::vector<Measurement>& all) {
  Measurement result;
  for (double Measurement::*const figure :
       {&Measurement::us_per_frame, &Measurement::user_us, &Measurement::cores,
        &Measurement::served, &Measurement::p50_ms, &Measurement::p99_ms, &Measurement::p999_ms,
        &Measurement::max_ms, &Measurement::status_ms, &Measurement::memory_mb,
        &Measurement::bytes_per_listener}) {
    std::vector<double> values(all.size());
    std::transform(all.begin(), all.end(), values.begin(),
                   [&](const Measurement& one) { return one.*figure; });
    result.*figure = median(values);
  }
  for (const Measurement& one : all) {
    result.frames += one.frames;
    result.missed += one.missed;
    result.ended += one.ended;
  }
  return result;
}

using Results = std::map<std::string, std::vector<Measurement>>;  // by server

// Of the pair of measurements that was disturbed least. On a machine that others use too, the bare
// loop falls behind and then sends several frames in a row, which is cheap: the ratio goes up with
// every disturbance, never down.
double lowest_ratio(const std::vector<Measurement>& ours, const std::vector<Measurement>& bare) {
  double lowest = ours.front().us_per_frame / bare.front().us_per_frame;
  for (std::size_t i = 1; i < ours.size(); ++i) {
    lowest = std::min(lowest, ours[i].us_per_frame / bare[i].us_per_frame);
  }
  return lowest;
}

// Everything in turn, so that what the machine does meanwhile falls on all alike.
Results measure_all(const Settings& settings, int listeners) {
  Results results;
  for (int run = 0; run < settings.runs; ++run) {
    for (const std::string& name : settings.servers) {
      if (const auto measured = measure(settings, name, listeners)) {
        results[name].push_back(*measured);
        std::printf("%s", table_line(name, listeners, *measured).c_str());
      } else {
        std::printf("NOT MEASURED: %s with %d listeners: not all could join\n", name.c_str(),
                    listeners);
      }
      std::fflush(stdout);
    }
  }
  return results;
}

std::string csv_head() {
  return "server,listeners,us_per_frame,user_us,cores,frames,served,missed,ended,p50_ms,p99_ms,"
         "p999_ms,max_ms,status_ms,memory_mb,bytes_per_listener\n";
}

std::string csv_line(const std::string& name, int listeners, const Measurement& m) {
  std::ostringstream line;
  line << name << ',' << listeners << ',' << m.us_per_frame << ',' << m.user_us << ',' << m.cores
       << ',' << m.frames << ',' << m.served << ',' << m.missed << ',' << m.ended << ',' << m.p50_ms
       << ',' << m.p99_ms << ',' << m.p999_ms << ',' << m.max_ms << ',' << m.status_ms << ','
       << m.memory_mb << ',' << m.bytes_per_listener << '\n';
  return line.str();
}

// False when the bound is not kept.
bool judge(const Settings& settings, const Results& results) {
  const auto ours = results.find(judged);
  const auto bare = results.find(baseline);
  if (ours == results.end() || bare == results.end()) {
    return true;
  }
  const double lowest = lowest_ratio(ours->second, bare->second);
  std::printf("ratio      %.2f of the medians of %s and %s, %.2f of the least disturbed pair\n",
              median_of(ours->second).us_per_frame / median_of(bare->second).us_per_frame, judged,
              baseline, lowest);
  const bool once_without_a_miss =
      std::any_of(ours->second.begin(), ours->second.end(),
                  [](const auto& m) { return m.missed == 0 && m.ended == 0; });
  if (settings.ratio_max > 0 && (lowest > settings.ratio_max || !once_without_a_miss)) {
    std::printf("expected: a pair with a ratio of at most %.2f, and a run without a miss\n",
                settings.ratio_max);
    return false;
  }
  return true;
}

std::vector<std::string> available(const std::vector<std::string>& names) {
  std::vector<std::string> found;
  for (const std::string& name : names) {
    const std::string why = why_unavailable(name);
    if (why.empty()) {
      found.push_back(name);
    } else {
      std::printf("NOT MEASURED: %s: %s\n", name.c_str(), why.c_str());
    }
  }
  return found;
}

int run(Settings settings) {
  std::printf("%.2f frames/s of %zu bytes, %d s, %d runs in turn; us of processor time per frame\n",
              settings.stream.frames_per_second, settings.stream.frame_bytes, settings.seconds,
              settings.runs);
  const std::size_t wanted = settings.servers.size();
  settings.servers = available(settings.servers);
  std::string medians = table_head();
  std::string csv = csv_head();
  bool kept = true;
  bool all_measured = settings.servers.size() == wanted;
  for (const int listeners : settings.listeners) {
    std::printf("\n%s", table_head().c_str());
    const Results results = measure_all(settings, listeners);
    for (const std::string& name : settings.servers) {
      const auto measured = results.find(name);
      if (measured == results.end()) {
        all_measured = false;
        continue;
      }
      const Measurement median = median_of(measured->second);
      medians += table_line(name, listeners, median);
      csv += csv_line(name, listeners, median);
    }
    kept = judge(settings, results) && kept;
  }
  std::printf("\nmedians; frames, missed and ended are sums\n%s", medians.c_str());
  if (!settings.directory.empty()) {
    std::filesystem::create_directories(settings.directory);
    std::ofstream file(settings.directory + "/fan_out.csv");
    if (!(file << csv).flush()) {
      throw std::runtime_error("cannot write to " + settings.directory + "/fan_out.csv");
    }
  }
  if (!kept) {
    return 1;
  }
  return all_measured ? 0 : exit_not_all_measured;
}

int run(int argument_count, char** arguments) {
  Settings settings;
  std::string servers = "which, in turn:";
  for (const BenchServerName& server : bench_server_names()) {
    servers += std::string("\n  ") + server.name + ": " + server.what;
  }
  options::options_description description(
      "The processor time that a delivered frame costs, its age, and the memory of a listener");
  description.add_options()(
      "servers",
      options::value(&settings.servers)->multitoken()->default_value({judged, baseline}, ""),
      servers.c_str())(
      "listeners", options::value(&settings.listeners)->multitoken()->default_value({3000}, "3000"),
      "how many; several for a curve")(
      "seconds", options::value(&settings.seconds)->default_value(10), "of each measurement")(
      "runs", options::value(&settings.runs)->default_value(3), "of each server")(
      "rate",
      options::value(&settings.stream.frames_per_second)->default_value(mp3_frames_per_second),
      "frames per second")(
      "size", options::value(&settings.stream.frame_bytes)->default_value(mp3_frame_bytes),
      "bytes of a frame")(
      "ratio_max", options::value(&settings.ratio_max)->default_value(0),
      "exit with status 1 when it is higher in every pair, or frames were missed in every run")(
      "status", options::bool_switch(&settings.status),
      "ask eradio how it is, its status server and its control socket, four times a second, and "
      "tell the longest time that an answer took")("directory", options::value(&settings.directory),
                                                   "for fan_out.csv, with the medians");
  if (!read_options(argument_count, arguments, description)) {
    return 0;
  }
  const bool all_positive = std::all_of(settings.listeners.begin(), settings.listeners.end(),
                                        [](int listeners) { return listeners > 0; });
  if (settings.runs < 1 || !all_positive || settings.seconds < 1) {
    throw std::runtime_error("runs, listeners and seconds must be positive");
  }
  return run(settings);
}

}  // namespace
}  // namespace eradio::testing

int main(int argument_count, char** arguments) {
  return eradio::testing::run_main("eradio-bench-fan-out", eradio::testing::run, argument_count,
                                   arguments);
}
