#include "tests/faults/fault_run.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "common/clock.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;
using Json = nlohmann::json;

constexpr std::size_t workers_at_first = 2;
constexpr std::size_t workers_max = 4;
constexpr std::size_t commands_max = 2;  // at once
constexpr std::size_t told_of_each_kind = scaled_down(20);
constexpr milliseconds worker_timeout{sanitized_build ? 3'000 : 1'000};
// A process that hangs without being a worker yet is not looked at: it goes on after that.
constexpr milliseconds hang_max = 2 * worker_timeout + milliseconds(500);
constexpr milliseconds command_limit{60'000};
constexpr const char* worker_program = "libexec/eradio/eradio-worker";

// One that dies is started again soon, but later and later when it lives for less than 30 s.
constexpr const char* source_restart_delay = "50 ms";
constexpr std::size_t sources_killed_max = 5;  // in a row: then it takes a second and more
constexpr std::int64_t source_lived_ns = 31 * ns_per_second;

// What is listened to, as different as streams are.
struct Stream {
  const char* name;
  const char* source_options;
  std::uint64_t slow_bytes_per_second;  // a bit over half of what it has
  std::size_t listeners_divisor;
};
constexpr std::array<Stream, 3> streams{
    {{"frames of 418 bytes", "--rate 38.28 --size 418 --track_every 20", 10'000, 1},
     {"frames of 418 bytes with sync points and headers",
      "--rate 38.28 --size 418 --sync_every 10 --header_every 40 --track_every 20", 10'000, 1},
     {"frames of 100,000 bytes", "--rate 10 --size 100000 --track_every 5", 600'000, 4}}};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

}  // namespace

FaultRun::Command::Command(std::string its_name, std::size_t its_disturbance,
                           const std::vector<std::string>& words)
    : name(std::move(its_name)),
      begin_ns(monotonic_ns()),
      disturbance(its_disturbance),
      program(words) {}

FaultRun::FaultRun(const FaultRunSettings& settings)
    : settings_(settings), begin_ns_(monotonic_ns()), plan_(settings.seed) {
  const Stream& stream = streams.at(settings.seed % streams.size());
  source_ = test_source(stream.source_options);
  const auto options = [&] {
    return ServerOptions{.source = "",
                         .arguments = {"--config", directory_.file("eradio.conf")},
                         .prefix = prefix_.file("")};
  };
  copy_installed_tree(prefix_.file(""));
  write_configuration(workers_max, milliseconds(2'000));
  {
    OperatedServer untouched(options());
    at_rest_ = inventory_of(untouched.server());
  }
  write_configuration(workers_at_first, milliseconds(2'000));
  operated_.emplace(options());
  const Server& server = operated_->server();
  const std::size_t listeners =
      std::max<std::size_t>(1, settings.listeners / stream.listeners_divisor);
  population_.emplace(
      PopulationOptions{.ipv4 = server.ipv4(),
                        .ipv6 = has_ipv6_loopback() ? server.ipv6() : server.ipv4(),
                        .unix_socket = Endpoint::unix_socket(directory_.file("listen")),
                        .listeners = listeners,
                        .told = told_of_each_kind,
                        .slow_bytes_per_second = stream.slow_bytes_per_second},
      settings.seed);
  say(std::to_string(listeners) + " listeners, " + stream.name);
}

std::string FaultRun::log() { return operated_->server().log().text(); }

void FaultRun::say(const std::string& what) const {
  std::printf("%9.3f  %s\n", static_cast<double>(monotonic_ns() - begin_ns_) / 1e9, what.c_str());
  std::fflush(stdout);
}

void FaultRun::write_configuration(std::size_t workers, milliseconds max_lag,
                                   const char* more) const {
  const std::string made = directory_.write(
      "eradio.conf.new",
      "listen_unix = " + directory_.file("listen") + "\nsource = " + source_ +
          "\nsource_restart_delay = " + source_restart_delay + "\nworkers = " +
          std::to_string(workers) + "\nmax_lag = " + std::to_string(max_lag.count()) +
          " ms\nworker_timeout = " + std::to_string(worker_timeout.count()) + " ms\n" + more);
  std::filesystem::rename(made, directory_.file("eradio.conf"));
}

void FaultRun::run() {
  listen_for(milliseconds(500));
  const std::int64_t end_ns = monotonic_ns() + settings_.time.count() * ns_per_second;
  while (monotonic_ns() < end_ns) {
    const Fault fault = plan_.next();
    listen_for(fault.pause);
    carry_out(fault);
  }
  say("the end: " + std::to_string(faults_) + " events; all are to go on now");
  look_at_everything();
}

void FaultRun::carry_out(const Fault& fault) {
  ++faults_;
  std::string what;
  switch (fault.kind) {
    case FaultKind::kill_worker:
      what = kill_worker(fault);
      break;
    case FaultKind::hang_worker:
      what = hang_worker(fault);
      break;
    case FaultKind::stop_worker:
      what = stop_worker(fault);
      break;
    case FaultKind::restart:
    case FaultKind::upgrade:
      what = command(name_of(fault.kind));
      break;
    case FaultKind::reload:
      what = reload(fault);
      break;
    case FaultKind::bad_reload:
      what = bad_reload();
      break;
    case FaultKind::break_worker:
      what = break_worker(fault);
      break;
    case FaultKind::kill_source:
      what = kill_source();
      break;
    case FaultKind::stall:
      population_->stall(fault.percent, fault.lasts);
      what =
          std::to_string(fault.percent) + " % for " + std::to_string(fault.lasts.count()) + " ms";
      break;
    case FaultKind::come:
      population_->come(fault.percent);
      what = std::to_string(fault.percent) + " %";
      break;
    case FaultKind::leave:
      population_->leave(fault.percent);
      what = std::to_string(fault.percent) + " %";
      break;
  }
  say(std::to_string(faults_) + " " + name_of(fault.kind) + ": " + what);
}

std::string FaultRun::kill_worker(const Fault& fault) {
  await_calm();
  const auto workers = operated_->server().workers();
  if (workers.empty()) {
    return "there is none";
  }
  // A build with sanitizers writes long reports about the others.
  constexpr std::array<int, 4> signals{SIGKILL, SIGKILL, SIGSEGV, SIGABRT};
  const int signal = sanitized_build ? SIGKILL : signals.at(fault.percent % signals.size());
  const pid_t process = workers[fault.which % workers.size()];
  population_->expect(Disturbance::killed);
  ::kill(process, signal);
  calm_ = false;
  return std::to_string(process) + " with " + ::sigabbrev_np(signal);
}

std::string FaultRun::hang_worker(const Fault& fault) {
  await_calm();
  calm_ = false;
  Fault until_killed = fault;
  until_killed.lasts = hang_max;
  const std::string what = stop_worker(until_killed);
  if (!stopped_.empty()) {
    stopped_.back().hangs = true;
  }
  return what;
}

std::string FaultRun::stop_worker(const Fault& fault) {
  const auto workers = operated_->server().workers();
  if (workers.empty()) {
    return "there is none";
  }
  const pid_t process = workers[fault.which % workers.size()];
  population_->expect(Disturbance::stopped);
  ::kill(process, SIGSTOP);
  stopped_.push_back({.process = process,
                      .until_ns = monotonic_ns() + fault.lasts.count() * ns_per_ms,
                      .hangs = false});
  return std::to_string(process) + " for " + std::to_string(fault.lasts.count()) + " ms";
}

std::string FaultRun::reload(const Fault& fault) {
  const std::size_t workers = 1 + fault.which % workers_max;
  const milliseconds max_lag(fault.percent % 2 == 0 ? 2'000 : 250);
  write_configuration(workers, max_lag);
  const std::string what =
      std::to_string(workers) + " workers, max_lag " + std::to_string(max_lag.count()) + " ms, by ";
  if (fault.percent % 3 == 0) {
    population_->expect(Disturbance::planned);
    ::kill(operated_->server().master(), SIGHUP);
    return what + "SIGHUP";
  }
  return what + command("reload");
}

std::string FaultRun::bad_reload() {
  write_configuration(workers_max, milliseconds(2'000), "veto_ratio = 7\n");
  ::kill(operated_->server().master(), SIGHUP);
  const std::string what = command("reload");
  return "veto_ratio is 7, by SIGHUP, and " + what;
}

// As if a package were being installed whose worker cannot start.
std::string FaultRun::break_worker(const Fault& fault) {
  await_calm();
  if (broken_until_ns_ != 0) {
    return "left out: it is broken";
  }
  const std::string script = prefix_.write("broken", "#!/bin/sh\nexit 3\n");
  std::filesystem::permissions(script, std::filesystem::perms(0755));
  std::filesystem::rename(script, prefix_.file(worker_program));
  broken_until_ns_ = monotonic_ns() + fault.lasts.count() * ns_per_ms;
  return "for " + std::to_string(fault.lasts.count()) + " ms, and kill " + kill_worker(fault);
}

void FaultRun::mend_worker() {
  if (broken_until_ns_ != 0 && monotonic_ns() >= broken_until_ns_) {
    broken_until_ns_ = 0;
    std::filesystem::copy_file(installed_program(worker_program), prefix_.file("mended"));
    std::filesystem::rename(prefix_.file("mended"), prefix_.file(worker_program));
    say("the worker that is installed is mended");
  }
}

std::string FaultRun::kill_source() {
  const std::int64_t now_ns = monotonic_ns();
  sources_killed_ = now_ns - source_killed_ns_ > source_lived_ns ? 0 : sources_killed_;
  const auto source = operated_->server().source();
  if (!source || sources_killed_ == sources_killed_max) {
    return source ? "left out: it would be away for long" : "there is none";
  }
  ::kill(*source, SIGKILL);
  ++sources_killed_;
  source_killed_ns_ = now_ns;
  return std::to_string(*source);
}

std::string FaultRun::command(const std::string& name) {
  if (commands_.size() == commands_max) {
    return "left out: the operator is busy";
  }
  const std::size_t disturbance = population_->expect(Disturbance::planned);
  commands_.push_back(std::make_unique<Command>(name, disturbance, eradioctl({name})));
  return "eradioctl begins";
}

void FaultRun::listen_for(milliseconds time) {
  static_cast<void>(listen_until([] { return false; }, time));
}

template <typename Predicate>
bool FaultRun::listen_until(const Predicate& done, milliseconds limit) {
  return population_->listen_until(
      [&] {
        check();
        wake_stopped();
        mend_worker();
        finish_commands();
        return done();
      },
      limit);
}

void FaultRun::check() {
  for (const std::string& loss : population_->take_excused()) {
    say("excused: " + loss);
  }
  if (!population_->fault().empty()) {
    fail(population_->fault());
  }
}

void FaultRun::wake_stopped() {
  const auto wakes = [&](const Stopped& stopped) {
    if (stopped.hangs && !is_running(stopped.process)) {
      population_->expect(Disturbance::killed);
      say("the one that hangs is gone: " + std::to_string(stopped.process));
      return true;
    }
    if (monotonic_ns() < stopped.until_ns) {
      return false;
    }
    const auto workers = operated_->server().workers();
    if (std::count(workers.begin(), workers.end(), stopped.process) > 0) {
      ::kill(stopped.process, SIGCONT);
    }
    return true;
  };
  stopped_.erase(std::remove_if(stopped_.begin(), stopped_.end(), wakes), stopped_.end());
}

void FaultRun::finish_commands() {
  const auto finish = [&](const std::unique_ptr<Command>& command) {
    const std::int64_t took_ms = (monotonic_ns() - command->begin_ns) / ns_per_ms;
    if (!command->program.ended()) {
      if (took_ms > command_limit.count()) {
        fail("eradioctl " + command->name + " does not end");
      }
      return false;
    }
    const RunReport report = command->program.finish();
    population_->end(command->disturbance);
    say("eradioctl " + command->name + " after " + std::to_string(took_ms) + " ms, " +
        std::to_string(report.exit_status()) + ": " +
        first_line(report.exit_status() == 0 ? report.output : report.errors));
    if (report.exit_status() != 0 && report.exit_status() != 1) {
      fail("eradioctl " + command->name + ": " + report.errors);
    }
    return true;
  };
  commands_.erase(std::remove_if(commands_.begin(), commands_.end(), finish), commands_.end());
}

std::vector<std::string> FaultRun::eradioctl(std::vector<std::string> words) const {
  words.insert(words.begin(),
               {installed_program("bin/eradioctl"), "--socket", operated_->socket()});
  return words;
}

RunReport FaultRun::ctl(const std::vector<std::string>& words) {
  RunningProgram program(eradioctl(words));
  if (!listen_until([&] { return program.ended(); }, command_limit)) {
    fail("eradioctl " + words.back() + " does not end");
  }
  return program.finish();
}

std::optional<Json> FaultRun::status() {
  const RunReport report = ctl({"--json", "status"});
  Json status = Json::parse(report.output, nullptr, false);
  if (report.exit_status() != 0 || !status.is_object()) {
    return std::nullopt;
  }
  return status;
}

void FaultRun::await_calm() {
  if (calm_) {
    return;
  }
  const auto all_serve = [&] {
    const auto answer = status();
    if (!answer || answer->at("replacing_workers").get<bool>() ||
        std::any_of(stopped_.begin(), stopped_.end(), [](const Stopped& s) { return s.hangs; })) {
      return false;
    }
    const Json& workers = answer->at("workers");
    return std::all_of(workers.begin(), workers.end(),
                       [](const Json& worker) { return worker.at("state") == "serving"; });
  };
  if (!listen_until(all_serve, 2 * patience)) {
    const auto answer = status();
    fail("not all workers serve, long after one has died: " +
         (answer ? answer->at("workers").dump() : "no answer"));
  }
  listen_for(milliseconds(200));
  calm_ = true;
}

void FaultRun::look_at_everything() {
  population_->settle_down();
  static_cast<void>(listen_until(
      [&] {
        return stopped_.empty() && commands_.empty() && broken_until_ns_ == 0 &&
               population_->voters().waiting() == 0;
      },
      command_limit));
  return_to_all_workers();
  if (!listen_until([&] { return population_->all_hear(milliseconds(5'000)); }, patience)) {
    fail("there is a listener that hears nothing new");
  }
  listen_for(milliseconds(500));
  expect_status("those who listen", population_->size());
  expect_all_know();
  expect_losses_counted();
  const PopulationCounts counts = population_->counts();
  const ToldCounts told = population_->told().counts();
  population_->leave_all();
  expect_status("nobody", 0);
  const Server& server = operated_->server();
  std::string leaks;
  if (!listen_until(
          [&] {
            leaks = differences(at_rest_, inventory_of(server));
            return leaks.empty();
          },
          patience)) {
    fail("it holds more or less than a server that was just started:\n" + leaks);
  }
  const StopReport report = operated_->server().stop();
  if (report.wait_status != 0 || !report.left_behind.empty()) {
    fail("it " + (report.wait_status == 0 ? "left processes behind"
                                          : "did not stop as it should: wait status " +
                                                std::to_string(report.wait_status)));
  }
  say("all is well: " + std::to_string(counts.came) + " listeners came, " +
      std::to_string(counts.left) + " left before the end, " + std::to_string(counts.unanswered) +
      " were cut off before they were answered; " + std::to_string(counts.frames) + " frames, " +
      std::to_string(counts.missed) + " missed");
  const VoteCounts& votes = population_->voters().counts();
  say("and " + std::to_string(told.came) + " WebSockets and event streams came, " +
      std::to_string(told.left) + " left, " + std::to_string(told.unanswered) +
      " were cut off before they were answered; " + std::to_string(told.messages) + " messages; " +
      std::to_string(votes.counted) + " votes, " + std::to_string(votes.not_counted) +
      " not counted, " + std::to_string(votes.dropped) +
      " dropped; lost in the middle of a send: " + std::to_string(told.lost) + " and " +
      std::to_string(counts.lost) + " listeners");
}

void FaultRun::expect_all_know() {
  const auto all_know = [&] {
    const auto answer = status();
    if (!answer) {
      return false;
    }
    const Json& metadata = answer->at("metadata");
    return metadata.contains("current_track") &&
           population_->told().all_know(metadata.at("current_track").at("name"),
                                        metadata.at("listener_count"));
  };
  if (!listen_until(all_know, patience)) {
    fail("a WebSocket or an event stream does not know what is playing, and who listens");
  }
}

// Who was lost in the middle of a send to him, or of his request, was lost by a worker that died,
// and the server knows it. (It counts those, too, who have left at the same moment.) A worker is at
// one place at a time: it takes one along who has been answered, or none.
void FaultRun::expect_losses_counted() {
  const auto answer = status();
  if (!answer) {
    fail("the status is not answered");
  }
  const Json& totals = answer->at("totals");
  const auto counted = [&](const char* what) { return totals.at(what).get<std::size_t>(); };
  const PopulationCounts listeners = population_->counts();
  const ToldCounts& told = population_->told().counts();
  const std::size_t requests =
      listeners.unanswered + told.unanswered + population_->voters().counts().dropped;
  const std::size_t answered = listeners.lost + told.lost;
  const std::size_t deaths = population_->disturbances().deaths_max();
  if (listeners.lost > counted("listeners_not_adopted") ||
      told.lost > counted("notify_clients_not_adopted") || requests > counted("requests_dropped") ||
      answered > deaths) {
    fail("lost in the middle of a send: " + std::to_string(listeners.lost) + " listeners and " +
         std::to_string(told.lost) +
         " others, before they were answered: " + std::to_string(requests) + "; with " +
         std::to_string(deaths) + " workers that may have died, the server says " + totals.dump());
  }
}

void FaultRun::return_to_all_workers() {
  write_configuration(workers_max, milliseconds(2'000));
  const auto done = [&] {
    const RunReport report = ctl({"reload"});
    say("eradioctl reload: " +
        first_line(report.exit_status() == 0 ? report.output : report.errors));
    return report.exit_status() == 0;
  };
  if (!listen_until(done, command_limit)) {
    fail("the server does not return to " + std::to_string(workers_max) + " workers");
  }
  calm_ = false;
  await_calm();
}

void FaultRun::expect_status(const char* what, std::size_t listeners) {
  std::optional<Json> answer;
  const auto is_as_expected = [&] {
    answer = status();
    return answer && answer->at("totals").at("listeners") == listeners &&
           answer->at("metadata").at("listener_count") == listeners &&
           answer->at("totals").at("notify_clients") == population_->told().size() &&
           answer->at("totals").at("connections") == listeners + population_->told().size() &&
           answer->at("workers").size() == workers_max;
  };
  if (!listen_until(is_as_expected, patience)) {
    fail(std::string("the status does not show ") + what + " (" + std::to_string(listeners) +
         "): " + (answer ? answer->dump() : "no answer"));
  }
}

}  // namespace eradio::testing
