// The stream as a listener gets it: its head, its frames, and who may have it.

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "common/worker_protocol.h"
#include "shm/listener_table.h"
#include "shm/peer_key_of.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/server.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Bytes of the MPEG 1 layer III frame that begins at `at`; 0 if none does (ISO 11172-3, 2.4.2.3).
std::size_t mp3_frame_bytes_at(const std::string& bytes, std::size_t at) {
  constexpr std::array<std::size_t, 16> kbits{0,   32,  40,  48,  56,  64,  80,  96,
                                              112, 128, 160, 192, 224, 256, 320, 0};
  constexpr std::array<std::size_t, 4> sample_rates{44100, 48000, 32000, 0};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[at + i]); };
  if (bytes.size() < at + 4 || byte(0) != 0xff || (byte(1) & 0xfeU) != 0xfa) {
    return 0;
  }
  const std::size_t bitrate = kbits[byte(2) >> 4U] * 1000;
  const std::size_t sample_rate = sample_rates[byte(2) >> 2U & 3U];
  if (bitrate == 0 || sample_rate == 0) {
    return 0;
  }
  return 144 * bitrate / sample_rate + (byte(2) >> 1U & 1U);
}

TEST(Stream, OfTheDemoSourceIsMp3FramesFromTheFirstByteAfterTheHead) {
  Server server({.source = ""});
  HttpClient client(server.ipv4());
  client.request("/stream.mp3");
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  const std::string bytes = client.read_bytes(20'000);
  ASSERT_GE(bytes.size(), 20'000U);
  std::size_t frames = 0;
  for (std::size_t at = 0; at + 4 <= bytes.size(); ++frames) {
    const std::size_t frame_bytes = mp3_frame_bytes_at(bytes, at);
    ASSERT_GT(frame_bytes, 0U) << "no MP3 frame begins at byte " << at;
    at += frame_bytes;
  }
  EXPECT_GT(frames, 20U);
}

TEST(Stream, HasEveryFieldOfTheContractInItsHead) {
  Server server;
  HttpClient client(server.ipv4());
  client.request("/stream.mp3?listener_id=4711");
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->field("content-type"), "audio/mpeg");
  EXPECT_EQ(reply->field("cache-control"), "no-cache, no-store");
  EXPECT_EQ(reply->field("pragma"), "no-cache");
  EXPECT_EQ(reply->field("access-control-allow-origin"), "*");
  EXPECT_EQ(reply->field("x-accel-buffering"), "no");
  EXPECT_EQ(reply->field("x-listener-id"), "4711");
  // In the past, whatever the date: "…, 01 Jan 1990 …" or the like.
  const std::string expires = reply->field("expires");
  ASSERT_GE(expires.size(), 16U) << expires;
  EXPECT_LT(std::stoi(expires.substr(12, 4)), 2000) << expires;
  EXPECT_EQ(reply->fields.count("content-length"), 0U);
  EXPECT_EQ(reply->fields.count("transfer-encoding"), 0U);
}

TEST(Stream, AnswersHeadWithTheSameHeadAndNoBody) {
  Server server;
  const auto get = [&] {
    HttpClient client(server.ipv4());
    client.request("/stream.mp3?listener_id=5");
    return client.read_reply();
  }();
  HttpClient client(server.ipv4());
  client.request("/stream.mp3?listener_id=5", "HEAD", "Connection: close\r\n");
  const auto head = client.read_reply(true);
  ASSERT_TRUE(get && head);
  EXPECT_EQ(head->status, 200);
  auto expected = get->fields;
  auto found = head->fields;
  expected.erase("date");
  found.erase("date");
  EXPECT_EQ(found, expected);
  EXPECT_EQ(client.read_bytes(1), "");
}

TEST(Stream, TakesEveryListenerIdFromZeroTo63BitsAndNothingElse) {
  Server server;
  const auto reply_to = [&](const std::string& query) {
    HttpClient client(server.ipv4());
    client.request("/stream.mp3" + query);
    return client.read_reply().value_or(HttpReply{});
  };
  for (const std::string id : {"0", "1", "9223372036854775807"}) {
    const HttpReply reply = reply_to("?listener_id=" + id);
    EXPECT_EQ(reply.status, 200) << id;
    EXPECT_EQ(reply.field("x-listener-id"), id);
  }
  EXPECT_EQ(reply_to("?max_lag=0").status, 200);
  EXPECT_EQ(reply_to("?max_lag=4294967296").status, 200) << "the ceiling holds";
  for (const std::string query :
       {"?listener_id=9223372036854775808", "?listener_id=-1", "?listener_id=+1",
        "?listener_id=%2B1", "?listener_id=", "?listener_id", "?listener_id=0x10",
        "?listener_id=1.0", "?listener_id=1%20", "?listener_id=99999999999999999999999",
        "?listener_id=1&listener_id=2", "?listener_id=abc", "?max_lag=", "?max_lag=abc",
        "?max_lag=-1", "?max_lag=1.5", "?max_lag=18446744073709551616", "?max_lag=1&max_lag=2"}) {
    const HttpReply reply = reply_to(query);
    EXPECT_EQ(reply.status, 400) << query;
    EXPECT_EQ(reply.field("content-type"), "application/json") << query;
    const auto body = nlohmann::json::parse(reply.body, nullptr, false);
    ASSERT_TRUE(body.is_object()) << query << ": " << reply.body;
    EXPECT_NE(body.value("error", ""), "") << query;
  }
}

TEST(Stream, GivesAListenerWithoutAnIdOneAtRandom) {
  Server server;
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    HttpClient client(server.ipv4());
    client.request("/stream.mp3");
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply);
    const std::string id = reply->field("x-listener-id");
    ASSERT_FALSE(id.empty());
    EXPECT_LE(std::stoull(id), 9'223'372'036'854'775'807ULL);
    ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
}

