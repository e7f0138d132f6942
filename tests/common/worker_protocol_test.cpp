#include "common/worker_protocol.h"

#include <sys/socket.h>

#include <array>
#include <stdexcept>

#include <gtest/gtest.h>

#include "common/descriptor.h"
#include "common/system_error.h"

namespace eradio {
namespace {

TEST(WorkerSettings, ComeBackAsTheyWentIn) {
  WorkerSettings settings;
  settings.protocol_version = worker_protocol_version;
  settings.slot = 3;
  settings.unix_socket = true;
  settings.webroot = "/a \"b\"/ü";
  settings.coalesce_ms = -1;
  settings.max_frame_bytes = 1ULL << 40U;
  const WorkerSettings back = decode_worker_settings(encode_worker_settings(settings));
  EXPECT_EQ(back.slot, 3U);
  EXPECT_TRUE(back.unix_socket);
  EXPECT_EQ(back.webroot, settings.webroot);
  EXPECT_EQ(back.coalesce_ms, -1);
  EXPECT_EQ(back.max_frame_bytes, settings.max_frame_bytes);
}

TEST(WorkerSettings, OfAnotherVersionAreRefusedWithBothVersions) {
  WorkerSettings settings;
  settings.protocol_version = 99;
  try {
    static_cast<void>(decode_worker_settings(encode_worker_settings(settings)));
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("99"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find(std::to_string(worker_protocol_version)),
              std::string::npos);
  }
}

TEST(WorkerSettings, ThatAreIncompleteOrNoneAreAnError) {
  for (const char* text :
       {"", "nonsense", "{}", "[]", "{\"protocol_version\":1}", "{\"protocol_version\":\"1\"}"}) {
    EXPECT_THROW(static_cast<void>(decode_worker_settings(text)), std::runtime_error) << text;
  }
}

class WorkerMessageTest : public testing::Test {
 protected:
  WorkerMessageTest() {
    std::array<int, 2> ends{};
    check_syscall(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()),
                  "socketpair");
    ours = Descriptor(ends[0]);
    theirs = Descriptor(ends[1]);
  }
  Descriptor ours;
  Descriptor theirs;
  WorkerMessage message;
};

TEST_F(WorkerMessageTest, ArrivesAsItWasSent) {
  EXPECT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::nothing);
  EXPECT_TRUE(send_worker_message(ours.number(), {.type = WorkerMessageType::ready, .value = 7}));
  ASSERT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::message);
  EXPECT_EQ(message.type, WorkerMessageType::ready);
  EXPECT_EQ(message.value, 7U);
}

TEST_F(WorkerMessageTest, OfAnotherSizeVersionOrTypeIsMalformed) {
  const WorkerMessage good{.type = WorkerMessageType::stop};
  std::array<std::byte, 100> longer{};
  ASSERT_GT(::send(ours.number(), &good, sizeof good - 1, 0), 0);
  ASSERT_GT(::send(ours.number(), longer.data(), longer.size(), 0), 0);
  WorkerMessage bad = good;
  bad.protocol_version = 2;
  ASSERT_TRUE(send_worker_message(ours.number(), bad));
  bad = good;
  bad.type = static_cast<WorkerMessageType>(77);
  ASSERT_TRUE(send_worker_message(ours.number(), bad));
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::malformed) << i;
  }
  EXPECT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::nothing);
}

TEST_F(WorkerMessageTest, FromAPeerThatHasGoneIsTheEnd) {
  ours.reset();
  EXPECT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::closed);
  EXPECT_FALSE(send_worker_message(theirs.number(), message));
}

}  // namespace
}  // namespace eradio
