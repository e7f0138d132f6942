// Debian's icecast2 for the time this object lives, with the stream of a source client of our own:
// for the benchmarks. It runs as user nobody, with a configuration in a temporary directory.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "common/descriptor.h"
#include "tests/support/output_capture.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {

// queue-size in the configuration of Debian's package: who is further behind is dropped.
constexpr std::size_t icecast_default_queue_bytes = 524'288;

// The rest is as Debian's package has it.
struct IcecastSettings {
  double frames_per_second = 0;
  std::size_t frame_bytes = 0;
  std::size_t queue_bytes = icecast_default_queue_bytes;
  std::size_t burst_bytes = 0;      // what a listener is sent of the past; the package has 65,536
  int clients = 1000;               // at most
  std::string network_namespace{};  // path of the one that it runs in; empty: ours
};

class IcecastServer {
 public:
  // Throws std::runtime_error with its log when it does not start, or does not take the stream.
  explicit IcecastServer(const IcecastSettings& settings);
  ~IcecastServer();
  IcecastServer(const IcecastServer&) = delete;
  IcecastServer& operator=(const IcecastServer&) = delete;

  // Why it cannot be had here; empty when it can.
  static std::string why_unavailable();

  // Where, in its namespace, it listens, and what it calls the stream.
  static constexpr std::uint16_t port = 8000;
  static constexpr const char* target = "/stream.mp3";
  [[nodiscard]] pid_t process() const noexcept { return process_; }

 private:
  void start(const std::vector<std::string>& command, const IcecastSettings& settings);
  [[nodiscard]] Descriptor begin_source(const std::string& network_namespace) const;
  // It accepts the source a moment before it has anything for listeners.
  static bool has_the_stream(const std::string& network_namespace);
  static void send_frames(const std::stop_token& stop, const Descriptor& socket,
                          const IcecastSettings& settings);
  void end() noexcept;

  TemporaryDirectory directory_;
  OutputCapture log_;
  pid_t process_ = 0;
  std::jthread source_;
};

}  // namespace eradio::testing
