#include "worker/standby.h"

#include <sys/socket.h>

#include <array>

#include <gtest/gtest.h>

#include "common/descriptor.h"
#include "common/system_error.h"

namespace eradio {
namespace {

struct Line {
  Line() {
    std::array<int, 2> ends{};
    check_syscall(
        ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()),
        "socketpair");
    master = Descriptor(ends[0]);
    worker = Descriptor(ends[1]);
  }
  Descriptor master;
  Descriptor worker;
};

TEST(Standby, EndsWithTheFirstMessageWhichStays) {
  const Line line;
  ASSERT_EQ(send_worker_message(line.master.number(), WorkerMessageType::adopt_end),
            SendResult::sent);
  EXPECT_TRUE(wait_for_slot(line.worker.number()));
  WorkerMessage message;
  ASSERT_EQ(receive_worker_message(line.worker.number(), message), ReceiveResult::message);
  EXPECT_EQ(message.type, WorkerMessageType::adopt_end);
}

// It would write into the memory of a slot that is another's.
TEST(Standby, IsForNothingWhenTheLineIsClosed) {
  Line line;
  line.master.reset();
  EXPECT_FALSE(wait_for_slot(line.worker.number()));
}

}  // namespace
}  // namespace eradio
