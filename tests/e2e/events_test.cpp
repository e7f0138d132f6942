// GET /v1/events: the notifications as server-sent events (HTML standard, 9.2), for those who read
// them with EventSource.

#include <algorithm>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/support/api_client.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"
#include "tests/support/server.h"
#include "tests/support/source_remote.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;

// One client: asks, and takes the stream apart at its empty lines.
class EventClient {
 public:
  explicit EventClient(const Endpoint& endpoint) : http_(endpoint) {
    http_.request("/v1/events", "GET", "Accept: text/event-stream\r\n");
    reply_ = http_.read_reply().value_or(HttpReply{});
  }

  [[nodiscard]] const HttpReply& reply() const noexcept { return reply_; }
  // The next block of lines; nothing when none comes in time.
  std::optional<std::string> next_block(milliseconds limit = patience) {
    const std::int64_t deadline_ns = monotonic_ns() + limit.count() * ns_per_ms;
    auto end = buffer_.find("\n\n");
    while (end == std::string::npos) {
      const std::int64_t left_ms = (deadline_ns - monotonic_ns()) / ns_per_ms;
      const std::string more =
          http_.read_bytes(1, milliseconds(std::max<std::int64_t>(0, left_ms)));
      if (more.empty()) {
        return std::nullopt;
      }
      buffer_ += more;
      end = buffer_.find("\n\n");
    }
    std::string block = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    return block;
  }
  // The next event's metadata; comments and other fields are passed over.
  std::optional<Metadata> next_event(milliseconds limit = patience) {
    while (const auto block = next_block(limit)) {
      const std::string field = "data: ";
      if (block->starts_with(field)) {
        EXPECT_EQ(block->find('\n'), std::string::npos) << *block;
        auto metadata = parse_notification(block->substr(field.size()));
        EXPECT_TRUE(metadata) << *block;
        return metadata;
      }
    }
    return std::nullopt;
  }
  bool read_to_end() { return http_.read_to_end(); }

 private:
  HttpClient http_;
  HttpReply reply_;
  std::string buffer_;
};

TEST(EventStream, BeginsWithItsRetryTimeAndWhatHoldsNow) {
  const Server server;
  ASSERT_TRUE(tells_everywhere(server, {.track = "Test tone"}));
  EventClient client(server.ipv4());
  EXPECT_EQ(client.reply().status, 200);
  EXPECT_EQ(client.reply().field("content-type"), "text/event-stream");
  EXPECT_EQ(client.reply().field("access-control-allow-origin"), "*");
  EXPECT_NE(client.reply().field("cache-control").find("no-cache"), std::string::npos);
  EXPECT_EQ(client.reply().field("x-accel-buffering"), "no");
  EXPECT_EQ(client.reply().field("content-length"), "");
  const auto retry = client.next_block();
  ASSERT_TRUE(retry);
  ASSERT_TRUE(retry->starts_with("retry: ")) << *retry;
  const int retry_ms = std::stoi(retry->substr(7));
  EXPECT_GE(retry_ms, 500);
  EXPECT_LE(retry_ms, 10'000);
  const auto first = client.next_event();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->track, "Test tone");
  EXPECT_EQ(first->listeners, 0U);
}

TEST(EventStream, TellsEveryChange) {
  const SourceRemote remote;
  const Server server({.source = remote.source(), .arguments = {"--workers", "2"}});
  ASSERT_TRUE(tells_everywhere(server, {.track = "Test tone"}));
  EventClient client(server.ipv4());
  ASSERT_TRUE(client.next_event());
  remote.send({SourceRemote::track("line\rbreak\x85 and \xe2\x80\xa8 another")});
  auto event = client.next_event();
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->track && event->track->starts_with("line\rbreak")) << *event->track;
  {
    ListenerCrowd crowd;
    crowd.add({.endpoint = server.ipv4(), .target = "/stream.mp3?listener_id=1"});
    ASSERT_TRUE(crowd.run_until_all_listen(patience));
    event = client.next_event();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->listeners, 1U);
    EXPECT_EQ(put_veto(server.ipv4(), 1), 200);
    event = client.next_event();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->vetoes, 1U);
  }
  event = client.next_event();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->listeners, 0U);
  remote.send({SourceRemote::stop()});
  event = client.next_event();
  ASSERT_TRUE(event);
  EXPECT_FALSE(event->track);
  EXPECT_FALSE(client.next_event(milliseconds(300))) << "nothing has changed";
}

TEST(EventStream, HasACommentNowAndThenWhenThereIsNoNews) {
  const Server server;
  ASSERT_TRUE(tells_everywhere(server, {.track = "Test tone"}));
  EventClient client(server.ipv4());
  ASSERT_TRUE(client.next_event());
  const std::int64_t begin_ns = monotonic_ns();
  const auto comment = client.next_block(2 * patience);
  ASSERT_TRUE(comment);
  EXPECT_TRUE(comment->starts_with(":")) << *comment;
  EXPECT_EQ(comment->find('\n'), std::string::npos);
  const std::int64_t took_ms = (monotonic_ns() - begin_ns) / ns_per_ms;
  EXPECT_GE(took_ms, 5'000) << "more often than proxies need it";
  EXPECT_LE(took_ms, 30'000) << "proxies close what is silent for a minute";
}

TEST(EventStream, OfAClientThatHasGoneIsGivenUpAtOnce) {
  const Server server;
  const auto open_now = [&] {
    std::size_t open = 0;
    for (const pid_t worker : server.workers()) {
      open += open_descriptors(worker);
    }
    return open;
  };
  const std::size_t before = open_now();
  {
    std::vector<std::unique_ptr<EventClient>> clients;
    for (int i = 0; i < 50; ++i) {
      clients.push_back(std::make_unique<EventClient>(server.ipv4()));
      ASSERT_TRUE(clients.back()->next_event());
    }
    EXPECT_GE(open_now(), before + 50);
  }
  EXPECT_TRUE(comes_true([&] { return open_now() <= before; }))
      << open_now() << " descriptors are open, " << before << " were before";
}

TEST(EventStream, EndsWithTheServer) {
  Server server({.arguments = {"--workers", "2"}});
  EventClient client(server.ipv4());
  ASSERT_TRUE(client.next_event());
  expect_clean_stop(server.stop());
  EXPECT_TRUE(client.read_to_end());
}

}  // namespace
}  // namespace eradio::testing