TEST(Stream, GoesToTwoConnectionsWithTheSameId) {
  Server server;
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4(), .target = "/stream.mp3?listener_id=7"}, 2);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(seconds(1));
  for (const auto& listener : crowd.listeners()) {
    EXPECT_GT(listener->check().frames(), 10U);
    EXPECT_EQ(listener->check().missed(), 0U);
  }
  EXPECT_EQ(crowd.fault(), "");
}

TEST(Stream, BeginsWithTheNewestFrameForWhoeverJoins) {
  Server server;
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()});
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(seconds(2));
  crowd.add({.endpoint = server.ipv4()}, 20);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(milliseconds(500));
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.missed(), 0U);
  for (const auto& listener : crowd.listeners()) {
    // max_lag, and what a busy machine adds.
    EXPECT_LT(listener->check().first_age_ns(), 1'000'000'000);
  }
}

TEST(Stream, HasThePathAndTheTypeThatAreConfigured) {
  Server server({.arguments = {"--stream_path", "/live/aac", "--content_type", "audio/aac"}});
  HttpClient client(server.ipv4());
  client.request("/live/aac");
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->field("content-type"), "audio/aac");
  const auto old_path = fetch(server.ipv4(), "/stream.mp3");
  ASSERT_TRUE(old_path);
  EXPECT_EQ(old_path->status, 404);
}

TEST(Stream, ReachesListenersOverIpv4Ipv6AndAUnixSocket) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("listen.sock");
  Server server({.arguments = {"--listen_unix", path}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 2);
  if (has_ipv6_loopback()) {
    crowd.add({.endpoint = server.ipv6()}, 2);
  }
  crowd.add({.endpoint = Endpoint::unix_socket(path)}, 2);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(seconds(1));
  EXPECT_EQ(crowd.fault(), "");
  for (const auto& listener : crowd.listeners()) {
    EXPECT_GT(listener->check().frames(), 10U);
    EXPECT_EQ(listener->check().missed(), 0U);
  }
  expect_clean_stop(server.stop());
}

