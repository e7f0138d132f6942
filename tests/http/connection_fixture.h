// Connections with real sockets of both kinds at their ends, and a server behind them: what the
// tests of HttpConnection share.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/http/http_connection.h"
#include "common/system_error.h"

namespace eradio {

struct SocketPair {
  Descriptor client;
  Descriptor server;
};

inline SocketPair unix_pair() {
  std::array<int, 2> ends{};
  check_syscall(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

inline SocketPair tcp_pair() {
  const Descriptor listening(check_syscall(::socket(AF_INET, SOCK_STREAM, 0), "socket"));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  check_syscall(::bind(listening.number(), generic, length), "bind");
  check_syscall(::listen(listening.number(), 1), "listen");
  check_syscall(::getsockname(listening.number(), generic, &length), "getsockname");
  SocketPair pair;
  pair.client = Descriptor(check_syscall(::socket(AF_INET, SOCK_STREAM, 0), "socket"));
  check_syscall(::connect(pair.client.number(), generic, length), "connect");
  pair.server = Descriptor(check_syscall(::accept(listening.number(), nullptr, nullptr), "accept"));
  return pair;
}

// The client's end: never blocks, keeps what it has read.
class Client {
 public:
  explicit Client(Descriptor socket) : socket_(std::move(socket)) {
    set_nonblocking(socket_.number());
  }

  void send(std::string_view bytes) const {
    ASSERT_EQ(::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // As much as goes now; the number of bytes.
  [[nodiscard]] std::size_t send_some(std::string_view bytes) const {
    const ssize_t sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  // At most `bytes_max`.
  void receive(std::size_t bytes_max = 1 << 20) {
    std::string buffer(bytes_max, '\0');
    const ssize_t got = ::recv(socket_.number(), buffer.data(), buffer.size(), 0);
    if (got > 0) {
      received_.append(buffer, 0, static_cast<std::size_t>(got));
    } else if (got == 0) {
      closed_ = true;
    } else if (errno != EAGAIN) {
      reset_ = true;
    }
  }
  void shut_writing() const { ::shutdown(socket_.number(), SHUT_WR); }
  void close() { socket_.reset(); }
  void reset_connection() {
    const linger now{1, 0};
    ::setsockopt(socket_.number(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    socket_.reset();
  }

  [[nodiscard]] const std::string& received() const { return received_; }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] bool reset() const { return reset_; }
  [[nodiscard]] std::size_t answers() const {
    std::size_t count = 0;
    for (auto at = received_.find("HTTP/1.1 "); at != std::string::npos;
         at = received_.find("HTTP/1.1 ", at + 1)) {
      ++count;
    }
    return count;
  }

 private:
  Descriptor socket_;
  std::string received_;
  bool closed_ = false;
  bool reset_ = false;
};

struct SocketKind {
  const char* name;
  SocketPair (*connect)();
};
inline void PrintTo(const SocketKind& kind, std::ostream* out) { *out << kind.name; }

class HttpConnectionTest : public testing::TestWithParam<SocketKind> {
 protected:
  static constexpr std::size_t large_bytes = 8 << 20;

  HttpConnectionTest() {
    std::filesystem::create_directories(root_);
    std::string large(large_bytes, '\0');
    for (std::size_t i = 0; i < large.size(); ++i) {
      large[i] = static_cast<char>('a' + i % 23);
    }
    std::ofstream(root_ / "large.txt") << large;
    std::ofstream(root_ / "small.txt") << "small";
    server_.serve_files(root_);
    server_.route("GET", "/echo", [](const HttpRequest& request) {
      return HttpResponse::json("[" + std::string(request.parameter("n").value_or("")) + "]");
    });
    server_.route("PUT", "/echo",
                  [](const HttpRequest& request) { return HttpResponse::json(request.body); });
    server_.route("GET", "/stream", [this](const HttpRequest&) {
      HttpResponse response;
      response.take_over = [this](TakenOver taken) { taken_over_.push_back(std::move(taken)); };
      return response;
    });
    server_.route("GET", "/stop", [this](const HttpRequest&) {
      connections_->close_all();
      return HttpResponse::json("{}");
    });
  }
  ~HttpConnectionTest() override {
    connections_.reset();
    std::filesystem::remove_all(root_);
  }

  Client connect() {
    if (!connections_) {
      connections_ = std::make_unique<HttpConnections>(loop_, server_, limits_,
                                                       [this](const PeerAddress&) { ++closed_; });
    }
    auto pair = GetParam().connect();
    connections_->adopt(std::move(pair.server), PeerAddress());
    return Client(std::move(pair.client));
  }

  // Runs the loop until `done`, asked every millisecond; false when that takes too long.
  bool run_until(const std::function<bool()>& done,
                 std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    const auto give_up = std::chrono::steady_clock::now() + patience;
    bool fulfilled = false;
    std::function<void()> ask = [&] {
      fulfilled = done();
      if (fulfilled || std::chrono::steady_clock::now() > give_up) {
        loop_.stop();
      } else {
        loop_.call_after(std::chrono::milliseconds(1), ask);
      }
    };
    loop_.call_after(std::chrono::milliseconds(0), ask);
    loop_.run();
    return fulfilled;
  }
  void run_for(std::chrono::milliseconds time) {
    run_until([] { return false; }, time);
  }
  bool run_until_answers(Client& client, std::size_t answers) {
    return run_until([&] {
             client.receive();
             return client.answers() >= answers || client.closed() || client.reset();
           }) &&
           client.answers() >= answers;
  }
  bool run_until_closed(Client& client) {
    return run_until([&] {
             client.receive();
             return client.closed() || client.reset();
           }) &&
           client.closed();
  }

  static std::string get(const std::string& target, const std::string& fields = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
  }

  std::filesystem::path root_ =
      std::filesystem::path(testing::TempDir()) / ("http_connection." + std::to_string(::getpid()));
  EventLoop loop_;
  HttpServer server_;
  ConnectionLimits limits_;
  std::vector<TakenOver> taken_over_;
  int closed_ = 0;
  std::unique_ptr<HttpConnections> connections_;
};

inline auto both_kinds_of_sockets() {
  return testing::Values(SocketKind{"Unix", &unix_pair}, SocketKind{"Tcp", &tcp_pair});
}
inline std::string kind_name(const testing::TestParamInfo<SocketKind>& kind) {
  return kind.param.name;
}

}  // namespace eradio
