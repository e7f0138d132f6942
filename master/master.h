// The whole of the master process, wired: shared memory, listening sockets, source, workers,
// signals. main() makes one from a checked configuration and runs it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/event_loop.h"
#include "master/configuration.h"
#include "master/control_server.h"
#include "master/descriptor_budget.h"
#include "master/install_paths.h"
#include "master/listening_sockets.h"
#include "master/operations.h"
#include "master/programme.h"
#include "master/publisher.h"
#include "master/service_manager.h"
#include "master/signal_watch.h"
#include "master/slowest_listeners.h"
#include "master/source_process.h"
#include "master/status_server.h"
#include "master/supervisor.h"
#include "master/table_counts.h"
#include "master/upgrade.h"
#include "shm/listener_table.h"
#include "shm/scoreboard.h"

namespace eradio {

class Master final : private Operations {
 public:
  // `command_line`: what the process was started with. `before`: what the master before this one
  // has left in this process. Throws when the addresses cannot be had or the machine refuses
  // something vital.
  Master(const LoadedConfiguration& loaded, const InstallPaths& paths,
         std::vector<std::string> command_line, std::optional<MasterState> before);

  // Serves until SIGTERM or SIGINT; then stops source and workers, in less than two seconds.
  void run();

 private:
  void on_signal(int signal_number);
  void on_all_ready();
  [[nodiscard]] DescriptorDemand demand(std::size_t workers) const noexcept;
  [[nodiscard]] std::size_t escrow_max() const noexcept;
  void announce_escrow() const;
  void announce_sandbox() const;
  void announce_sends() const;
  void reap();
  void stop();
  void open_control_socket();
  void open_status_server();
  void begin();
  void gather_log();
  void go_on();
  void take_as_many_workers_as_wanted();
  [[nodiscard]] MasterState save() const;
  void execute_upgrade(int attempts_left);
  // Everything but the log level, which others may have set. Throws when there cannot be so many
  // workers; then nothing has changed.
  void change(const Configuration& configuration);
  // What slots need that there have not been yet: all of it, or it throws, and there is as much as
  // before.
  void make_slots(std::size_t workers);
  // What a round of replacements has come to: whether there is still something to be said of it.
  void on_workers_replaced(const ReplaceResult& result);
  // As soon as nothing else is going on.
  void reload_on_signal();
  // If the log goes to a file. Returns why it cannot.
  std::string open_log_file_again();
  // Why neither configuration nor program can be changed just now.
  [[nodiscard]] std::string why_busy() const;
  // Why no other program could go on from here.
  [[nodiscard]] std::string why_not_to_be_left() const;

  ServerStatus status() override;
  ListenersPage listeners(std::uint64_t offset, std::size_t limit) override;
  void slowest_listeners(SlowestListeners::Done done) override;
  [[nodiscard]] bool command(SourceCommand command) override;
  void kick(const KickOrder& order, Kicks::Done done) override;
  void restart_workers(Supervisor::Replaced done) override;
  void reload(std::function<void(const ReloadResult&)> done) override;
  void upgrade(std::function<void(const UpgradeResult&)> done) override;
  [[nodiscard]] bool set_log_level(LogLevel level) override;

  std::optional<MasterState> before_;  // until it is taken over
  InstallPaths paths_;
  std::vector<std::string> command_line_;
  Configuration configuration_;
  std::map<std::string, std::string> settings_;  // LoadedConfiguration::settings
  std::uint32_t workers_wanted_;                 // by the configuration
  std::int64_t started_ns_;
  double started_unix_s_;
  std::uint64_t upgrades_;
  std::string upgrade_error_;
  bool from_terminal_;  // started by a person who looks at the log
  EventLoop loop_;
  SignalWatch signals_;
  std::size_t descriptors_max_;
  ListeningSockets sockets_;
  Publisher publisher_;
  Scoreboard scoreboard_;
  std::vector<ListenerTable> listeners_;  // one for each worker
  TableCounts counts_;
  Programme programme_;
  SourceProcess source_;
  Supervisor supervisor_;
  Upgrade upgrade_;
  ServiceManager service_manager_;
  std::optional<ControlServer> control_;
  SlowestListeners slowest_listeners_;
  std::optional<StatusServer> status_server_;
  bool upgrading_ = false;
  bool workers_are_old_ = false;  // they could not be replaced when the configuration had changed
  EventLoop::TimerId reload_timer_ = EventLoop::no_timer;
  bool stopping_ = false;
  bool announced_ = false;
};

}  // namespace eradio
