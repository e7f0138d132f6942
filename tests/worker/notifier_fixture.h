// A notifier with real sockets at its clients' ends.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/connected_sockets.h"
#include "worker/notifier.h"
#include "worker/websocket_session.h"

namespace eradio::test {

inline std::string notification(const std::string& json) {
  return R"({"action":"notify","metadata":)" + json + "}";
}
inline std::string websocket_notification(const std::string& json) {
  return encode_websocket_frame(WebSocketOpcode::text, notification(json));
}

class NotifierTest : public ::testing::Test {
 protected:
  explicit NotifierTest(std::chrono::milliseconds idle_time_max = std::chrono::milliseconds(4000)) {
    limits.idle_time_max = idle_time_max;
    start();
  }
  void start() {
    notifier.emplace(
        loop, counters, worker_table,
        [this] { return News{.number = number, .metadata_json = metadata_json}; },
        [this](const NotifyClient&) {
          if (when_told_came) {
            when_told_came();
          }
        },
        [this](const NotifyClient&) { ++closed; }, limits);
  }
  Descriptor add_websocket(Pair pair = unix_pair(), const std::string& early_bytes = "",
                           const std::string& head = "") {
    TakenOver connection;
    connection.socket = std::move(pair.server);
    connection.early_bytes = early_bytes;
    connection.head = head;
    notifier->add_websocket(std::move(connection));
    return std::move(pair.client);
  }
  Descriptor add_event_stream(Pair pair = unix_pair(), const std::string& head = "") {
    TakenOver connection;
    connection.socket = std::move(pair.server);
    connection.head = head;
    notifier->add_event_stream(std::move(connection));
    return std::move(pair.client);
  }
  void run_loop(std::chrono::milliseconds time = std::chrono::milliseconds(10)) {
    loop.call_after(time, [this] { loop.stop(); });
    loop.run();
  }
  static void send(const Descriptor& client, const std::string& bytes) {
    ASSERT_EQ(::send(client.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // All that has come; `ended` says whether the server has closed.
  std::string read(const Descriptor& client) {
    std::string all;
    std::array<char, 65536> buffer{};
    for (;;) {
      const ssize_t got = ::recv(client.number(), buffer.data(), buffer.size(), 0);
      if (got <= 0) {
        ended = got == 0;
        return all;
      }
      all.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  std::string exchange(const Descriptor& client, const std::string& bytes) {
    send(client, bytes);
    run_loop();
    return read(client);
  }

  void publish(const std::string& json, bool at_once = true) {
    metadata_json = json;
    ++number;
    notifier->publish(at_once);
  }

  EventLoop loop;
  WorkerCounters counters;
  ListenerTable table{5000};
  WorkerListenerTable worker_table{Descriptor(::dup(table.descriptor())), 1};
  std::uint64_t number = 1;
  std::string metadata_json = R"({"n":0})";
  std::function<void()> when_told_came;
  int closed = 0;
  bool ended = false;
  NotifyLimits limits{.close_time_max = std::chrono::milliseconds(300),
                      .comment_interval = std::chrono::milliseconds(200),
                      .stall_time_max = std::chrono::milliseconds(1500),
                      .track_rounds_max = 1'000'000};
  std::optional<Notifier> notifier;
};

}  // namespace eradio::test
