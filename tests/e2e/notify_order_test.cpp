// A new track is told in its place in the stream: behind the last frame of the one before, and
// before its own first frame.

#include <linux/net_tstamp.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <time.h>

#include "common/clock.h"
#include "common/system_error.h"
#include "tests/support/api_client.h"
#include "tests/support/connected_sockets.h"
#include "tests/support/http_client.h"
#include "tests/support/patience.h"
#include "tests/support/server.h"
#include "tests/support/source_remote.h"
#include "tests/support/websocket_client.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;

// Of a server with one worker and a source that holds its breath; with and without frames that wait
// for the next.
class NotificationOrder : public ::testing::TestWithParam<const char*> {
 protected:
  NotificationOrder() {
    listener_.request("/stream.mp3");
    EXPECT_TRUE(listener_.read_reply());
    remote_.send({SourceRemote::hold(), SourceRemote::track("Held")});
    EXPECT_TRUE(tells_everywhere(server_, {.track = "Held", .listeners = 1}));
    EXPECT_LT(listener_.read_bytes(1 << 20, milliseconds(100)).size(), std::size_t{1} << 20U);
    client_.emplace(server_.ipv4());
  }

  // No faster than that the server keeps every track's place: docs/architecture.md.
  static constexpr milliseconds between_tracks_{6};

  SourceRemote remote_;
  Server server_{{.source = remote_.source(),
                  .arguments = {"--workers", "1", "--coalesce", GetParam(), "--max_lag", "1 s"}}};
  HttpClient listener_{server_.ipv4()};
  std::optional<WebSocketClient> client_;
};

TEST_P(NotificationOrder, OfATrackIsBehindTheLastFrameOfTheOneBeforeAndWaitsForNoOther) {
  for (int i = 0; i < 50; ++i) {
    const std::string name = "Track " + std::to_string(i);
    remote_.send({SourceRemote::frame(), SourceRemote::track(name)});
    ASSERT_TRUE(is_told_of_track(*client_, name)) << "it waits for a frame that does not come";
    // What was sent before is there already: nothing is waited for here.
    EXPECT_EQ(listener_.read_bytes(mp3_frame_bytes, milliseconds(0)).size(), mp3_frame_bytes)
        << "the notification has overtaken the last frame of the track before";
    std::this_thread::sleep_for(between_tracks_);
  }
}

// When the kernel received what is in the socket now; reads all of it. Of several pieces, the last.
std::int64_t received_at_ns(int socket) {
  std::array<char, 65536> bytes{};
  std::array<char, 512> control{};
  iovec piece{.iov_base = bytes.data(), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  check_syscall(::recvmsg(socket, &message, MSG_DONTWAIT), "recvmsg");
  for (cmsghdr* field = CMSG_FIRSTHDR(&message); field != nullptr;
       field = CMSG_NXTHDR(&message, field)) {
    if (field->cmsg_level == SOL_SOCKET && field->cmsg_type == SCM_TIMESTAMPING) {
      timespec stamp{};
      std::memcpy(&stamp, CMSG_DATA(field), sizeof stamp);
      return stamp.tv_sec * ns_per_second + stamp.tv_nsec;
    }
  }
  return 0;
}

void wait_until_readable(int socket, std::size_t bytes) {
  std::array<char, 65536> there{};
  EXPECT_TRUE(comes_true([&] {
    const ssize_t got = ::recv(socket, there.data(), there.size(), MSG_PEEK | MSG_DONTWAIT);
    return got >= static_cast<ssize_t>(bytes);
  }));
}

void ask_for_time_stamps(int socket) {
  const int stamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  check_syscall(::setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps),
                "setsockopt SO_TIMESTAMPING");
}

// When nobody else has asked for time stamps, the kernel begins with them some time after it was
// asked (net_enable_timestamp() leaves it to a work queue).
bool time_stamps_come() {
  const test::Pair connection = test::tcp_pair();
  ask_for_time_stamps(connection.client.number());
  return comes_true([&] {
    check_syscall(::send(connection.server.number(), "x", 1, MSG_NOSIGNAL), "send");
    wait_until_readable(connection.client.number(), 1);
    return received_at_ns(connection.client.number()) > 0;
  });
}

TEST_P(NotificationOrder, OfATrackIsBeforeItsFirstFrame) {
  ask_for_time_stamps(listener_.descriptor());
  ask_for_time_stamps(client_->descriptor());
  ASSERT_TRUE(time_stamps_come());
  for (int i = 0; i < 20; ++i) {
    // All in one write, so that the server has the frame when it tells of the track.
    remote_.send({SourceRemote::track("Track " + std::to_string(i)), SourceRemote::frame()});
    wait_until_readable(listener_.descriptor(), mp3_frame_bytes);
    wait_until_readable(client_->descriptor(), 1);
    const std::int64_t frame_ns = received_at_ns(listener_.descriptor());
    const std::int64_t notification_ns = received_at_ns(client_->descriptor());
    ASSERT_GT(notification_ns, 0) << "the kernel gives no time stamps";
    EXPECT_LT(notification_ns, frame_ns) << "in round " << i;
    std::this_thread::sleep_for(between_tracks_);
  }
}

INSTANTIATE_TEST_SUITE_P(Coalesce, NotificationOrder, ::testing::Values("auto", "200 ms"),
                         [](const auto& parameter) {
                           return std::string(parameter.param) == "auto" ? "Auto" : "Of200Ms";
                         });

}  // namespace
}  // namespace eradio::testing
