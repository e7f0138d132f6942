#include "tests/bench/worker_replacement.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "common/system_error.h"
#include "tests/support/processes.h"

namespace eradio::testing {
namespace {

using Json = nlohmann::json;

constexpr std::size_t worker_count = 2;
// TCP and the workers have settled by then, and all know where each listener is.
constexpr std::chrono::milliseconds settling_time{2'500};
// Before an event, after what had to be asked for it.
constexpr std::chrono::milliseconds quiet_time{500};
constexpr std::int64_t wait_max_ns = 30 * ns_per_second;

ServerOptions server_options(const std::string& arguments, const std::string& socket) {
  ServerOptions options{.arguments = {"--workers", std::to_string(worker_count)},
                        .control_socket = socket};
  std::istringstream words(arguments);
  for (std::string word; words >> word;) {
    options.arguments.push_back(word);
  }
  return options;
}

Pauses figures_of(const AgeHistogram& pauses) {
  return {.p50_ms = pauses.quantile_ms(0.5),
          .p99_ms = pauses.quantile_ms(0.99),
          .max_ms = pauses.max_ms()};
}

std::uint16_t local_port(const CrowdListener& listener) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  check_syscall(
      ::getsockname(listener.descriptor(), reinterpret_cast<sockaddr*>(&address), &length),
      "getsockname");
  return ntohs(address.sin_port);
}

double ms_since(std::int64_t begin_ns) {
  return static_cast<double>(monotonic_ns() - begin_ns) / 1e6;
}

}  // namespace

const char* name_of(Event event) {
  switch (event) {
    case Event::none:
      return "none";
    case Event::kill:
      return "kill";
    case Event::restart:
      return "restart";
    case Event::upgrade:
      return "upgrade";
  }
  return "?";
}

const char* command_of(Event event) {
  switch (event) {
    case Event::none:
    case Event::kill:
      break;
    case Event::restart:
      return "restart-workers";
    case Event::upgrade:
      return "upgrade";
  }
  return nullptr;
}

bool is_known(Event event) {
  const char* const command = command_of(event);
  if (command == nullptr) {
    return true;
  }
  std::istringstream help(run_program({installed_program("bin/eradioctl"), "--help"}).output);
  std::string first_word;
  for (std::string line; first_word != command && std::getline(help, line);) {
    std::istringstream(line) >> first_word;
  }
  return first_word == command;
}

WorkerReplacement::WorkerReplacement(int listeners, const std::string& eradiod_arguments)
    : control_socket_(directory_.file("control.sock")),
      server_(server_options(eradiod_arguments, control_socket_)) {
  crowd_.add({.endpoint = server_.ipv4()}, listeners);
  if (!crowd_.run_until_all_listen(std::chrono::minutes(1))) {
    throw std::runtime_error("not all listeners could join");
  }
  listen_for(settling_time);
  find_slots();
}

void WorkerReplacement::find_slots() {
  const Json answer = Json::parse(ctl({"--json", "listeners"}));
  std::map<std::uint16_t, std::size_t> slot_of_port;
  for (const Json& listener : answer.at("listeners")) {
    slot_of_port[listener.at("peer_port").get<std::uint16_t>()] =
        listener.at("worker").get<std::size_t>();
  }
  for (const auto& listener : crowd_.listeners()) {
    if (listener->listening()) {
      slots_[listener.get()] = slot_of_port.at(local_port(*listener));
    }
  }
}

pid_t WorkerReplacement::worker_in(std::size_t slot) {
  const Json status = Json::parse(ctl({"--json", "status"}));
  return status.at("workers").at(slot).at("pid").get<pid_t>();
}

void WorkerReplacement::listen_a_moment() {
  crowd_.run_for(std::chrono::milliseconds(3));
  if (guests_) {
    guests_->attend();
  }
}

void WorkerReplacement::listen_for(std::chrono::milliseconds time) {
  listen_to(monotonic_ns() + time.count() * ns_per_ms);
}

void WorkerReplacement::listen_to(std::int64_t end_ns) {
  while (monotonic_ns() < end_ns) {
    listen_a_moment();
  }
}

void WorkerReplacement::await(const std::string& what, const std::function<bool()>& done) {
  const std::int64_t deadline_ns = monotonic_ns() + wait_max_ns;
  while (!done()) {
    if (monotonic_ns() >= deadline_ns) {
      throw std::runtime_error("waited in vain for " + what);
    }
    listen_a_moment();
  }
}

std::string WorkerReplacement::ctl(const std::vector<std::string>& words) {
  std::vector<std::string> all{installed_program("bin/eradioctl"), "--socket", control_socket_};
  all.insert(all.end(), words.begin(), words.end());
  RunningProgram eradioctl(all);
  await("eradioctl " + words.back(), [&] { return eradioctl.ended(); });
  RunReport report = eradioctl.finish();
  if (report.exit_status() != 0) {
    throw std::runtime_error("the server does not do it: " + report.errors);
  }
  return std::move(report.output);
}

double WorkerReplacement::kill_worker(pid_t worker) {
  constexpr const char* is_there = " serves";
  const std::size_t before = server_.log().count(is_there);
  const std::int64_t begin_ns = monotonic_ns();
  ::kill(worker, SIGKILL);
  await("the next worker", [&] { return server_.log().count(is_there) > before; });
  return ms_since(begin_ns);
}

double WorkerReplacement::carry_out(Event event, pid_t condemned) {
  if (event == Event::kill) {
    return kill_worker(condemned);
  }
  const std::int64_t begin_ns = monotonic_ns();
  if (const char* const command = command_of(event)) {
    ctl({command});
    return ms_since(begin_ns);
  }
  return 0;
}

Round WorkerReplacement::round(Event event, std::chrono::milliseconds time) {
  const std::size_t slot = next_slot_;
  pid_t condemned = 0;
  if (event == Event::kill) {
    condemned = worker_in(slot);
    next_slot_ = (slot + 1) % worker_count;
  }
  listen_for(quiet_time);
  const CpuTimes cpu_before = cpu_times();
  const Mark before = mark();
  const std::int64_t end_ns = monotonic_ns() + time.count() * ns_per_ms;
  Round round;
  round.took_ms = carry_out(event, condemned);
  listen_to(end_ns);
  round.heard = heard_since(before);
  if (event == Event::kill) {
    round.orphans = figures_of(pauses_in(slot));
  }
  round.others = others_since(cpu_before);
  return round;
}

Series WorkerReplacement::series(Event event, int events, std::chrono::milliseconds interval,
                                 double guests_per_second) {
  guests_.emplace(crowd_, server_.ipv4(), guests_per_second);
  listen_for(quiet_time);
  Series series;
  const Mark before = mark();
  std::int64_t next_ns = monotonic_ns();
  for (int i = 0; i < events; ++i) {
    pid_t condemned = 0;
    if (event == Event::kill) {
      condemned = worker_in(next_slot_);
      next_slot_ = (next_slot_ + 1) % worker_count;
    }
    series.longest_ms = std::max(series.longest_ms, carry_out(event, condemned));
    next_ns += interval.count() * ns_per_ms;
    listen_to(next_ns);
  }
  listen_for(quiet_time);
  series.heard = heard_since(before);
  series.guests = guests_->take_counts();
  guests_.reset();
  return series;
}

WorkerReplacement::Mark WorkerReplacement::mark() {
  Mark mark{.ended = crowd_.ended(), .faults = faults(), .missed = crowd_.missed()};
  listen_a_moment();  // what has come meanwhile is not late
  crowd_.begin_pauses();
  return mark;
}

Heard WorkerReplacement::heard_since(const Mark& mark) const {
  const AgeHistogram pauses = crowd_.longest_pauses();
  return {.pauses = figures_of(pauses),
          .disconnected = crowd_.ended() - mark.ended,
          .faults = faults() - mark.faults,
          .missed = crowd_.missed() - mark.missed};
}

AgeHistogram WorkerReplacement::pauses_in(std::size_t slot) const {
  const std::int64_t now_ns = monotonic_ns();
  AgeHistogram pauses;
  for (const auto& [listener, its_slot] : slots_) {
    if (its_slot == slot && listener->listening()) {
      pauses.add(listener->check().longest_pause_ns(now_ns));
    }
  }
  return pauses;
}

std::size_t WorkerReplacement::faults() const {
  const auto& all = crowd_.listeners();
  return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [](const auto& one) { return !one->check().fault().empty(); }));
}

WorkerReplacement::CpuTimes WorkerReplacement::cpu_times() const {
  CpuTimes times;
  times.at_ns = monotonic_ns();
  times.machine = machine_cpu_time();
  for (const pid_t process : {::getpid(), server_.master()}) {
    times.ours[process] = cpu_time(process);
  }
  for (const ChildProcess& child : children_of(server_.master())) {
    times.ours[child.id] = cpu_time(child.id);
  }
  return times;
}

// What a worker has used that has ended meanwhile counts as others': for a while in which it was
// killed at the beginning, that is nothing.
double WorkerReplacement::others_since(const CpuTimes& before) const {
  const CpuTimes now = cpu_times();
  auto others = now.machine - before.machine;
  for (const auto& [process, used] : now.ours) {
    const auto earlier = before.ours.find(process);
    others -= used - (earlier == before.ours.end() ? used.zero() : earlier->second);
  }
  return std::max(
      0.0, static_cast<double>(others.count()) / static_cast<double>(now.at_ns - before.at_ns));
}

}  // namespace eradio::testing
