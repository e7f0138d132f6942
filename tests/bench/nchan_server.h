// Debian's nginx with libnginx-mod-nchan for the time this object lives, streaming the frames of a
// publisher of our own: for the fan-out benchmark. Its workers run as user nobody, with a
// configuration in a temporary directory.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/output_capture.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {

struct NchanSettings {
  double frames_per_second = 0;
  std::size_t frame_bytes = 0;
  // Both cores, a listening socket for each worker, and no delays that the author of the
  // configuration could have asked for; otherwise what nginx does by itself.
  bool tuned = false;
};

class NchanServer {
 public:
  // Throws std::runtime_error with its log when it does not start, or does not take the stream.
  explicit NchanServer(const NchanSettings& settings);
  ~NchanServer();
  NchanServer(const NchanServer&) = delete;
  NchanServer& operator=(const NchanServer&) = delete;

  // Why it cannot be had here; empty when it can.
  static std::string why_unavailable();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  static constexpr const char* target = "/stream.mp3";
  // nginx's master and its workers.
  [[nodiscard]] std::vector<pid_t> processes() const;

 private:
  void publish(const std::stop_token& stop, const NchanSettings& settings) const;
  void end() noexcept;

  TemporaryDirectory directory_;
  OutputCapture log_;
  pid_t process_ = 0;
  std::uint16_t port_ = 0;
  std::jthread publisher_;
};

}  // namespace eradio::testing
