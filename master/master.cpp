#include "master/master.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "common/check.h"
#include "common/clock.h"
#include "common/descriptor.h"
#include "common/log.h"
#include "common/version.h"
#include "master/configuration_keys.h"
#include "master/tcp_address.h"

namespace eradio {
namespace {

// Together with what the kernel needs to end a process this stays below two seconds.
constexpr std::chrono::milliseconds stop_grace{1000};
constexpr std::size_t connections_per_worker_max = std::size_t{1} << 20;

SourceSettings source_settings(const Configuration& configuration, const InstallPaths& paths) {
  // Installed sources go by their names alone; they come first.
  const char* path = std::getenv("PATH");
  return {.command_line = configuration.source,
          .environment = {"PATH=" + paths.libexec.string() + ":" +
                          (path == nullptr ? "/usr/bin:/bin" : path)},
          .frame_bytes_max = configuration.max_frame,
          .restart_delay = configuration.source_restart_delay};
}

WorkerSettings worker_settings(const Configuration& configuration) {
  WorkerSettings settings;
  settings.workers = configuration.workers;
  settings.webroot = configuration.webroot.string();
  settings.content_security_policy = configuration.content_security_policy;
  settings.stream_path = configuration.stream_path;
  settings.content_type = configuration.content_type;
  settings.sndbuf_bytes = configuration.sndbuf;
  settings.escrow = configuration.escrow;
  settings.sandbox = configuration.sandbox;
  settings.io_uring = configuration.io_uring;
  settings.max_lag_ms = configuration.max_lag.count();
  settings.max_lag_ceiling_ms =
      std::max(configuration.max_lag, configuration.max_lag_ceiling).count();
  settings.stall_timeout_ms = configuration.stall_timeout.count();
  settings.coalesce_ms = configuration.coalesce ? configuration.coalesce->count() : -1;
  settings.max_listeners = configuration.max_listeners;
  settings.max_connections_per_ip = configuration.max_connections_per_ip;
  settings.max_frame_bytes = configuration.max_frame;
  settings.log_level = configuration.log_level;
  settings.log_format = name_of(configuration.log_format);
  return settings;
}

ProgrammeSettings programme_settings(const Configuration& configuration) {
  ProgrammeSettings settings;
  settings.veto_ratio = configuration.veto_ratio;
  settings.workers = configuration.workers;
  return settings;
}

ListeningAddresses listening_addresses(const Configuration& configuration) {
  return {.addresses = configuration.listen_ip,
          .port = configuration.listen_port,
          .unix_path = configuration.listen_unix,
          .congestion_control = configuration.congestion_control};
}

// How many this process may have. Throws std::runtime_error when it could not serve with them.
std::size_t enough_descriptors(const Configuration& configuration) {
  constexpr std::size_t ipv4_and_ipv6 = 2;
  const std::size_t descriptors_max = raise_descriptor_limit();
  const std::size_t addresses = configuration.listen_ip.size();
  const std::string why_not =
      why_too_few_descriptors({.workers = configuration.workers,
                               .slots = configuration.workers,
                               .addresses = addresses == 0 ? ipv4_and_ipv6 : addresses,
                               .unix_sockets = configuration.listen_unix ? 1U : 0U},
                              descriptors_max, 0);
  if (!why_not.empty()) {
    throw std::runtime_error(why_not);
  }
  return descriptors_max;
}

// The time of day, in seconds since 1970, of a moment of CLOCK_MONOTONIC.
double unix_time_of(std::int64_t moment_ns) {
  const auto since = std::chrono::nanoseconds(monotonic_ns() - moment_ns);
  const auto then = std::chrono::system_clock::now() - since;
  return static_cast<double>(
             std::chrono::duration_cast<std::chrono::milliseconds>(then.time_since_epoch())
                 .count()) /
         1000;
}

std::vector<ListenerTable> make_listener_tables(std::size_t workers, std::size_t listeners_max,
                                                const std::optional<MasterState>& before) {
  std::vector<ListenerTable> tables;
  if (before) {
    for (const SavedWorker& worker : before->supervisor.workers) {
      tables.emplace_back(take_descriptor(worker.listeners_descriptor, "a listener table"),
                          before->supervisor.table_records);
    }
    return tables;
  }
  for (std::size_t slot = 0; slot < workers; ++slot) {
    tables.emplace_back(listeners_max);
  }
  return tables;
}

// What cannot change while the server runs is as it was, whatever the configuration says now.
Configuration as_it_runs(Configuration configuration, const std::optional<MasterState>& before) {
  if (before) {
    configuration.workers = static_cast<std::uint32_t>(before->supervisor.workers.size());
    configuration.max_frame = before->max_frame;
    configuration.ring_size = before->ring_size;
    configuration.log_level = before->log_level;
    configuration.log_file = std::nullopt;
    const auto log_file = before->settings.find("log_file");
    if (log_file != before->settings.end() && log_file->second != "none") {
      configuration.log_file = std::filesystem::absolute(log_file->second);
    }
    const auto escrow = before->settings.find("escrow");
    configuration.escrow = escrow == before->settings.end() || escrow->second == "on";
  }
  return configuration;
}

}  // namespace

Master::Master(const LoadedConfiguration& loaded, const InstallPaths& paths,
               std::vector<std::string> command_line, std::optional<MasterState> before)
    : before_(std::move(before)),
      paths_(paths),
      command_line_(std::move(command_line)),
      configuration_(as_it_runs(loaded.configuration, before_)),
      settings_(loaded.settings),
      workers_wanted_(loaded.configuration.workers),
      started_ns_(before_ ? before_->started_ns : monotonic_ns()),
      started_unix_s_(unix_time_of(started_ns_)),
      upgrades_(before_ ? before_->upgrades + 1 : 0),
      from_terminal_(::isatty(STDERR_FILENO) == 1),
      signals_(loop_, {SIGTERM, SIGINT, SIGHUP, SIGCHLD},
               [this](int signal_number) { on_signal(signal_number); }),
      descriptors_max_(before_ ? raise_descriptor_limit() : enough_descriptors(configuration_)),
      sockets_(before_
                   ? ListeningSockets(before_->sockets)
                   : ListeningSockets(listening_addresses(configuration_), configuration_.workers)),
      publisher_(before_ ? Publisher(before_->stream)
                         : Publisher(configuration_.ring_size, configuration_.max_frame,
                                     configuration_.workers)),
      scoreboard_(
          before_
              ? Scoreboard(
                    take_descriptor(before_->scoreboard_front_descriptor, "the scoreboard's front"),
                    take_descriptor(before_->scoreboard_descriptor, "the scoreboard"),
                    configuration_.workers)
              : Scoreboard(workers_max, std::min(descriptors_max_, connections_per_worker_max))),
      listeners_(make_listener_tables(
          configuration_.workers, std::min(descriptors_max_, connections_per_worker_max), before_)),
      programme_(
          loop_, publisher_, programme_settings(configuration_),
          [this] {
            if (!stopping_) {
              source_.command(SourceCommand::next);
            }
          },
          [this](std::size_t slot, const VoteAnswer& answer) {
            supervisor_.answer_vote(slot, answer);
          }),
      source_(loop_, programme_, source_settings(configuration_, paths)),
      supervisor_(loop_, paths.libexec / "eradio-worker", worker_settings(configuration_),
                  configuration_.worker_timeout, escrow_max(), sockets_, publisher_, scoreboard_,
                  listeners_, programme_, [this] { on_all_ready(); }),
      upgrade_(loop_, paths.program, command_line_),
      service_manager_(loop_, [this] { return service_status(programme_.metadata()); }),
      slowest_listeners_(loop_, listeners_) {
  open_control_socket();
  open_status_server();
}

void Master::open_control_socket() {
  if (before_) {
    if (before_->control_socket.descriptor >= 0) {
      control_.emplace(loop_, static_cast<Operations&>(*this), before_->control_socket);
    }
    return;
  }
  if (!configuration_.control_socket) {
    return;
  }
  try {
    control_.emplace(loop_, static_cast<Operations&>(*this), *configuration_.control_socket);
  } catch (const std::system_error& error) {
    if (configuration_.control_socket_given) {
      throw std::runtime_error(std::string("control_socket: ") + error.what());
    }
    log::warning("eradioctl will not work: {}; control_socket names another place", error.what());
  }
}

void Master::open_status_server() {
  StatusView& view = *this;
  if (before_) {
    if (before_->status_descriptor >= 0) {
      status_server_.emplace(loop_, view,
                             take_descriptor(before_->status_descriptor, "the status server"),
                             paths_.status_page);
    }
    return;
  }
  if (!configuration_.status_listen) {
    return;
  }
  const auto address = TcpAddress::parse_with_port(*configuration_.status_listen);
  ERADIO_CHECK(address.has_value());
  try {
    status_server_.emplace(loop_, view, *address, paths_.status_page);
  } catch (const std::system_error& error) {
    if (configuration_.status_listen_given) {
      throw std::runtime_error(std::string("status_listen: ") + error.what());
    }
    log::warning("there is no status server: {}; status_listen names another address",
                 error.what());
  }
}

DescriptorDemand Master::demand(std::size_t workers) const noexcept {
  return {.workers = workers,
          .slots = sockets_.slots(),
          .addresses = sockets_.per_slot(),
          .unix_sockets = sockets_.unix_socket() < 0 ? 0U : 1U};
}

std::size_t Master::escrow_max() const noexcept {
  return eradio::escrow_max(demand(configuration_.workers), descriptors_max_);
}

void Master::announce_escrow() const {
  if (!configuration_.escrow) {
    log::warning("escrow is off: listeners are disconnected when their worker ends or is replaced");
  } else if (configuration_.max_listeners > escrow_max()) {
    log::warning(
        "of max_listeners, {}, only {} can outlive their worker: this process may have no more "
        "than {} descriptors",
        configuration_.max_listeners, escrow_max(), descriptors_max_);
  } else if (configuration_.max_listeners == 0) {
    log::info("up to {} listeners outlive their worker", escrow_max());
  }
}

// All workers run on the same kernel.
void Master::announce_sandbox() const {
  const WorkerCounters& worker = scoreboard_.counters(0);
  if (!configuration_.sandbox) {
    log::warning("sandbox is off: a worker can do whatever this server's user can");
    return;
  }
  if (worker.system_calls_filtered.get() == 0) {
    log::warning("workers run without a filter of system calls: this build or kernel has none");
  }
  if (worker.files_confined.get() == 0) {
    log::warning("workers can read files outside of webroot: this build or kernel has no Landlock");
  }
}

void Master::announce_sends() const {
  const bool through_ring = scoreboard_.counters(0).sends_through_ring.get() != 0;
  log::info("{}", through_ring ? "frames are sent through io_uring"
                  : configuration_.io_uring
                      ? "frames are sent without io_uring: workers cannot have it here"
                      : "frames are sent without io_uring: it is turned off");
}

// Where the master before this one was. Its workers serve all the time; they are replaced, too.
void Master::go_on() {
  const ChangedSettings changes = changed_settings(before_->settings, settings_);
  for (const std::string& key : changes.unchangeable) {
    log::warning("{} cannot change while the server runs: it stays as it was", key);
    settings_[key] = before_->settings[key];
  }
  settings_["log_level"] = before_->settings["log_level"];  // reload's business
  log::info("eradio {} goes on where {} was: process {}, {} workers", ERADIO_VERSION,
            before_->program_version, ::getpid(), configuration_.workers);
  eradio::set_log_level(log_level_of(configuration_.log_level).value_or(LogLevel::info));
  announced_ = true;
  programme_.resume(before_->programme);
  source_.resume(before_->source);
  supervisor_.resume(before_->supervisor);
  before_.reset();
  if (std::count(changes.changed.begin(), changes.changed.end(), "source") > 0) {
    source_.replace();
  }
  take_as_many_workers_as_wanted();
  reap();  // whoever has ended meanwhile
  supervisor_.replace_all([this](const ReplaceResult& result) {
    upgrade_error_ = result.error;
    on_workers_replaced(result);
    service_manager_.ready();
  });
}

void Master::on_workers_replaced(const ReplaceResult& result) {
  workers_are_old_ = !result.error.empty();
  if (result.error.empty()) {
    upgrade_error_.clear();
  }
}

void Master::take_as_many_workers_as_wanted() {
  Configuration wanted = configuration_;
  wanted.workers = workers_wanted_;
  try {
    change(wanted);
  } catch (const std::exception& error) {
    log::error("there cannot be {} workers: {}", workers_wanted_, error.what());
  }
}

MasterState Master::save() const {
  MasterState state;
  state.program_version = ERADIO_VERSION;
  state.started_ns = started_ns_;
  state.upgrades = upgrades_;
  state.log_level = configuration_.log_level;
  state.settings = settings_;
  state.max_frame = configuration_.max_frame;
  state.ring_size = configuration_.ring_size;
  state.sockets = sockets_.save();
  if (control_) {
    state.control_socket = control_->save();
  }
  if (status_server_) {
    state.status_descriptor = status_server_->descriptor();
  }
  state.stream = publisher_.save();
  state.scoreboard_front_descriptor = scoreboard_.front_descriptor();
  state.scoreboard_descriptor = scoreboard_.descriptor();
  state.source = source_.save();
  state.programme = programme_.save();
  state.supervisor = supervisor_.save();
  return state;
}

void Master::reload(std::function<void(const ReloadResult&)> done) {
  ReloadResult result;
  const std::string log_error = open_log_file_again();  // in any case: it may have been moved away
  result.error = why_busy();
  if (!result.error.empty()) {
    result.error += log_error.empty() ? "" : "; " + log_error;
    done(result);
    return;
  }
  result.error = log_error;
  service_manager_.reloading();
  done = [this, done = std::move(done)](const ReloadResult& reloaded) {
    if (announced_) {
      service_manager_.ready();
    }
    done(reloaded);
  };
  const LoadedConfiguration loaded =
      load_configuration({command_line_.begin() + 1, command_line_.end()}, paths_);
  for (const ConfigurationProblem& problem : loaded.problems) {
    result.error += (result.error.empty() ? "" : "; ") + problem.place + ": " + problem.text;
  }
  const Configuration wanted = changed_while_running(loaded.configuration, configuration_);
  const WorkerSettings told = worker_settings(configuration_);
  bool workers_read_it = false;
  if (result.error.empty()) {
    try {
      result.settings = changed_settings(settings_, loaded.settings);
      change(wanted);
      workers_read_it = worker_settings(configuration_) != told;
    } catch (const std::exception& error) {  // of mapping memory, too
      result.error = error.what();
    }
  }
  if (!result.error.empty()) {
    log::error("the configuration stays as it is: {}", result.error);
    result.settings = {};
    done(result);
    return;
  }
  for (const std::string& key : result.settings.changed) {
    log::info("{} is {} now", key, loaded.settings.at(key));
    settings_[key] = loaded.settings.at(key);
    if (key == "log_level") {
      static_cast<void>(set_log_level(*log_level_of(wanted.log_level)));
    }
  }
  for (const std::string& key : result.settings.unchangeable) {
    log::warning("{} cannot change while the server runs: it stays {}", key, settings_.at(key));
  }
  if (!workers_read_it && !workers_are_old_) {
    done(result);
    return;
  }
  supervisor_.replace_all(
      [this, result, done = std::move(done)](const ReplaceResult& replaced) mutable {
        on_workers_replaced(replaced);
        result.error = replaced.error;
        done(result);
      });
}

// Whatever the configuration says now.
std::string Master::open_log_file_again() {
  if (configuration_.log_file) {
    try {
      log_to_file(*configuration_.log_file);
      supervisor_.set_log_file(STDERR_FILENO);
    } catch (const std::system_error& error) {
      return std::string("log_file: ") + error.what();
    }
  }
  return "";
}

std::string Master::why_busy() const {
  if (stopping_) {
    return "the server is stopping";
  }
  if (upgrading_) {
    return "an upgrade has begun";
  }
  return supervisor_.replacing() ? "workers are being replaced just now" : "";
}

void Master::make_slots(std::size_t workers) {
  const std::string why_not =
      why_too_few_descriptors(demand(workers), descriptors_max_, supervisor_.held_in_escrow());
  if (!why_not.empty() && workers > configuration_.workers) {
    throw std::runtime_error(why_not);
  }
  const std::size_t wakeups_before = publisher_.wakeups();
  const std::size_t tables_before = listeners_.size();
  try {
    publisher_.make_wakeups(workers);
    while (listeners_.size() < workers) {
      listeners_.emplace_back(listeners_.front().records());
    }
    sockets_.make_slots(workers);  // last: who comes there waits for a worker
  } catch (...) {
    publisher_.drop_wakeups_from(wakeups_before);
    while (listeners_.size() > tables_before) {
      listeners_.pop_back();
    }
    throw;
  }
}

void Master::change(const Configuration& configuration) {
  const std::size_t workers = configuration.workers;
  make_slots(workers);
  const std::string log_level = configuration_.log_level;
  configuration_ = configuration;
  configuration_.log_level = log_level;
  set_log_format(configuration_.log_format);
  programme_.change(configuration_.veto_ratio, workers);
  source_.change(source_settings(configuration_, paths_));
  supervisor_.change(worker_settings(configuration_), configuration_.worker_timeout, escrow_max());
}

void Master::reload_on_signal() {
  constexpr std::chrono::milliseconds look_again{50};
  if (!why_busy().empty()) {
    if (reload_timer_ == EventLoop::no_timer) {
      if (const std::string error = open_log_file_again(); !error.empty()) {
        log::error("{}", error);
      }
      reload_timer_ = loop_.call_after(look_again, [this] {
        reload_timer_ = EventLoop::no_timer;
        reload_on_signal();
      });
    }
    return;
  }
  reload([](const ReloadResult& result) {
    if (result.error.empty()) {
      log::info("the configuration has been read again");
    }
  });
}

void Master::upgrade(std::function<void(const UpgradeResult&)> done) {
  std::string why_not = why_busy();
  if (why_not.empty()) {
    why_not = why_not_to_be_left();
  }
  if (!why_not.empty()) {
    done({.number = 0, .program = {}, .error = why_not});
    return;
  }
  upgrading_ = true;
  service_manager_.reloading();
  log::info("the operator wants to upgrade: the installed program is asked whether it can go on");
  upgrade_.check(save(), [this, done = std::move(done)](const std::string& error) {
    if (!error.empty()) {
      log::error("no upgrade: {}", error);
      upgrading_ = false;
      service_manager_.ready();
      done({.number = 0, .program = {}, .error = error});
      return;
    }
    constexpr int attempts_max = 100;
    upgrade_error_.clear();
    done({.number = upgrades_ + 1, .program = paths_.program.string(), .error = {}});
    if (status_server_) {
      status_server_->stop_accepting();
    }
    execute_upgrade(attempts_max);
  });
}

void Master::execute_upgrade(int attempts_left) {
  constexpr std::chrono::milliseconds pause{20};  // in which the operator gets the answer
  loop_.call_after(pause, [this, attempts_left] {
    if (stopping_) {
      return;
    }
    std::string error = why_not_to_be_left();
    if (!error.empty() && attempts_left > 0) {
      execute_upgrade(attempts_left - 1);
      return;
    }
    if (error.empty()) {
      error = upgrade_.execute(save());
    }
    log::error("no upgrade: {}", error);
    upgrading_ = false;
    service_manager_.ready();
    upgrade_error_ = error;
    if (status_server_) {
      status_server_->accept_again();
    }
  });
}

std::string Master::why_not_to_be_left() const {
  return source_.ending() ? "the source is being ended" : supervisor_.why_busy();
}

void Master::run() {
  if (before_) {
    go_on();
  } else {
    begin();
  }
  gather_log();
  loop_.run();
  log::say_what_was_left_out(true);
  log::info("stopped");
}

void Master::gather_log() {
  constexpr std::chrono::milliseconds interval{500};
  log::say_what_was_left_out();
  loop_.call_after(interval, [this] { gather_log(); });
}

void Master::begin() {
  log::info("eradio {} starts: {} workers, at most {} descriptors in each", ERADIO_VERSION,
            configuration_.workers, descriptors_max_);
  announce_escrow();
  for (const std::string& name : sockets_.names()) {
    log::info("listening on {}", name);
  }
  if (control_) {
    log::info("eradioctl is answered on {}", control_->name());
  }
  if (status_server_) {
    log::info("the status is at http://{}/", status_server_->name());
  }
  supervisor_.start_all();
  source_.start();
}

void Master::on_all_ready() {
  if (!announced_) {
    announced_ = true;
    announce_sandbox();
    announce_sends();
    service_manager_.ready();
    log::info("ready: listen at {}{}", sockets_.local_url(), configuration_.stream_path);
  }
}

void Master::on_signal(int signal_number) {
  switch (signal_number) {
    case SIGCHLD:
      reap();
      break;
    case SIGHUP:
      if (from_terminal_ && ::isatty(STDERR_FILENO) == 0) {  // it has been closed
        stop();
      } else {
        reload_on_signal();
      }
      break;
    default:
      log::info("got signal {}: stopping", signal_number);
      stop();
      break;
  }
}

void Master::reap() {
  for (;;) {
    int wait_status = 0;
    const pid_t process = ::waitpid(-1, &wait_status, WNOHANG);
    if (process <= 0) {
      break;
    }
    if (!source_.on_exited(process, wait_status) && !supervisor_.on_exited(process, wait_status)) {
      upgrade_.on_exited(process, wait_status);
    }
  }
  if (stopping_ && !source_.running() && !supervisor_.any_running()) {
    loop_.stop();
  }
}

void Master::stop() {
  // A second request does not wait any more.
  const std::chrono::milliseconds grace = stopping_ ? std::chrono::milliseconds(0) : stop_grace;
  stopping_ = true;
  service_manager_.stopping();
  if (control_) {
    control_->close();
  }
  if (status_server_) {
    status_server_->close();
  }
  source_.stop_for_good(grace);
  supervisor_.stop_for_good(grace);
  reap();
}

ServerStatus Master::status() {
  ServerStatus status{.process = ::getpid(),
                      .now_ns = monotonic_ns(),
                      .started_ns = started_ns_,
                      .started_unix_s = started_unix_s_,
                      .now_unix_s = unix_time_of(monotonic_ns()),
                      .usage = usage_of(::getpid()).value_or(ProcessUsage{}),
                      .descriptors_max = descriptors_max_,
                      .log_level = configuration_.log_level,
                      .upgrades = upgrades_,
                      .replacing_workers = supervisor_.replacing(),
                      .upgrade_error = upgrade_error_,
                      .escrow = {.on = configuration_.escrow,
                                 .held = supervisor_.held_in_escrow(),
                                 .max = configuration_.escrow ? escrow_max() : 0},
                      .source = source_.status(),
                      .ring = publisher_.ring_status(),
                      .metadata = programme_.metadata(),
                      .workers = {},
                      .past_totals = supervisor_.past_totals(),
                      .past_activity = supervisor_.past_activity()};
  const auto& counts = counts_.of(listeners_, status.now_ns);
  for (const WorkerProcess& worker : supervisor_.workers()) {
    status.workers.push_back(
        worker_status(worker, scoreboard_.counters(worker.slot), counts[worker.slot]));
  }
  return status;
}

ListenersPage Master::listeners(std::uint64_t offset, std::size_t limit) {
  return read_listeners(listeners_, offset, limit);
}

void Master::slowest_listeners(SlowestListeners::Done done) {
  slowest_listeners_.find(std::move(done));
}

bool Master::command(SourceCommand command) { return source_.command(command); }

void Master::kick(const KickOrder& order, Kicks::Done done) {
  supervisor_.kick(order, std::move(done));
}

void Master::restart_workers(Supervisor::Replaced done) {
  if (upgrading_) {
    done({.replaced = 0, .error = why_busy()});
    return;
  }
  supervisor_.replace_all([this, done = std::move(done)](const ReplaceResult& result) {
    if (result.error.empty()) {
      on_workers_replaced(result);
    }
    done(result);
  });
}

bool Master::set_log_level(LogLevel level) {
  configuration_.log_level = name_of(level);
  eradio::set_log_level(level);
  log::info("the log level is {} from now on", name_of(level));
  return supervisor_.set_log_level(level);
}

}  // namespace eradio