TEST(Stream, EndsForEverybodyWhenTheServerStops) {
  for (const int signal_number : {SIGTERM, SIGINT}) {
    Server server;
    ListenerCrowd crowd;
    crowd.add({.endpoint = server.ipv4()}, 50);
    ASSERT_TRUE(crowd.run_until_all_listen(patience));
    expect_clean_stop(server.stop(signal_number));
    EXPECT_TRUE(crowd.run_until([&] { return crowd.ended() == 50; }, patience));
    EXPECT_EQ(crowd.fault(), "");
    for (const auto& listener : crowd.listeners()) {
      EXPECT_EQ(listener->end_error(), 0) << "the connection was not closed in order";
    }
  }
}

TEST(Stream, ThatPausesForLongerThanTheStallTimeoutLosesNobody) {
  const Server server({.source = test_source("--rate 100 --size 418 --pause_after 100 "
                                             "--pause_ms 4000"),
                       .arguments = {"--stall_timeout", "1 s"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 5);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  const auto go_on = [&] {
    return std::all_of(
        crowd.listeners().begin(), crowd.listeners().end(),
        [](const auto& listener) { return listener->check().last().sequence > 110; });
  };
  EXPECT_TRUE(crowd.run_until(go_on, patience));
  EXPECT_EQ(crowd.ended(), 0U);
}

// The listener tables of all workers, through the descriptors that they were born with.
std::vector<ListenerStatus> listener_tables(const Server& server) {
  std::vector<ListenerStatus> all;
  for (const pid_t worker : server.workers()) {
    const std::string path =
        "/proc/" + std::to_string(worker) + "/fd/" + std::to_string(worker_descriptor::listeners);
    const ListenerTable table(Descriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC)));
    const auto some = table.read();
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

TEST(Stream, WhatItsListenersAreLikeIsInTheSharedTables) {
  const Server server({.arguments = {"--workers", "2"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4(), .target = "/stream.mp3?listener_id=1"});
  CrowdListener& stalled = crowd.add({.endpoint = server.ipv4(),
                                      .target = "/stream.mp3?listener_id=2&max_lag=100",
                                      .socket = {.receive_buffer_bytes = 4096}});
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.pause(stalled);
  const auto find = [](const std::vector<ListenerStatus>& all, std::uint64_t id) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const ListenerStatus& status) { return status.id == id; });
    return found == all.end() ? ListenerStatus{} : *found;
  };
  ASSERT_TRUE(crowd.run_until(
      [&] {
        const auto all = listener_tables(server);
        return find(all, 2).jumps >= 1 && find(all, 2).frames_skipped > 10 &&
               find(all, 1).frames_sent > 50;
      },
      patience));
  const auto all = listener_tables(server);
  ASSERT_EQ(all.size(), 2U);
  const ListenerStatus healthy = find(all, 1);
  EXPECT_EQ(healthy.jumps, 0U);
  EXPECT_EQ(healthy.lag_ns_max, 250 * ns_per_ms);
  EXPECT_LT(healthy.lag_ns, 250 * ns_per_ms);
  EXPECT_EQ(healthy.bytes_sent, healthy.frames_sent * mp3_frame_bytes);
  EXPECT_NE(healthy.peer_port, 0U);
  EXPECT_EQ(healthy.peer,
            peer_key_of(PeerAddress({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1})));
  const ListenerStatus behind = find(all, 2);
  EXPECT_EQ(behind.lag_ns_max, 100 * ns_per_ms);
  EXPECT_GT(behind.lag_ns, 500 * ns_per_ms);
  EXPECT_GT(behind.queued_bytes, 0U);
  EXPECT_GT(behind.frames_sent, 0U);

  crowd.close(stalled);
  EXPECT_TRUE(crowd.run_until([&] { return listener_tables(server).size() == 1; }, patience));
}

}  // namespace
}  // namespace eradio::testing
