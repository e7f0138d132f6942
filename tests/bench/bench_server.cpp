#include "tests/bench/bench_server.h"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/bench/icecast_server.h"
#include "tests/bench/nchan_server.h"
#include "tests/bench/send_loop_server.h"
#include "tests/support/server.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {
namespace {

constexpr int clients_max = 20'000;

class Eradio final : public BenchServer {
 public:
  Eradio(const BenchStream& stream, std::vector<std::string> arguments)
      : server_({.source = test_source("--rate " + std::to_string(stream.frames_per_second) +
                                       " --size " + std::to_string(stream.frame_bytes)),
                 .arguments = std::move(arguments),
                 .control_socket = control_socket(),
                 .status_listen = "127.0.0.1:0"}) {}

  [[nodiscard]] std::uint16_t port() const override { return server_.port(); }
  [[nodiscard]] std::vector<Endpoint> operators() const override {
    return {server_.status_server(), Endpoint::unix_socket(control_socket())};
  }
  [[nodiscard]] std::vector<pid_t> processes() const override {
    std::vector<pid_t> processes = server_.workers();
    processes.push_back(server_.master());
    return processes;
  }

 private:
  [[nodiscard]] std::string control_socket() const { return directory_.file("control"); }

  TemporaryDirectory directory_;
  Server server_;
};

class BareLoop final : public BenchServer {
 public:
  explicit BareLoop(const BenchStream& stream)
      : server_({ERADIO_BARE_LOOP, std::to_string(std::thread::hardware_concurrency()),
                 std::to_string(stream.frames_per_second), std::to_string(stream.frame_bytes)}) {}

  [[nodiscard]] std::uint16_t port() const override { return server_.port(); }
  [[nodiscard]] std::vector<pid_t> processes() const override { return server_.processes(); }

 private:
  SendLoopServer server_;
};

class Icecast final : public BenchServer {
 public:
  Icecast(const BenchStream& stream, std::size_t burst_bytes)
      : server_({.frames_per_second = stream.frames_per_second,
                 .frame_bytes = stream.frame_bytes,
                 .burst_bytes = burst_bytes,
                 .clients = clients_max}) {}

  [[nodiscard]] std::uint16_t port() const override { return IcecastServer::port; }
  [[nodiscard]] std::vector<pid_t> processes() const override { return {server_.process()}; }
  [[nodiscard]] std::string target() const override { return IcecastServer::target; }
  // Its queue has five places, and a thread that empties it some 300 times a second.
  [[nodiscard]] int joins_per_second() const override { return 200; }
  [[nodiscard]] bool foreign() const override { return true; }

 private:
  IcecastServer server_;
};

class Nchan final : public BenchServer {
 public:
  Nchan(const BenchStream& stream, bool tuned)
      : server_({.frames_per_second = stream.frames_per_second,
                 .frame_bytes = stream.frame_bytes,
                 .tuned = tuned}) {}

  [[nodiscard]] std::uint16_t port() const override { return server_.port(); }
  [[nodiscard]] std::vector<pid_t> processes() const override { return server_.processes(); }
  [[nodiscard]] std::string target() const override { return NchanServer::target; }
  [[nodiscard]] bool foreign() const override { return true; }

 private:
  NchanServer server_;
};

std::string always_available() { return ""; }

struct Kind {
  BenchServerName name;
  std::function<std::string()> why_unavailable;
  std::function<std::unique_ptr<BenchServer>(const BenchStream&)> start;
};

template <typename Which, typename... Arguments>
std::function<std::unique_ptr<BenchServer>(const BenchStream&)> starting(Arguments... arguments) {
  return [arguments...](const BenchStream& stream) {
    return std::make_unique<Which>(stream, arguments...);
  };
}

std::function<std::unique_ptr<BenchServer>(const BenchStream&)> eradio_with(
    std::vector<std::string> arguments) {
  return starting<Eradio>(std::move(arguments));
}

const std::vector<Kind>& kinds() {
  constexpr std::size_t debians_burst_bytes = 65'536;
  static const std::vector<Kind> all{
      {{"eradio", "as it is installed"}, always_available, eradio_with({})},
      {{"eradio-at-once", "coalesce = 0"}, always_available, eradio_with({"--coalesce", "0"})},
      {{"eradio-one-by-one", "coalesce = 0, io_uring = off"},
       always_available,
       eradio_with({"--coalesce", "0", "--io_uring", "off"})},
      {{"eradio-gathering", "coalesce = 80 ms, which is Icecast's lag"},
       always_available,
       eradio_with({"--coalesce", "80 ms"})},
      {{"eradio-no-sandbox", "coalesce = 0, sandbox = off"},
       always_available,
       eradio_with({"--coalesce", "0", "--sandbox", "off"})},
      {{"bare-loop", "one send() for each listener and frame, and nothing else"},
       always_available,
       starting<BareLoop>()},
      {{"icecast", "as Debian configures it, with more clients"},
       IcecastServer::why_unavailable,
       starting<Icecast>(debians_burst_bytes)},
      {{"icecast-tuned", "without a burst, so that listeners are as near as it can"},
       IcecastServer::why_unavailable,
       starting<Icecast>(std::size_t{0})},
      {{"nchan", "nginx with one worker, and no more settings than it needs"},
       NchanServer::why_unavailable,
       starting<Nchan>(false)},
      {{"nchan-tuned", "nginx with a worker and a listening socket for each processor"},
       NchanServer::why_unavailable,
       starting<Nchan>(true)}};
  return all;
}

const Kind& kind_of(const std::string& name) {
  const auto found = std::find_if(kinds().begin(), kinds().end(),
                                  [&](const Kind& kind) { return kind.name.name == name; });
  if (found == kinds().end()) {
    throw std::runtime_error("there is no server " + name + " to compare with");
  }
  return *found;
}

}  // namespace

const std::vector<BenchServerName>& bench_server_names() {
  static const std::vector<BenchServerName> names = [] {
    std::vector<BenchServerName> of_kinds;
    of_kinds.reserve(kinds().size());
    for (const Kind& kind : kinds()) {
      of_kinds.push_back(kind.name);
    }
    return of_kinds;
  }();
  return names;
}

std::string why_unavailable(const std::string& name) { return kind_of(name).why_unavailable(); }

std::unique_ptr<BenchServer> start_bench_server(const std::string& name,
                                                const BenchStream& stream) {
  return kind_of(name).start(stream);
}

}  // namespace eradio::testing
