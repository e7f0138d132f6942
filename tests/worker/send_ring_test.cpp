// The ring for sends, with real sockets: what it says of each send, in order; what it keeps open;
// what it cannot do.

#include "worker/send_ring.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>

#include "common/descriptor.h"
#include "common/system_error.h"

namespace eradio {
namespace {

struct Pair {
  Descriptor ours;
  Descriptor theirs;

  Pair() {
    std::array<int, 2> both{};
    check_syscall(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()), "socketpair");
    ours = Descriptor(both[0]);
    theirs = Descriptor(both[1]);
  }
  [[nodiscard]] std::string read() const {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::recv(theirs.number(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return {buffer.data(), static_cast<std::size_t>(got > 0 ? got : 0)};
  }
};

class SendRingTest : public testing::Test {
 protected:
  void SetUp() override {
    try {
      ring_ = std::make_unique<SendRing>(1000);
    } catch (const std::system_error& error) {
      GTEST_SKIP() << "NOT TESTED: this kernel gives no io_uring: " << error.what();
    }
  }
  void add(const Descriptor& socket, std::string_view text) {
    ring_->add(socket.number(), std::as_bytes(std::span(text)));
  }
  std::vector<std::int32_t> submit() {
    const auto results = ring_->submit();
    return {results.begin(), results.end()};
  }

  std::unique_ptr<SendRing> ring_;
};

TEST_F(SendRingTest, SendsOnAllSocketsAndAnswersInOrder) {
  std::array<Pair, 3> pairs;
  for (const Pair& pair : pairs) {
    ASSERT_TRUE(ring_->remember(pair.ours.number()));
  }
  add(pairs[2].ours, "three");
  add(pairs[0].ours, "1");
  add(pairs[1].ours, "two");
  EXPECT_EQ(submit(), (std::vector<std::int32_t>{5, 1, 3}));
  EXPECT_EQ(pairs[0].read(), "1");
  EXPECT_EQ(pairs[1].read(), "two");
  EXPECT_EQ(pairs[2].read(), "three");
  EXPECT_EQ(submit(), std::vector<std::int32_t>());
  EXPECT_EQ(ring_->broken(), 0);
}

TEST_F(SendRingTest, TakesAFullBatchAgainAndAgain) {
  const Pair pair;
  ASSERT_TRUE(ring_->remember(pair.ours.number()));
  for (int turn = 0; turn < 5; ++turn) {
    for (unsigned i = 0; i < SendRing::batch_max; ++i) {
      add(pair.ours, "x");
    }
    EXPECT_EQ(submit(), std::vector<std::int32_t>(SendRing::batch_max, 1));
    EXPECT_EQ(pair.read(), std::string(SendRing::batch_max, 'x'));
  }
}

TEST_F(SendRingTest, SaysWhatSendSaysAndDoesTheOthers) {
  const Pair full;
  const Pair healthy;
  Pair broken;
  const Pair unknown;
  const std::string much(4096, 'm');
  while (::send(full.ours.number(), much.data(), much.size(), MSG_DONTWAIT) > 0) {
  }
  broken.theirs.reset();
  for (const Pair* pair : {&full, &healthy, const_cast<const Pair*>(&broken)}) {
    ASSERT_TRUE(ring_->remember(pair->ours.number()));
  }
  add(full.ours, "a");
  add(broken.ours, "b");
  add(unknown.ours, "c");
  add(healthy.ours, "d");
  EXPECT_EQ(submit(), (std::vector<std::int32_t>{-EAGAIN, -EPIPE, -EBADF, 1}));
  EXPECT_EQ(healthy.read(), "d");
  EXPECT_EQ(unknown.read(), "");
}

TEST_F(SendRingTest, SendsAPartWhereThereIsNoRoomForAll) {
  const Pair pair;
  ASSERT_TRUE(ring_->remember(pair.ours.number()));
  const std::string much(16U << 20U, 'm');
  add(pair.ours, much);
  const auto results = submit();
  ASSERT_EQ(results.size(), 1U);
  EXPECT_GT(results[0], 0);
  EXPECT_LT(results[0], static_cast<std::int32_t>(much.size()));
}

TEST_F(SendRingTest, KeepsAConnectionOpenUntilItIsForgotten) {
  Pair pair;
  const int number = pair.ours.number();
  ASSERT_TRUE(ring_->remember(number));
  pair.ours.reset();
  std::array<char, 1> byte{};
  EXPECT_EQ(::recv(pair.theirs.number(), byte.data(), 1, MSG_DONTWAIT), -1) << "closed";
  ring_->forget(number);
  EXPECT_EQ(::recv(pair.theirs.number(), byte.data(), 1, 0), 0) << "not closed";
}

TEST_F(SendRingTest, TakesNoSocketThatIsNone) {
  EXPECT_FALSE(ring_->remember(-1));
  EXPECT_FALSE(ring_->remember(1000));
  EXPECT_FALSE(ring_->remember(999));  // not open
}

}  // namespace
}  // namespace eradio
