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

#include "common/clock.h"
#include "common/descriptor.h"
#include "common/log.h"

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
  settings.protocol_version = worker_protocol_version;
  settings.workers = configuration.workers;
  settings.webroot = configuration.webroot.string();
  settings.content_security_policy = configuration.content_security_policy;
  settings.stream_path = configuration.stream_path;
  settings.content_type = configuration.content_type;
  settings.sndbuf_bytes = configuration.sndbuf;
  settings.max_lag_ms = configuration.max_lag.count();
  settings.max_lag_ceiling_ms =
      std::max(configuration.max_lag, configuration.max_lag_ceiling).count();
  settings.stall_timeout_ms = configuration.stall_timeout.count();
  settings.coalesce_ms = configuration.coalesce ? configuration.coalesce->count() : -1;
  settings.max_listeners = configuration.max_listeners;
  settings.max_connections_per_ip = configuration.max_connections_per_ip;
  settings.max_frame_bytes = configuration.max_frame;
  settings.log_level = configuration.log_level;
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

std::vector<ListenerTable> make_listener_tables(std::size_t workers, std::size_t listeners_max) {
  std::vector<ListenerTable> tables;
  for (std::size_t slot = 0; slot < workers; ++slot) {
    tables.emplace_back(listeners_max);
  }
  return tables;
}

}  // namespace

Master::Master(const Configuration& configuration, const InstallPaths& paths)
    : configuration_(configuration),
      started_ns_(monotonic_ns()),
      from_terminal_(::isatty(STDERR_FILENO) == 1),
      signals_(loop_, {SIGTERM, SIGINT, SIGHUP, SIGCHLD},
               [this](int signal_number) { on_signal(signal_number); }),
      descriptors_max_(raise_descriptor_limit()),
      sockets_(listening_addresses(configuration), configuration.workers),
      publisher_(configuration.ring_size, configuration.max_frame, configuration.workers),
      scoreboard_(configuration.workers, std::min(descriptors_max_, connections_per_worker_max)),
      listeners_(make_listener_tables(configuration.workers,
                                      std::min(descriptors_max_, connections_per_worker_max))),
      programme_(
          loop_, publisher_, programme_settings(configuration),
          [this] {
            if (!stopping_) {
              source_.command(SourceCommand::next);
            }
          },
          [this](std::size_t slot, const VoteAnswer& answer) {
            supervisor_.answer_vote(slot, answer);
          }),
      source_(loop_, programme_, source_settings(configuration, paths)),
      supervisor_(loop_, paths.libexec / "eradio-worker", worker_settings(configuration),
                  configuration.worker_timeout, sockets_, publisher_, scoreboard_, listeners_,
                  programme_, [this] { on_all_ready(); }) {
  open_control_socket();
}

void Master::open_control_socket() {
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

void Master::run() {
  log::info("eradio {} starts: {} workers, at most {} descriptors in each", ERADIO_VERSION,
            configuration_.workers, descriptors_max_);
  for (const std::string& name : sockets_.names()) {
    log::info("listening on {}", name);
  }
  if (control_) {
    log::info("eradioctl is answered on {}", control_->name());
  }
  supervisor_.start_all();
  source_.start();
  loop_.run();
  log::info("stopped");
}

void Master::on_all_ready() {
  if (!announced_) {
    announced_ = true;
    log::info("ready: listen at {}{}", sockets_.local_url(), configuration_.stream_path);
  }
}

void Master::on_signal(int signal_number) {
  switch (signal_number) {
    case SIGCHLD:
      reap();
      break;
    case SIGHUP:
      if (from_terminal_) {  // which has been closed
        stop();
        break;
      }
      log::warning("SIGHUP has no effect in this version: restart to read the configuration again");
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
    if (!source_.on_exited(process, wait_status)) {
      supervisor_.on_exited(process, wait_status);
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
  if (control_) {
    control_->close();
  }
  source_.stop_for_good(grace);
  supervisor_.stop_for_good(grace);
  reap();
}

ServerStatus Master::status() {
  ServerStatus status{.process = ::getpid(),
                      .now_ns = monotonic_ns(),
                      .started_ns = started_ns_,
                      .log_level = configuration_.log_level,
                      .source = {.process = source_.process(), .restarts = source_.restarts()},
                      .metadata = programme_.metadata(),
                      .workers = {},
                      .past_totals = supervisor_.past_totals()};
  for (const WorkerProcess& worker : supervisor_.workers()) {
    status.workers.push_back(worker_status(worker, scoreboard_.counters(worker.slot)));
  }
  return status;
}

ListenersPage Master::listeners(std::uint64_t offset, std::size_t limit) {
  return read_listeners(listeners_, offset, limit);
}

bool Master::command(SourceCommand command) { return source_.command(command); }

void Master::kick(const KickOrder& order, Kicks::Done done) {
  supervisor_.kick(order, std::move(done));
}

void Master::restart_workers(Supervisor::Replaced done) {
  supervisor_.replace_all(std::move(done));
}

bool Master::set_log_level(LogLevel level) {
  configuration_.log_level = name_of(level);
  eradio::set_log_level(level);
  log::info("the log level is {} from now on", name_of(level));
  return supervisor_.set_log_level(level);
}

}  // namespace eradio
