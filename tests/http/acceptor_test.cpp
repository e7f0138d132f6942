#include "common/http/acceptor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/log.h"
#include "common/system_error.h"

namespace eradio {
namespace {

using namespace std::chrono_literals;

class AcceptorTest : public testing::Test {
 protected:
  AcceptorTest() {
    tcp_ = Descriptor(
        check_syscall(::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
    address_.sin6_family = AF_INET6;
    const int off = 0;
    ::setsockopt(tcp_.number(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    socklen_t length = sizeof address_;
    auto* const generic = reinterpret_cast<sockaddr*>(&address_);
    check_syscall(::bind(tcp_.number(), generic, length), "bind");
    check_syscall(::listen(tcp_.number(), 200), "listen");
    check_syscall(::getsockname(tcp_.number(), generic, &length), "getsockname");
  }

  [[nodiscard]] Descriptor connect_ipv4() const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = address_.sin6_port;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Descriptor client(check_syscall(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    check_syscall(
        ::connect(client.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
        "connect");
    return client;
  }

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

  EventLoop loop_;
  Descriptor tcp_;
  sockaddr_in6 address_{};
  std::vector<std::pair<Descriptor, PeerAddress>> accepted_;
  Acceptor acceptor_{loop_, [this](Descriptor socket, const PeerAddress& peer) {
                       accepted_.emplace_back(std::move(socket), peer);
                     }};
};

TEST_F(AcceptorTest, AConnectionComesNonBlockingWithItsPeersAddress) {
  acceptor_.add(tcp_.number());
  const Descriptor client = connect_ipv4();
  ASSERT_TRUE(run_until([&] { return accepted_.size() == 1; }));
  EXPECT_EQ(accepted_[0].second.text(), "127.0.0.1");
  EXPECT_NE(accepted_[0].second.port(), 0);
  EXPECT_NE(::fcntl(accepted_[0].first.number(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(accepted_[0].first.number(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(AcceptorTest, AUnixSocketCanBeSharedByTwoAcceptors) {
  const auto path = std::filesystem::path(testing::TempDir()) /
                    ("acceptor_test." + std::to_string(::getpid()) + ".sock");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  const Descriptor listening(
      check_syscall(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket"));
  check_syscall(::bind(listening.number(), generic, sizeof address), "bind");
  check_syscall(::listen(listening.number(), 10), "listen");

  acceptor_.add(listening.number(), true);
  EXPECT_THROW(acceptor_.add(listening.number(), true), std::system_error)
      << "it is watched already";
  EventLoop second_loop;
  Acceptor in_second_loop(second_loop, [](Descriptor, const PeerAddress&) {});
  in_second_loop.add(listening.number(), true);

  const Descriptor client(check_syscall(::socket(AF_UNIX, SOCK_STREAM, 0), "socket"));
  check_syscall(::connect(client.number(), generic, sizeof address), "connect");
  ASSERT_TRUE(run_until([&] { return accepted_.size() == 1; }));
  EXPECT_TRUE(accepted_[0].second.is_unix());
  acceptor_.stop();  // `listening` goes first
  std::filesystem::remove(path);
}

TEST_F(AcceptorTest, ManyWaitingConnectionsAreAllAccepted) {
  std::vector<Descriptor> clients;
  for (int i = 0; i < 150; ++i) {
    clients.push_back(connect_ipv4());
  }
  acceptor_.add(tcp_.number());
  EXPECT_TRUE(run_until([&] { return accepted_.size() == clients.size(); }));
}

TEST_F(AcceptorTest, ManyWaitingConnectionsLetOthersHaveTheirTurn) {
  std::vector<Descriptor> clients;
  for (int i = 0; i < 150; ++i) {
    clients.push_back(connect_ipv4());
  }
  // Ready in every turn of the loop, as a stream would be.
  const Descriptor other(check_syscall(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd"));
  std::vector<std::size_t> accepted_by_turn;
  CallbackHandler turn([&](std::uint32_t /*events*/) {
    accepted_by_turn.push_back(accepted_.size());
    if (accepted_.size() == clients.size() || accepted_by_turn.size() == 100) {
      loop_.stop();
    }
  });
  acceptor_.add(tcp_.number());
  loop_.add(other.number(), EPOLLIN, turn);
  loop_.run();
  loop_.remove(other.number(), turn);
  ASSERT_EQ(accepted_.size(), clients.size());
  std::size_t before = 0;
  for (const std::size_t accepted : accepted_by_turn) {
    EXPECT_LE(accepted - before, std::size_t{Acceptor::accepts_per_turn_max});
    before = accepted;
  }
}

TEST_F(AcceptorTest, WithoutDescriptorsItPausesAndGoesOnByItself) {
  acceptor_.add(tcp_.number());
  const Descriptor before = connect_ipv4();
  ASSERT_TRUE(run_until([&] { return accepted_.size() == 1; }));
  accepted_.clear();
  // UBSan opens a pipe when it meets a dynamic type for the first time: that must be over.
  log::warning("soon there will be: {}", std::generic_category().message(EMFILE));
  const Descriptor client = connect_ipv4();
  rlimit old_limit{};
  ::getrlimit(RLIMIT_NOFILE, &old_limit);
  rlimit no_more = old_limit;
  no_more.rlim_cur = 0;
  ::setrlimit(RLIMIT_NOFILE, &no_more);

  EXPECT_TRUE(run_until([&] { return acceptor_.paused(); }));
  int turns = 0;
  run_until([&] { return ++turns > 1'000'000; }, 250ms);
  EXPECT_TRUE(accepted_.empty());
  EXPECT_LT(turns, 1000) << "it must not spin";
  ::setrlimit(RLIMIT_NOFILE, &old_limit);
  EXPECT_TRUE(run_until([&] { return accepted_.size() == 1; }));
  EXPECT_FALSE(acceptor_.paused());
}

TEST_F(AcceptorTest, StoppedFromWithinItsCallbackItLeavesTheRestInTheQueue) {
  int accepted = 0;
  std::unique_ptr<Acceptor> acceptor;
  acceptor = std::make_unique<Acceptor>(loop_, [&](Descriptor, const PeerAddress&) {
    ++accepted;
    acceptor->stop();
  });
  acceptor->add(tcp_.number());
  const Descriptor first = connect_ipv4();
  const Descriptor second = connect_ipv4();
  ASSERT_TRUE(run_until([&] { return accepted == 1; }));
  run_until([] { return false; }, 20ms);
  EXPECT_EQ(accepted, 1);
  acceptor_.add(tcp_.number());  // a successor
  EXPECT_TRUE(run_until([&] { return accepted_.size() == 1; }));
}

}  // namespace
}  // namespace eradio
