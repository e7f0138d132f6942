// One fault test: a server, its listeners, and what is done to it, in the order that the seed says.
// Every event is a line on standard output, with its time. Used by eradio-test-faults.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/e2e/eradioctl.h"
#include "tests/faults/fault_plan.h"
#include "tests/faults/inventory.h"
#include "tests/faults/population.h"
#include "tests/support/server.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {

struct FaultRunSettings {
  std::uint64_t seed = 0;
  std::chrono::seconds time{0};  // in which there are faults; then all is looked at
  std::size_t listeners = 0;
};

class FaultRun {
 public:
  explicit FaultRun(const FaultRunSettings& settings);

  // Throws std::runtime_error that says what the server did wrong.
  void run();
  [[nodiscard]] std::string log();  // the server's

 private:
  struct Stopped {
    pid_t process = 0;
    std::int64_t until_ns = 0;
    bool hangs = false;  // the server ought to kill it before that
  };
  struct Command {
    Command(std::string its_name, std::size_t its_disturbance,
            const std::vector<std::string>& words);

    std::string name;
    std::int64_t begin_ns;
    std::size_t disturbance;  // its number
    RunningProgram program;
  };

  void carry_out(const Fault& fault);
  // Each does it, and returns what it did.
  std::string kill_worker(const Fault& fault);
  std::string hang_worker(const Fault& fault);
  std::string stop_worker(const Fault& fault);
  std::string reload(const Fault& fault);
  std::string bad_reload();
  std::string break_worker(const Fault& fault);
  std::string kill_source();
  std::string command(const std::string& name);

  void say(const std::string& what) const;
  // Everybody listens; what is due is done, and what is wrong ends the test.
  void listen_for(std::chrono::milliseconds time);
  template <typename Predicate>
  [[nodiscard]] bool listen_until(const Predicate& done, std::chrono::milliseconds limit);
  void check();
  void wake_stopped();
  void mend_worker();
  void finish_commands();

  // In one piece: the server may be about to read it.
  void write_configuration(std::size_t workers, std::chrono::milliseconds max_lag,
                           const char* more = "") const;
  [[nodiscard]] std::vector<std::string> eradioctl(std::vector<std::string> words) const;
  // What it says while everybody listens.
  RunReport ctl(const std::vector<std::string>& words);
  // Nothing when it was not answered: a server that is being upgraded may drop a request.
  std::optional<nlohmann::json> status();
  // Two workers that die right after going on with the same listeners give these up. So the next
  // one is not killed before all have served for a while.
  void await_calm();

  void look_at_everything();
  // As an operator would: again when a worker that was just killed was in its way.
  void return_to_all_workers();
  void expect_status(const char* what, std::size_t listeners);
  void expect_all_know();
  void expect_losses_counted();

  FaultRunSettings settings_;
  std::int64_t begin_ns_;
  FaultPlan plan_;
  TemporaryDirectory directory_;
  TemporaryDirectory prefix_;  // an installed tree of its own
  std::string source_;
  Inventory at_rest_;
  std::optional<OperatedServer> operated_;
  std::optional<Population> population_;
  std::vector<Stopped> stopped_;
  std::int64_t broken_until_ns_ = 0;  // the worker that is installed; 0: it is not
  std::vector<std::unique_ptr<Command>> commands_;
  bool calm_ = true;  // since the last death of a worker
  std::size_t faults_ = 0;
  std::size_t sources_killed_ = 0;  // in a row
  std::int64_t source_killed_ns_ = 0;
};

}  // namespace eradio::testing
