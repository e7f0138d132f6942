#include "tests/support/source_remote.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <stdexcept>

#include "common/system_error.h"
#include "tests/support/server.h"
#include "tests/support/source/remote.h"

namespace eradio::testing {
namespace {

std::string line(RemoteAction action, const std::string& text = "") {
  return std::string(1, static_cast<char>(action)) + text + "\n";
}

}  // namespace

SourceRemote::SourceRemote() : path_(directory_.file("remote")) {
  check_syscall(::mkfifo(path_.c_str(), 0600), "mkfifo");
  // For reading too: what is said before the source is there waits for it.
  fifo_ = Descriptor(
      check_syscall(::open(path_.c_str(), O_RDWR | O_CLOEXEC), "open the fifo of the remote"));
}

std::string SourceRemote::source(const std::string& options) const {
  return test_source("--remote '" + path_ + "' " + options);
}

std::string SourceRemote::hold() { return line(RemoteAction::hold); }
std::string SourceRemote::go() { return line(RemoteAction::go); }
std::string SourceRemote::frame() { return line(RemoteAction::frame); }
std::string SourceRemote::track(const std::string& name) { return line(RemoteAction::track, name); }
std::string SourceRemote::unknown_track() { return line(RemoteAction::unknown_track); }
std::string SourceRemote::stop() { return line(RemoteAction::stop); }

void SourceRemote::send(std::initializer_list<std::string> commands) const {
  std::string lines;
  for (const std::string& command : commands) {
    lines += command;
  }
  if (lines.size() > PIPE_BUF) {
    throw std::invalid_argument("too many commands for one write of a FIFO");
  }
  check_syscall(static_cast<int>(::write(fifo_.number(), lines.data(), lines.size())),
                "write to the test source");
}

}  // namespace eradio::testing
