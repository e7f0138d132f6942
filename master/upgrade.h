// Puts another version of the program into the running master: first a process of the new one looks
// whether it could go on from here, and says so; then it replaces this one by execveat(2). Both are
// the same open file, whatever is installed meanwhile, get a MasterState in a memfd, and are told
// by the environment what to do with it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "master/master_state.h"

namespace eradio {

class Upgrade {
 public:
  // Called once; empty: the new program can go on.
  using Checked = std::function<void(const std::string& error)>;

  // `program`: what is installed, by its path. `command_line`: what this process was started with.
  // The loop is borrowed.
  Upgrade(EventLoop& loop, std::filesystem::path program, std::vector<std::string> command_line);
  ~Upgrade();

  [[nodiscard]] bool checking() const noexcept { return process_ > 0; }
  // Has what is installed now look at the state, its configuration, and the shared memory.
  void check(const MasterState& state, Checked done);
  // The process has been reaped; false if it is none of ours.
  bool on_exited(pid_t process, int wait_status);

  // Becomes the program that was checked, with the state's descriptors open. Returns only when
  // that fails, with the reason, and everything as it was.
  [[nodiscard]] std::string execute(const MasterState& state);

 private:
  void start_check(const MasterState& state);
  // Why it did not say that it can go on; empty: it did.
  [[nodiscard]] std::string refusal(int wait_status);
  void read_messages();

  EventLoop& loop_;
  std::filesystem::path program_;
  std::vector<std::string> command_line_;
  Checked done_;
  pid_t process_ = 0;
  Descriptor file_;      // the program that is checked
  Descriptor consent_;   // what it says on its standard output
  Descriptor messages_;  // and on its standard error
  std::optional<Watch> watch_;
  std::string text_;
  EventLoop::TimerId kill_timer_ = EventLoop::no_timer;
};

// What this process was started for.
struct UpgradeOrder {
  MasterState state;
  bool check_only = false;
};

// Nothing: it is no upgrade. What is in the environment is removed, so that no child inherits it.
// Throws std::runtime_error when the state cannot be read.
std::optional<UpgradeOrder> take_upgrade_order();

// Of a process that was started for a check, and has found nothing that is in the way: tells the
// master, on standard output.
void say_that_it_can_go_on();

}  // namespace eradio
