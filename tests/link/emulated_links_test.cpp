// The emulator as a whole: real packets through real namespaces.

#include "tests/link/emulated_links.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "common/clock.h"
#include "common/system_error.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/network_namespace.h"
#include "tests/support/patience.h"
#include "tests/support/server.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;

constexpr std::uint16_t port = 4000;
constexpr std::size_t udp_head_bytes = 28;  // and IP's

// A UDP socket at the address, in the namespace, connected to the other address.
Descriptor udp_socket(const std::string& name_space, const std::string& address,
                      const std::string& other) {
  const InNetworkNamespace inside(name_space);
  Descriptor socket(
      check_syscall(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
  const Endpoint here = Endpoint::ipv4(port, address);
  const Endpoint there = Endpoint::ipv4(port, other);
  check_syscall(::bind(socket.number(), here.get(), here.length), "bind");
  check_syscall(::connect(socket.number(), there.get(), there.length), "connect");
  return socket;
}

class EmulatedLinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ERADIO_NEEDS_LINKS();
    links_.emplace(2);
    near_ = udp_socket(links_->near(), near_address(0), far_address(0));
    far_ = udp_socket(links_->far(0).network_namespace, far_address(0), near_address(0));
  }
  static void send(const Descriptor& socket, std::size_t bytes) {
    const std::vector<char> packet(bytes);
    check_syscall(::send(socket.number(), packet.data(), packet.size(), 0), "send");
  }
  // When each packet came, in ms since `begin_ns`, until none has come for 400 ms.
  static std::vector<double> arrivals(const Descriptor& socket, std::int64_t begin_ns) {
    std::vector<double> all;
    std::array<char, 2000> packet{};
    std::int64_t last_ns = monotonic_ns();
    while (monotonic_ns() - last_ns < 400 * ns_per_ms) {
      if (::recv(socket.number(), packet.data(), packet.size(), 0) >= 0) {
        last_ns = monotonic_ns();
        all.push_back(static_cast<double>(last_ns - begin_ns) / 1e6);
      } else {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    }
    return all;
  }

  std::optional<EmulatedLinks> links_;
  Descriptor near_;
  Descriptor far_;
};

TEST_F(EmulatedLinkTest, HasTheDelayAndTheRateItIsTold) {
  // 972 bytes and their heads are 1000: 20 ms each.
  links_->set(0, {.bits_per_second = 400'000, .delay_ns = 50 * ns_per_ms});
  const std::int64_t begin_ns = monotonic_ns();
  for (int i = 0; i < 20; ++i) {
    send(near_, 1000 - udp_head_bytes);
  }
  const auto all = arrivals(far_, begin_ns);
  ASSERT_EQ(all.size(), 20U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double due = 50 + 20 * static_cast<double>(i + 1);
    EXPECT_GE(all[i], due - 0.5) << "packet " << i;
    EXPECT_LT(all[i], due + 100) << "packet " << i;
  }
}

TEST_F(EmulatedLinkTest, HasBothItsDirectionsApart) {
  links_->set(0, LinkEnd::near, {.delay_ns = 100 * ns_per_ms});
  const std::int64_t begin_ns = monotonic_ns();
  send(near_, 100);
  send(far_, 100);
  EXPECT_LT(arrivals(far_, begin_ns).at(0), 80);
  const auto back = links_->report(0, LinkEnd::near);
  EXPECT_EQ(back.delivered, 1U);
  EXPECT_EQ(back.delivered_bytes, 100 + udp_head_bytes);
}

TEST_F(EmulatedLinkTest, LosesAndDropsAsItIsTold) {
  links_->set(0, LinkEnd::far, {.bits_per_second = 800'000, .queue_bytes = 20'000});
  for (int i = 0; i < 100; ++i) {
    send(near_, 1000 - udp_head_bytes);
  }
  arrivals(far_, 0);
  const auto full = links_->report(0, LinkEnd::far);
  EXPECT_EQ(full.taken, 100U);
  EXPECT_GE(full.delivered, 20U);
  EXPECT_EQ(full.dropped, 100 - full.delivered);
  EXPECT_GT(full.dropped, 0U);

  links_->set(0, LinkEnd::far, {.loss = 0.5});
  for (int i = 0; i < 100; ++i) {
    send(near_, 100);
  }
  const auto came = arrivals(far_, 0).size();
  EXPECT_GT(came, 20U);
  EXPECT_LT(came, 80U);
  EXPECT_EQ(links_->report(0, LinkEnd::far).lost, 100 - came);
}

TEST_F(EmulatedLinkTest, SaysWhatIsWrongWithACommand) {
  EXPECT_THROW(links_->set(7, {}), std::runtime_error);
}

TEST_F(EmulatedLinkTest, CarriesTheStreamToEachListenerThroughHisOwnLink) {
  const Server server({.network_namespace = links_->near()});
  links_->set(0, {.delay_ns = 100 * ns_per_ms});
  AgeHistogram through_slow;
  AgeHistogram through_fast;
  ListenerCrowd crowd;
  crowd.add({.endpoint = EmulatedLinks::server(0, server.port()),
             .socket = links_->far(0),
             .ages = &through_slow});
  crowd.add({.endpoint = EmulatedLinks::server(1, server.port()),
             .socket = links_->far(1),
             .ages = &through_fast});
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(milliseconds(2000));
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_GE(through_slow.quantile_ms(0), 100);
  EXPECT_LT(through_fast.quantile_ms(0.5), 90);
}

}  // namespace
}  // namespace eradio::testing
