// A service manager's end of sd_notify(3), for a server that a test starts: keeps what it is told,
// by whom and when.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/descriptor.h"
#include "tests/support/patience.h"

namespace eradio::testing {

class NotifySocket {
 public:
  struct Message {
    std::string text;
    pid_t process = 0;
    std::int64_t time_ns = 0;  // when it was taken
  };

  // `address` as it stands in NOTIFY_SOCKET: a path, or a name behind '@'.
  explicit NotifySocket(std::string address);

  // Words that run what stands behind them with this service manager in its environment.
  // `watchdog`: how often it wants a sign of life; 0: never.
  [[nodiscard]] std::vector<std::string> run_by(
      std::chrono::milliseconds watchdog = std::chrono::milliseconds(0)) const;

  // Takes no message from now on, and has no room for any.
  void fill();

  // All that have come so far.
  const std::vector<Message>& messages();
  // Waits for a line of any message behind the first `after` ones: the number of messages up to it,
  // 0 when it does not come.
  std::size_t wait_for(const std::string& line, std::size_t after = 0,
                       std::chrono::milliseconds limit = patience);
  // Goes on taking messages for so long.
  void listen_for(std::chrono::milliseconds duration);

 private:
  void take(std::chrono::milliseconds limit);

  std::string address_;
  Descriptor socket_;
  std::vector<Message> messages_;
};

}  // namespace eradio::testing
