// The ring for sends, with real sockets: what it says of each send, in order; what it keeps open;
// what it cannot do.

#include "worker/send_ring.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>
#include <liburing.h>

#include "common/descriptor.h"
#include "common/system_error.h"
#include "tests/worker/io_uring_files.h"

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

class SendRingTest : public ::testing::Test {
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

TEST_F(SendRingTest, SaysWhenTheKernelTakesNothingAnyMore) {
  const Pair pair;
  ASSERT_TRUE(ring_->remember(pair.ours.number()));
  ASSERT_EQ(test::break_rings(), 1);
  add(pair.ours, "a");
  add(pair.ours, "b");
  EXPECT_EQ(submit(), (std::vector<std::int32_t>{-EINTR, -EINTR}));
  EXPECT_NE(ring_->broken(), 0);
  EXPECT_EQ(pair.read(), "");
}

// Enabled as the ring is; what it lets through is asked for here by hand.
class EnabledForSends : public SendRingTest {
 protected:
  void SetUp() override {
    SendRingTest::SetUp();
    if (!IsSkipped()) {
      ASSERT_EQ(::io_uring_queue_init(8, &uring_, IORING_SETUP_R_DISABLED), 0);
      ASSERT_EQ(::io_uring_register_files_sparse(&uring_, 1000), 0);
      enable_for_sends(uring_);
      int number = pair_.ours.number();
      ASSERT_EQ(
          ::io_uring_register_files_update(&uring_, static_cast<unsigned>(number), &number, 1), 1);
    }
  }
  void TearDown() override {
    if (!IsSkipped()) {
      ::io_uring_queue_exit(&uring_);
    }
  }
  int result_of(const std::function<void(io_uring_sqe*)>& prepare) {
    prepare(::io_uring_get_sqe(&uring_));
    EXPECT_EQ(::io_uring_submit_and_wait(&uring_, 1), 1);
    io_uring_cqe* entry = nullptr;
    if (::io_uring_peek_cqe(&uring_, &entry) != 0) {
      ADD_FAILURE() << "no answer";
      return 0;
    }
    const int result = entry->res;
    ::io_uring_cqe_seen(&uring_, entry);
    return result;
  }

  io_uring uring_{};
  Pair pair_;
};

TEST_F(EnabledForSends, SendsOnRegisteredSocketsOnly) {
  const auto send = [&](unsigned flags) {
    return result_of([&](io_uring_sqe* entry) {
      ::io_uring_prep_send(entry, pair_.ours.number(), "x", 1, 0);
      ::io_uring_sqe_set_flags(entry, flags);
    });
  };
  EXPECT_EQ(send(IOSQE_FIXED_FILE), 1);
  EXPECT_EQ(send(0), -EACCES);
  EXPECT_EQ(send(IOSQE_FIXED_FILE | IOSQE_ASYNC), -EACCES);
}

TEST_F(EnabledForSends, DoesNothingElse) {
  std::array<char, 1> byte{};
  using Prepare = std::function<void(io_uring_sqe*)>;
  const std::vector<Prepare> others{
      [](io_uring_sqe* entry) { ::io_uring_prep_nop(entry); },
      [](io_uring_sqe* entry) { ::io_uring_prep_openat(entry, AT_FDCWD, "/", O_RDONLY, 0); },
      [](io_uring_sqe* entry) { ::io_uring_prep_socket(entry, AF_INET, SOCK_STREAM, 0, 0); },
      [&](io_uring_sqe* entry) {
        ::io_uring_prep_recv(entry, pair_.ours.number(), byte.data(), 1, 0);
      },
      [&](io_uring_sqe* entry) { ::io_uring_prep_close(entry, pair_.ours.number()); }};
  for (const Prepare& prepare : others) {
    EXPECT_EQ(result_of([&](io_uring_sqe* entry) {
                prepare(entry);
                entry->flags |= IOSQE_FIXED_FILE;
              }),
              -EACCES)
        << &prepare - others.data();
  }
  EXPECT_EQ(::io_uring_unregister_files(&uring_), -EACCES);
  EXPECT_THROW(enable_for_sends(uring_), std::system_error);
}

TEST_F(SendRingTest, TakesNoSocketThatIsNone) {
  EXPECT_FALSE(ring_->remember(-1));
  EXPECT_FALSE(ring_->remember(1000));
  EXPECT_FALSE(ring_->remember(999));  // not open
}

}  // namespace
}  // namespace eradio
