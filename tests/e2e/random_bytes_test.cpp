// Requests and WebSocket frames that are nearly right, at random, from a seed that is printed and
// can be given again (ERADIO_TEST_SEED). No worker may die or hang, and the listeners beside stay
// in step. Some seconds; a minute with ERADIO_TEST_LONG=1. Worth most in a build with sanitizers.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"
#include "tests/support/server.h"
#include "tests/support/websocket_client.h"
#include "tests/worker/websocket_frames.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::uint64_t chosen_seed() {
  const char* given = std::getenv("ERADIO_TEST_SEED");
  return given == nullptr ? std::random_device()() : std::strtoull(given, nullptr, 10);
}

// What is changed: requests of every kind, and what follows a handshake.
std::vector<std::string> proper_requests() {
  using test::client_frame;
  const std::string handshake = websocket_handshake();
  const std::string expecting =
      "PUT /v1/veto?listener_id=17 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
      "Content-Length: 100\r\n\r\n";
  const std::string of_another_origin =
      "OPTIONS /v1/veto HTTP/1.1\r\nHost: x\r\nOrigin: http://y\r\n"
      "Access-Control-Request-Method: PUT\r\n\r\n";
  return {
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /index.html HTTP/1.1\r\nHost: x\r\nRange: bytes=0-99,200-,-5\r\nIf-Range: \"a\"\r\n\r\n",
      "HEAD /stream.mp3 HTTP/1.0\r\n\r\n",
      "GET /stream.mp3?listener_id=17&max_lag=400 HTTP/1.1\r\nHost: x\r\nIcy-MetaData: 1\r\n\r\n",
      "PUT /v1/veto?listener_id=17 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
      expecting,
      "GET /v1/metadata HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
      "GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n",
      of_another_origin,
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      handshake,
      handshake + client_frame({.payload = "hello"}) + client_frame({.opcode = 9}),
      handshake + client_frame({.payload = "he", .fin = false}) +
          client_frame({.opcode = 0, .payload = std::string(70'000, 'l')}),
      handshake + client_frame({.opcode = 2, .payload = std::string(300, '\xff')}) +
          client_frame({.opcode = 8, .payload = "\x03\xe8 bye"}),
  };
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
  }
  std::string next() {
    std::string bytes = any_request();
    if (below(4) == 0) {
      bytes += any_request();
    }
    for (std::size_t changes = below(6); changes > 0; --changes) {
      change(bytes);
    }
    return bytes;
  }

 private:
  const std::string& any_request() { return requests_[below(requests_.size())]; }
  char any_byte() { return static_cast<char>(below(256)); }

  void change(std::string& bytes) {
    static const std::array<std::string, 14> pieces{"\r\n",        "\r",
                                                    "\n",          "\r\n\r\n",
                                                    ":",           " ",
                                                    "%00",         "%2e%2e/",
                                                    "99999999999", "-1",
                                                    "\xc0",        std::string(20'000, 'a'),
                                                    "chunked",     std::string(1, '\0')};
    if (bytes.empty()) {
      return;
    }
    const std::size_t at = below(bytes.size());
    const std::size_t length = 1 + below(std::min<std::size_t>(bytes.size() - at, 64));
    switch (below(7)) {
      case 0:
        bytes[at] = any_byte();
        break;
      case 1:
        bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << below(8)));
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:
        bytes.insert(at, bytes.substr(at, length));
        break;
      case 4:
        bytes.insert(at, pieces[below(pieces.size())]);
        break;
      case 5: {
        const std::string& other = any_request();
        bytes = bytes.substr(0, at) + other.substr(below(other.size()));
        break;
      }
      default:
        bytes.resize(at);
        break;
    }
  }

  std::mt19937_64 random_;
  std::vector<std::string> requests_ = proper_requests();
};

// A client that sends its bytes in pieces, and reads or leaves as it happens.
void be_a_client(Mutator& mutator, HttpClient& client) {
  std::string bytes = mutator.next();
  while (!bytes.empty()) {
    const std::size_t piece =
        mutator.below(3) == 0 ? 1 + mutator.below(bytes.size()) : bytes.size();
    if (!client.send(bytes.substr(0, piece))) {
      return;
    }
    bytes.erase(0, piece);
  }
  switch (mutator.below(8)) {
    case 0:
      client.finish_sending();
      break;
    case 1:
      static_cast<void>(client.read_bytes(1, milliseconds(1)));
      break;
    case 2: {  // leaves with a reset
      const linger now{1, 0};
      ::setsockopt(client.descriptor(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
      break;
    }
    default:
      break;
  }
}

TEST(RandomBytes, NeitherEndNorHangAWorkerNorHoldUpListeners) {
  const std::uint64_t seed = chosen_seed();
  const seconds time = long_tests() ? seconds(60) : seconds(6);
  std::printf("ERADIO_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Server server;
  const auto workers = server.workers();
  const auto open_now = [&] {
    std::size_t open = 0;
    for (const pid_t worker : workers) {
      open += open_descriptors(worker);
    }
    return open;
  };
  const std::size_t open_before = open_now();

  Mutator mutator(seed);
  std::uint64_t sent = 0;
  {
    ListenerCrowd crowd;
    crowd.add({.endpoint = server.ipv4()}, 20);
    ASSERT_TRUE(crowd.run_until_all_listen(patience));
    std::deque<HttpClient> clients;
    const std::int64_t end_ns = monotonic_ns() + seconds(time).count() * ns_per_second;
    while (monotonic_ns() < end_ns && !HasFatalFailure()) {
      clients.emplace_back(server.ipv4());
      be_a_client(mutator, clients.back());
      ++sent;
      if (clients.size() > 100) {
        clients.pop_front();
      }
      crowd.run_for(milliseconds(1));
    }
    std::printf("%llu connections\n", static_cast<unsigned long long>(sent));
    EXPECT_EQ(crowd.ended(), 0U) << "a listener was disconnected";
    EXPECT_EQ(crowd.fault(), "");
    crowd.run_for(milliseconds(500));
    for (const auto& listener : crowd.listeners()) {
      EXPECT_LT(monotonic_ns() - listener->check().last().time_ns, ns_per_second) << "out of step";
    }
  }
  EXPECT_EQ(server.workers(), workers) << "a worker has died, with ERADIO_TEST_SEED=" << seed;
  EXPECT_EQ(server.log().count("ERADIO_CHECK"), 0U);
  EXPECT_EQ(server.log().count("Sanitizer"), 0U);
  EXPECT_GT(sent, sanitized_build ? 100U : 500U);
  const auto page = fetch(server.ipv4(), "/");
  EXPECT_TRUE(page && page->status == 200);
  EXPECT_TRUE(comes_true([&] { return open_now() <= open_before; }, 2 * patience))
      << open_now() << " descriptors are open, " << open_before << " were before";
  expect_clean_stop(server.stop());
}

}  // namespace
}  // namespace eradio::testing
