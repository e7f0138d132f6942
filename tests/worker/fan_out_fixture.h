// A fan-out with a store that the test fills and a clock that the test sets, and listeners over
// loopback whose ends the test reads.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/system_error.h"
#include "worker/fan_out.h"

namespace eradio::test {

inline std::int64_t test_time = 0;
inline std::int64_t test_clock() noexcept { return test_time; }

// Both ends of a TCP connection over loopback.
struct Connection {
  Descriptor server;
  Descriptor client;

  explicit Connection(int receive_buffer_bytes = 0) {
    const Descriptor listening(check_syscall(::socket(AF_INET, SOCK_STREAM, 0), "socket"));
    if (receive_buffer_bytes > 0) {
      ::setsockopt(listening.number(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                   sizeof receive_buffer_bytes);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t length = sizeof address;
    check_syscall(::bind(listening.number(), generic, length), "bind");
    check_syscall(::listen(listening.number(), 1), "listen");
    check_syscall(::getsockname(listening.number(), generic, &length), "getsockname");
    // The listener's side is the one that accepts: its buffer's size is inherited.
    server = Descriptor(check_syscall(::socket(AF_INET, SOCK_STREAM, 0), "socket"));
    check_syscall(::connect(server.number(), generic, length), "connect");
    client = Descriptor(check_syscall(::accept(listening.number(), nullptr, nullptr), "accept"));
    set_nonblocking(server.number());
    set_nonblocking(client.number());
  }

  // Everything that can be read just now.
  std::string read_all() const {
    std::string all;
    std::array<char, 65536> buffer{};
    for (;;) {
      const ssize_t got = ::recv(client.number(), buffer.data(), buffer.size(), 0);
      if (got <= 0) {
        return all;
      }
      all.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
};

class FanOutTest : public ::testing::Test {
 protected:
  static constexpr std::size_t frame_bytes_max = std::size_t{256} * 1024;
  static constexpr GateLimits limits{.queue_bytes_max = 8000, .queue_follows_pace = false};
  std::int64_t lag_ns_max = 250 * ns_per_ms;

  FanOutTest() { test_time = 1000 * ns_per_second; }
#ifdef ERADIO_TEST_THROUGH_RING
  bool ring_fails = false;  // as it is to
  void SetUp() override {
    try {
      fan_out.send_through(std::make_unique<SendRing>(1000));
    } catch (const std::system_error& error) {
      GTEST_SKIP() << "NOT TESTED: this kernel gives no io_uring: " << error.what();
    }
  }
  void TearDown() override {
    if (!IsSkipped()) {
      EXPECT_EQ(counters.sends_through_ring.get(), ring_fails ? 0U : 1U);
    }
  }
#endif

  // "<number:length>xxxx…": its number, so that a test can tell what arrived.
  void append(std::size_t bytes = 418, FrameKind kind = FrameKind::sync_point) {
    std::string text = "<" + std::to_string(store.next()) + ":" + std::to_string(bytes) + ">";
    text.resize(bytes, 'x');
    if (store.turn_is_full()) {
      fan_out.pass();
    }
    std::memcpy(store.next_space().data(), text.data(), text.size());
    store.append(text.size(), test_time, kind);
  }
  void append_and_pass(std::size_t bytes = 418, FrameKind kind = FrameKind::sync_point) {
    append(bytes, kind);
    fan_out.pass();
  }
  void join(Connection& connection, std::uint64_t id = 1, std::string_view head = {}) {
    fan_out.join(std::move(connection.server), PeerAddress(), {.id = id, .lag_ns_max = lag_ns_max},
                 head);
  }
  // Runs the loop for a while, so that sockets that take more again are noticed.
  void run_loop(std::chrono::milliseconds time = std::chrono::milliseconds(10)) {
    loop.call_after(time, [this] { loop.stop(); });
    loop.run();
  }
  // Of all listeners, those who have left included.
  ListenerTotals totals() {
    fan_out.hand_over();  // writes down how everybody is
    return table.count().totals;
  }
  // Until everybody's record has been written again; as long as nobody has left.
  void let_everybody_be_looked_at() {
    const ListenerProgress mark{.lag_ns = 0, .queued_bytes = UINT32_MAX};
    for (std::uint32_t record = 0; record < fan_out.listeners(); ++record) {
      worker_table.write_progress(record, mark);
    }
    const auto is_old = [&](const ListenerStatus& status) {
      return static_cast<const ListenerProgress&>(status) == mark;
    };
    for (int i = 0; i < 1000; ++i) {
      const auto all = table.read();
      if (std::none_of(all.begin(), all.end(), is_old)) {
        return;
      }
      run_loop();
    }
    ADD_FAILURE() << "not everybody was looked at";
  }
  // Reads until nothing has come for a while, the loop running in between.
  std::string drain(const Connection& connection) {
    std::string all;
    for (int quiet = 0; quiet < 12;) {
      run_loop();
      test_time += 10 * ns_per_ms;  // who takes nothing for long is looked at ten times a second
      const std::string more = connection.read_all();
      quiet = more.empty() ? quiet + 1 : 0;
      all += more;
    }
    return all;
  }

  // The numbers of the frames in what a listener got; fails the test if any is not whole.
  static std::vector<std::uint64_t> frames_in(const std::string& bytes) {
    std::vector<std::uint64_t> numbers;
    for (std::size_t at = 0; at < bytes.size();) {
      unsigned long number = 0;
      unsigned long length = 0;
      if (std::sscanf(bytes.c_str() + at, "<%lu:%lu>", &number, &length) != 2 ||
          at + length > bytes.size()) {
        ADD_FAILURE() << "torn at byte " << at << ": " << bytes.substr(at, 20);
        return numbers;
      }
      const auto header = bytes.find('>', at) + 1;
      EXPECT_EQ(
          bytes.find_first_not_of('x', header),
          std::min(bytes.size(), at + length) == bytes.size() ? std::string::npos : at + length);
      numbers.push_back(number);
      at += length;
    }
    return numbers;
  }

  EventLoop loop;
  FrameStore store{frame_bytes_max};
  WorkerCounters counters;
  ListenerTable table{200};
  WorkerListenerTable worker_table{Descriptor(::dup(table.descriptor())), 1};
  std::vector<std::uint64_t> joined;  // ids, as they were told
  std::function<void()> when_told_joined;
  std::vector<std::uint64_t> left;
  FanOut fan_out{loop,
                 store,
                 counters,
                 worker_table,
                 limits,
                 std::chrono::seconds(30),
                 [this](const Listener&, const ListenerIdentity& who) {
                   joined.push_back(who.id);
                   if (when_told_joined) {
                     when_told_joined();
                   }
                 },
                 [this](const Listener&, const ListenerIdentity& who) { left.push_back(who.id); },
                 test_clock};
};

using Numbers = std::vector<std::uint64_t>;

}  // namespace eradio::test
