// More clients than a process can have descriptors for: those that are served stay served, those
// that only hold a connection make way, and the operator is answered.

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "tests/e2e/eradioctl.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr unsigned descriptors_max = 400;

ServerOptions one_small_worker() {
  return {.arguments = {"--workers", "1"}, .descriptors_max = descriptors_max};
}

// Of one process while the crowd listens, as a part of one processor.
double load_of(pid_t process, ListenerCrowd& crowd) {
  const auto before = cpu_time(process);
  const std::int64_t begin_ns = monotonic_ns();
  crowd.run_for(seconds(2));
  return static_cast<double>((cpu_time(process) - before).count()) /
         static_cast<double>(monotonic_ns() - begin_ns);
}

class DescriptorShortage : public ::testing::Test {
 protected:
  void SetUp() override {
    if (sanitized_build) {
      GTEST_SKIP() << "UBSan's look at a virtual table takes a pipe, and reports an error without";
    }
    operated_.emplace(one_small_worker());
    crowd_.add({.endpoint = server().ipv4()}, 100);
    ASSERT_TRUE(crowd_.run_until_all_listen(patience));
  }
  Server& server() { return operated_->server(); }
  void expect_unbroken() {
    EXPECT_EQ(crowd_.fault(), "");
    EXPECT_EQ(crowd_.ended(), 0U);
    EXPECT_EQ(crowd_.missed(), 0U);
    for (const auto& listener : crowd_.listeners()) {
      EXPECT_LT(monotonic_ns() - listener->check().last().time_ns, ns_per_second);
    }
  }

  std::optional<OperatedServer> operated_;
  ListenerCrowd crowd_;
};

TEST_F(DescriptorShortage, ByConnectionsThatAskNothingKeepsNobodyFromListening) {
  std::vector<Descriptor> silent(std::size_t{3} * descriptors_max);
  for (Descriptor& socket : silent) {
    socket = begin_connect(server().ipv4());
  }
  crowd_.run_for(seconds(1));
  crowd_.add({.endpoint = server().ipv4()}, 100);
  EXPECT_TRUE(crowd_.run_until_all_listen(seconds(5))) << "listeners do not get in";
  const auto page = fetch(server().ipv4(), "/");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200);
  expect_unbroken();
  EXPECT_EQ(server().log().count("descriptors run short"), 1U);
  EXPECT_LE(server().log().count("cannot accept connections"), 2U);
}

// Clients that keep their connections and ask all the time: each new one has to have its turn.
class BusyClients {
 public:
  BusyClients(const Endpoint& server, std::size_t count) : server_(server), sockets_(count) {}

  // One more request on each connection; a closed one is opened again.
  void ask() {
    for (Descriptor& socket : sockets_) {
      if (!socket || !take_answers(socket)) {
        socket = begin_connect(server_);
      }
      constexpr std::string_view request = "GET /v1/metadata HTTP/1.1\r\nHost: x\r\n\r\n";
      ::send(socket.number(), request.data(), request.size(), MSG_NOSIGNAL);
    }
  }

 private:
  // False when the connection has ended.
  static bool take_answers(const Descriptor& socket) {
    std::array<char, 4096> bytes{};
    ssize_t got = 0;
    do {
      got = ::recv(socket.number(), bytes.data(), bytes.size(), 0);
    } while (got > 0);
    return got < 0 && (errno == EAGAIN || errno == ENOTCONN);
  }

  Endpoint server_;
  std::vector<Descriptor> sockets_;
};

TEST_F(DescriptorShortage, ByClientsThatAskAllTheTimeKeepsNobodyWaitingForLong) {
  BusyClients busy(server().ipv4(), std::size_t{2} * descriptors_max);
  for (int i = 0; i < 8; ++i) {
    busy.ask();
    crowd_.run_for(milliseconds(250));
  }
  for (int newcomer = 0; newcomer < 3; ++newcomer) {
    HttpClient client(server().ipv4());
    client.request("/");
    std::optional<HttpReply> page;
    for (int i = 0; i < 12 && !page && !client.ended(); ++i) {
      busy.ask();
      crowd_.run_for(milliseconds(150));
      page = client.read_reply(false, milliseconds(100));
    }
    EXPECT_TRUE(page && page->status == 200) << "somebody waits for 3 s";
  }
  expect_unbroken();
  EXPECT_EQ(server().log().count("descriptors run short"), 1U);
}

TEST_F(DescriptorShortage, ByListenersIsSaidOnceCostsNoCpuAndEndsWhenTheyLeave) {
  const pid_t worker = server().workers().front();
  ListenerCrowd too_many;
  too_many.add({.endpoint = server().ipv4()}, 2 * descriptors_max);
  const auto listening = [&] {
    return std::count_if(too_many.listeners().begin(), too_many.listeners().end(),
                         [](const auto& listener) { return listener->listening(); });
  };
  // Both crowds are served by this thread.
  crowd_.also_serve(too_many.descriptor(), [&] { too_many.serve(); });
  ASSERT_TRUE(crowd_.run_until(
      [&] { return open_descriptors(worker) >= descriptors_max && listening() > 200; }, patience));
  crowd_.run_for(seconds(1));

  EXPECT_LT(load_of(worker, crowd_), 0.5) << "the worker spins";
  EXPECT_LT(load_of(server().master(), crowd_), 0.25) << "the master spins";
  expect_unbroken();
  EXPECT_EQ(server().log().count("cannot accept connections"), 1U);

  // The master has no descriptors left for its listeners' duplicates, but for itself.
  const auto status = operated_->ctl_json({"status"});
  EXPECT_GE(status.at("totals").at("listeners").get<int>(), 300);
  EXPECT_LE(status.at("escrow").at("held"), status.at("escrow").at("max"));
  EXPECT_GT(status.at("escrow").at("clients_not_held"), 0);
  EXPECT_EQ(operated_->ctl({"restart-workers"}).exit_status(), 0)
      << "there is a descriptor for a new worker";

  for (const auto& listener : too_many.listeners()) {
    if (listener->state() != CrowdListener::State::ended) {
      too_many.close(*listener);
    }
  }
  crowd_.run_for(milliseconds(500));
  crowd_.add({.endpoint = server().ipv4()}, 50);
  EXPECT_TRUE(crowd_.run_until_all_listen(patience)) << "it does not recover";
}

TEST_F(DescriptorShortage, OfTheMasterByItsControlSocketLeavesTheStreamAndTheNextOperatorAlone) {
  {
    std::vector<Descriptor> silent(descriptors_max);
    const Endpoint control = Endpoint::unix_socket(operated_->socket());
    for (Descriptor& socket : silent) {
      socket = begin_connect(control);
    }
    crowd_.run_for(seconds(1));
    EXPECT_LT(load_of(server().master(), crowd_), 0.25) << "the master spins";
    EXPECT_LT(open_descriptors(server().master()), descriptors_max);
    expect_unbroken();
  }
  EXPECT_EQ(operated_->ctl({"status"}).exit_status(), 0);
  crowd_.add({.endpoint = server().ipv4()}, 50);
  EXPECT_TRUE(crowd_.run_until_all_listen(patience));
  expect_unbroken();
}

}  // namespace
}  // namespace eradio::testing
