#include "common/http/http_connection.h"

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
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/system_error.h"

namespace eradio {
namespace {

using namespace std::chrono_literals;

struct SocketPair {
  Descriptor client;
  Descriptor server;
};

SocketPair unix_pair() {
  std::array<int, 2> ends{};
  check_syscall(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

SocketPair tcp_pair() {
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

class HttpConnectionTest : public testing::TestWithParam<SocketPair (*)()> {
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
    auto pair = GetParam()();
    connections_->adopt(std::move(pair.server), PeerAddress());
    return Client(std::move(pair.client));
  }

  // Runs the loop until `done`, asked every millisecond; false when that takes too long.
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds patience = 10s) {
    const auto give_up = std::chrono::steady_clock::now() + patience;
    bool fulfilled = false;
    std::function<void()> ask = [&] {
      fulfilled = done();
      if (fulfilled || std::chrono::steady_clock::now() > give_up) {
        loop_.stop();
      } else {
        loop_.call_after(1ms, ask);
      }
    };
    loop_.call_after(0ms, ask);
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

INSTANTIATE_TEST_SUITE_P(Sockets, HttpConnectionTest, testing::Values(&unix_pair, &tcp_pair),
                         [](const auto& kind) { return kind.index == 0 ? "Unix" : "Tcp"; });

TEST_P(HttpConnectionTest, AConnectionIsKeptForTheNextRequest) {
  Client client = connect();
  for (std::size_t i = 1; i <= 3; ++i) {
    client.send(get("/echo?n=" + std::to_string(i)));
    ASSERT_TRUE(run_until_answers(client, i));
    EXPECT_TRUE(client.received().ends_with("[" + std::to_string(i) + "]"));
  }
  EXPECT_EQ(connections_->count(), 1U);
  EXPECT_EQ(connections_->counters().answers, 3U);
}

TEST_P(HttpConnectionTest, ARequestMayComeByteByByte) {
  Client client = connect();
  for (const char c : get("/echo?n=7")) {
    client.send({&c, 1});
    run_for(0ms);
  }
  ASSERT_TRUE(run_until_answers(client, 1));
  EXPECT_TRUE(client.received().ends_with("[7]"));
}

TEST_P(HttpConnectionTest, PipelinedRequestsAreAnsweredInOrder) {
  Client client = connect();
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += get("/echo?n=" + std::to_string(i)) + get("/small.txt");
  }
  client.send(requests + get("/echo?n=last", "Connection: close\r\n") + get("/echo?n=never"));
  ASSERT_TRUE(run_until_closed(client));
  EXPECT_EQ(client.answers(), 101U);
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = client.received().find("[" + std::to_string(i) + "]", at);
    ASSERT_NE(at, std::string::npos) << i;
    at = client.received().find("small", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_TRUE(client.received().ends_with("[last]"));
}

TEST_P(HttpConnectionTest, ASlowReaderGetsALargeFileWhole) {
  Client client = connect();
  client.send(get("/large.txt") + get("/echo?n=1"));
  ASSERT_TRUE(run_until([&] {
    client.receive(50'000);
    return client.received().ends_with("[1]");
  }));
  const auto begin = client.received().find("\r\n\r\n") + 4;
  ASSERT_GT(client.received().size(), begin + large_bytes);
  for (std::size_t i = 0; i < large_bytes; ++i) {
    ASSERT_EQ(client.received()[begin + i], static_cast<char>('a' + i % 23)) << i;
  }
}

TEST_P(HttpConnectionTest, AClientThatDoesNotReadIsNotReadFromEither) {
  Client client = connect();
  const std::string one = get("/echo?n=1");
  std::string many;
  while (many.size() < 1'000'000) {
    many += one;
  }
  std::size_t total = 0;
  for (int quiet_rounds = 0; quiet_rounds < 20; ++quiet_rounds) {
    const std::size_t sent = client.send_some(std::string_view(many).substr(total % one.size()));
    total += sent;
    quiet_rounds = sent > 0 ? 0 : quiet_rounds;
    run_for(1ms);
    ASSERT_LT(total, 100U << 20) << "it goes on and on";
  }
  EXPECT_EQ(connections_->count(), 1U);
}

TEST_P(HttpConnectionTest, AHalfClosedClientStillGetsItsAnswers) {
  Client client = connect();
  client.send(get("/large.txt") + get("/echo?n=1"));
  client.shut_writing();
  ASSERT_TRUE(run_until_closed(client));
  EXPECT_TRUE(client.received().ends_with("[1]"));
  EXPECT_TRUE(run_until([&] { return connections_->count() == 0; }));
  EXPECT_EQ(closed_, 1);
}

TEST_P(HttpConnectionTest, AClientThatLeavesIsForgotten) {
  {
    Client silent = connect();
    Client in_request = connect();
    in_request.send("GET / HT");
    Client in_answer = connect();
    in_answer.send(get("/large.txt"));
    run_for(20ms);
    EXPECT_EQ(connections_->count(), 3U);
    in_answer.reset_connection();
    in_request.reset_connection();
  }
  EXPECT_TRUE(run_until([&] { return connections_->count() == 0; }));
  EXPECT_EQ(closed_, 3);
}

TEST_P(HttpConnectionTest, ARefusedClientSeesTheAnswerAndNotAReset) {
  Client client = connect();
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  run_for(5ms);
  client.send(std::string(100'000, 'x'));  // sent anyway, never read as a request
  run_for(5ms);
  ASSERT_TRUE(run_until_closed(client)) << (client.reset() ? "reset" : "not closed");
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 413 ")) << client.received();
  EXPECT_EQ(client.answers(), 1U);
  EXPECT_EQ(connections_->count(), 1U) << "waits for the client to close";
  client.close();
  EXPECT_TRUE(run_until([&] { return connections_->count() == 0; }));
  EXPECT_EQ(connections_->counters().client_errors, 1U);
}

TEST_P(HttpConnectionTest, AClientOverALimitIsToldSoWhateverItSends) {
  connections_ = std::make_unique<HttpConnections>(loop_, server_, limits_,
                                                   [this](const PeerAddress&) { ++closed_; });
  auto pair = GetParam()();
  Client client(std::move(pair.client));
  client.send(get("/echo?n=1"));
  connections_->refuse(std::move(pair.server), PeerAddress(),
                       {.status = 503, .text = "no room", .retry_after = 10s});
  client.send(get("/echo?n=2"));
  ASSERT_TRUE(run_until_closed(client)) << (client.reset() ? "reset" : "not closed");
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 503 ")) << client.received();
  EXPECT_NE(client.received().find("Retry-After: 10\r\n"), std::string::npos);
  EXPECT_TRUE(client.received().ends_with("{\"error\":\"no room\"}")) << client.received();
  EXPECT_EQ(client.answers(), 1U);
  client.close();
  EXPECT_TRUE(run_until([&] { return closed_ == 1; }));
}

TEST_P(HttpConnectionTest, LingeringIsBoundedInTimeAndBytes) {
  limits_.linger_time_max = 50ms;
  limits_.linger_bytes_max = 100'000;
  Client client = connect();
  client.send("rubbish\r\n\r\n");
  ASSERT_TRUE(run_until_closed(client));
  EXPECT_TRUE(run_until([&] { return connections_->count() == 0; })) << "by time";

  limits_.linger_time_max = 60s;
  connections_.reset();
  Client talkative = connect();
  talkative.send("rubbish\r\n\r\n");
  EXPECT_TRUE(run_until([&] {
    std::ignore = talkative.send_some(std::string(10'000, 'x'));
    return connections_->count() == 0;
  })) << "by bytes";
}

TEST_P(HttpConnectionTest, ARequestThatComesTooSlowlyIsRefused) {
  limits_.request_time_max = 100ms;
  Client client = connect();
  const std::string request = get("/echo?n=1");
  std::size_t at = 0;
  ASSERT_TRUE(run_until([&] {  // a byte every millisecond or so, but never the last
    client.receive();
    if (at + 1 < request.size() && at < 20) {
      std::ignore = client.send_some(request.substr(at++, 1));
    }
    return client.closed() || client.reset();
  }));
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 408 ")) << client.received();
  EXPECT_EQ(connections_->counters().timed_out, 1U);
}

TEST_P(HttpConnectionTest, AnIdleConnectionIsClosedQuietly) {
  limits_.idle_time_max = 100ms;
  Client never = connect();
  Client once = connect();
  once.send(get("/echo?n=1"));
  ASSERT_TRUE(run_until_closed(never));
  ASSERT_TRUE(run_until_closed(once));
  EXPECT_EQ(never.received(), "");
  EXPECT_EQ(once.answers(), 1U);
  EXPECT_EQ(connections_->counters().timed_out, 0U);
}

TEST_P(HttpConnectionTest, EveryAnswerRenewsTheIdleTime) {
  limits_.idle_time_max = 400ms;
  Client client = connect();
  for (std::size_t i = 1; i <= 8; ++i) {
    client.send(get("/echo?n=1"));
    ASSERT_TRUE(run_until_answers(client, i));
    run_for(100ms);
  }
  EXPECT_EQ(connections_->count(), 1U);
}

TEST_P(HttpConnectionTest, AnAnswerThatMakesNoProgressIsDropped) {
  limits_.stall_time_max = 100ms;
  Client client = connect();
  client.send(get("/large.txt"));
  EXPECT_TRUE(run_until([&] { return connections_->count() == 0; }));
  EXPECT_EQ(connections_->counters().timed_out, 1U);
}

TEST_P(HttpConnectionTest, ASlowAnswerThatMakesProgressIsNotDropped) {
  limits_.stall_time_max = 500ms;
  Client client = connect();
  client.send(get("/large.txt", "Connection: close\r\n"));
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(run_until([&] {
    client.receive(large_bytes / 1000);  // a thousand reads, a millisecond or more apart
    return client.closed() || client.reset();
  }));
  EXPECT_GT(std::chrono::steady_clock::now() - start, limits_.stall_time_max);
  EXPECT_GT(client.received().size(), large_bytes);
}

TEST_P(HttpConnectionTest, AClientThatAsksFirstIsToldToContinue) {
  Client client = connect();
  client.send("PUT /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  ASSERT_TRUE(run_until_answers(client, 1));
  EXPECT_EQ(client.received(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  ASSERT_TRUE(run_until_answers(client, 2));
  EXPECT_TRUE(client.received().ends_with("body"));
}

TEST_P(HttpConnectionTest, AStreamIsHandedOverAfterEverythingBeforeIt) {
  Client client = connect();
  client.send(get("/large.txt") + get("/stream") + "early bytes");
  ASSERT_TRUE(run_until([&] {
    client.receive();
    return !taken_over_.empty();
  }));
  auto& taken = taken_over_.front();
  EXPECT_EQ(taken.early_bytes, "early bytes");
  EXPECT_EQ(connections_->count(), 0U);
  EXPECT_EQ(closed_, 0);
  ASSERT_EQ(::send(taken.socket.number(), "frames", 6, MSG_NOSIGNAL), 6);
  ASSERT_TRUE(run_until([&] {
    client.receive();
    return client.received().ends_with("\r\n\r\nframes");
  }));
  EXPECT_EQ(client.answers(), 2U);
}

TEST_P(HttpConnectionTest, HeadOfAStreamIsNotHandedOver) {
  Client client = connect();
  client.send("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(run_until_closed(client));
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 200 ")) << client.received();
  EXPECT_TRUE(client.received().ends_with("\r\n\r\n"));
  EXPECT_TRUE(taken_over_.empty());
}

TEST_P(HttpConnectionTest, AllCanBeClosedEvenFromWithinAHandler) {
  Client other = connect();
  Client client = connect();
  client.send(get("/stop"));
  ASSERT_TRUE(run_until_closed(other));
  ASSERT_TRUE(run_until_closed(client));
  EXPECT_EQ(connections_->count(), 0U);
  EXPECT_EQ(closed_, 2);
}

TEST_P(HttpConnectionTest, AFileThatIsCutShortEndsTheConnection) {
  Client client = connect();
  client.send(get("/large.txt") + get("/echo?n=1"));
  run_for(20ms);
  std::filesystem::resize_file(root_ / "large.txt", 10);
  ASSERT_TRUE(run_until([&] {
    client.receive();
    return client.closed() || client.reset();
  }));
  EXPECT_LT(client.received().size(), large_bytes);
  EXPECT_EQ(client.answers(), 1U) << "what follows would be taken for the rest of the file";
}

TEST_P(HttpConnectionTest, ManyConnectionsDoNotDisturbEachOther) {
  std::vector<Client> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(connect());
    clients.back().send(i % 3 == 0 ? "GET / HT" : get("/echo?n=" + std::to_string(i)));
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    if (i % 3 != 0) {
      ASSERT_TRUE(run_until_answers(clients[i], 1)) << i;
      EXPECT_TRUE(clients[i].received().ends_with("[" + std::to_string(i) + "]"));
    }
  }
  EXPECT_EQ(connections_->count(), 200U);
}

TEST_P(HttpConnectionTest, ASocketThatCannotBeWatchedIsClosedAndCounted) {
  Client client = connect();
  const auto file = root_ / "small.txt";
  std::ofstream(file) << "x";
  connections_->adopt(Descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC)), PeerAddress());
  EXPECT_EQ(connections_->count(), 1U);
  EXPECT_EQ(closed_, 1);
}

}  // namespace
}  // namespace eradio
