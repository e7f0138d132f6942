// Thousands of WebSockets at GET /v1/ws/notify, and event streams at GET /v1/events, in one thread:
// they ask for it, read every notification, and WebSockets say now and then that they are there.
// Served by a ListenerCrowd, so that listeners and all of these are measured by one clock:
//
//   crowd.also_serve(sockets.descriptor(), [&] { sockets.serve(); });
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/descriptor.h"
#include "tests/support/endpoint.h"

namespace eradio::testing {

class NotifyCrowd {
 public:
  // A notification's JSON has come to a client; they are numbered from 0 as they are added.
  using Told = std::function<void(std::size_t client, std::string_view json, std::int64_t now_ns)>;

  // A client's connection has failed, or was closed by the server, or it said what no server may.
  using Ended = std::function<void(std::size_t client, const std::string& why)>;

  explicit NotifyCrowd(Told told, Ended ended = {});

  enum class Kind { websocket, event_stream };

  // Begin to connect.
  void add(const Endpoint& endpoint, int count, Kind kind = Kind::websocket);
  // WebSockets say nothing from now on, or do again. The server closes who is silent for long.
  void be_silent(bool silent) noexcept { silent_ = silent; }
  // One leaves, or all do.
  void close(std::size_t client);
  void close_all();

  [[nodiscard]] std::size_t open() const noexcept { return open_; }
  [[nodiscard]] bool is_open(std::size_t client) const {
    return clients_.at(client)->state == State::open;
  }
  // Whose connection has failed, or was closed by the server.
  [[nodiscard]] std::size_t ended() const noexcept { return ended_; }

  // Readable when there is something to serve.
  [[nodiscard]] int descriptor() const noexcept { return epoll_.number(); }
  // A few of those who have something; so few that a listener does not grow old meanwhile.
  void serve();

 private:
  enum class State { connecting, shaking_hands, open, ended };
  struct Client {
    std::size_t number = 0;
    Kind kind{};
    Descriptor socket;
    State state = State::connecting;
    std::string buffer;
  };

  void serve(Client& client);
  void take(Client& client);
  void take_messages(Client& client);
  void keep_alive();
  void end(Client& client, const std::string& why);

  Descriptor epoll_;
  Descriptor timer_;
  Told told_;
  Ended ended_told_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::size_t open_ = 0;
  std::size_t ended_ = 0;
  std::size_t next_to_keep_alive_ = 0;
  bool silent_ = false;
};

}  // namespace eradio::testing
