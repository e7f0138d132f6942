#include "tests/bench/lag_server.h"

#include <sstream>
#include <vector>

#include "tests/bench/icecast_server.h"
#include "tests/bench/send_loop_server.h"
#include "tests/support/server.h"

namespace eradio::testing {
namespace {

// Two seconds of the stream; Icecast is not made for less.
std::size_t short_queue_bytes(const LagStream& stream) {
  return static_cast<std::size_t>(stream.kbit * 1000 / 8 * 2);
}

class Eradio final : public LagServer {
 public:
  Eradio(const LagStream& stream, const std::string& network_namespace,
         const std::string& arguments)
      : server_({.source = test_source("--rate " + std::to_string(stream.frames_per_second()) +
                                       " --size " + std::to_string(stream.frame_bytes)),
                 .arguments = words_of(arguments),
                 .network_namespace = network_namespace}) {}

  [[nodiscard]] std::uint16_t port() const override { return server_.port(); }
  [[nodiscard]] LagListener listener(const LagStream& stream, const LagCell& cell) const override {
    LagListener listener = LagServer::listener(stream, cell);
    if (cell.max_lag_ms) {
      listener.target += "?max_lag=" + std::to_string(*cell.max_lag_ms);
    }
    return listener;
  }

 private:
  static std::vector<std::string> words_of(const std::string& text) {
    std::vector<std::string> words;
    std::istringstream stream(text);
    for (std::string word; stream >> word;) {
      words.push_back(word);
    }
    return words;
  }

  Server server_;
};

class Original final : public LagServer {
 public:
  Original(const LagStream& stream, const std::string& network_namespace)
      : server_({ERADIO_ORIGINAL_RULE, std::to_string(stream.frames_per_second()),
                 std::to_string(stream.frame_bytes)},
                network_namespace) {}

  [[nodiscard]] std::uint16_t port() const override { return server_.port(); }

 private:
  SendLoopServer server_;
};

class Icecast final : public LagServer {
 public:
  Icecast(const LagStream& stream, std::size_t queue_bytes, const std::string& network_namespace)
      : server_({.frames_per_second = stream.frames_per_second(),
                 .frame_bytes = stream.frame_bytes,
                 .queue_bytes = queue_bytes,
                 .network_namespace = network_namespace}) {}

  [[nodiscard]] std::uint16_t port() const override { return IcecastServer::port; }
  [[nodiscard]] LagListener listener(const LagStream& stream, const LagCell& cell) const override {
    LagListener listener = LagServer::listener(stream, cell);
    listener.target = IcecastServer::target;
    listener.foreign = true;
    listener.rejoins = true;
    return listener;
  }

 private:
  IcecastServer server_;
};

}  // namespace

LagListener LagServer::listener(const LagStream& stream, const LagCell& cell) const {
  return {.link = link_settings(stream, cell)};
}

std::unique_ptr<LagServer> start_lag_server(LagServerKind kind, const LagStream& stream,
                                            const std::string& network_namespace,
                                            const std::string& eradiod_arguments) {
  switch (kind) {
    case LagServerKind::original:
      return std::make_unique<Original>(stream, network_namespace);
    case LagServerKind::icecast:
      return std::make_unique<Icecast>(stream, icecast_default_queue_bytes, network_namespace);
    case LagServerKind::icecast_short:
      return std::make_unique<Icecast>(stream, short_queue_bytes(stream), network_namespace);
    case LagServerKind::eradio:
      break;
  }
  return std::make_unique<Eradio>(stream, network_namespace, eradiod_arguments);
}

std::string why_unavailable(LagServerKind kind) {
  const bool is_icecast = kind == LagServerKind::icecast || kind == LagServerKind::icecast_short;
  return is_icecast ? IcecastServer::why_unavailable() : "";
}

}  // namespace eradio::testing
