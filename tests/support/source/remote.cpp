#include "tests/support/source/remote.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "common/system_error.h"

namespace eradio::testing {

RemoteCommands::RemoteCommands(const std::string& path) {
  if (!path.empty()) {
    // For writing too, so that it never ends.
    fifo_ = Descriptor(check_syscall(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC),
                                     "open the fifo of the remote"));
  }
}

std::vector<RemoteCommand> RemoteCommands::read() {
  std::array<char, 65536> bytes{};
  const ssize_t got = ::read(fifo_.number(), bytes.data(), bytes.size());
  if (got > 0) {
    begun_.append(bytes.data(), static_cast<std::size_t>(got));
  }
  std::vector<RemoteCommand> commands;
  for (auto end = begun_.find('\n'); end != std::string::npos; end = begun_.find('\n')) {
    if (end > 0) {
      commands.push_back(
          {.action = static_cast<RemoteAction>(begun_.front()), .text = begun_.substr(1, end - 1)});
    }
    begun_.erase(0, end + 1);
  }
  return commands;
}

}  // namespace eradio::testing
