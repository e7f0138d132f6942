// Every number of the status can be reproduced from outside: what the server says of a thousand
// listeners is what they saw. Timed: runs alone.

#include <signal.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/server.h"

namespace eradio::testing {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

json get_json(const Endpoint& endpoint, const std::string& target) {
  const auto reply = fetch(endpoint, target);
  return reply ? json::parse(reply->body, nullptr, false) : json();
}

// Of samples without labels, or summed over these.
std::map<std::string, double> get_metrics(const Endpoint& endpoint) {
  std::map<std::string, double> metrics;
  const auto reply = fetch(endpoint, "/metrics");
  std::istringstream lines(reply ? reply->body : "");
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#')) {
      metrics[line.substr(0, line.find_first_of("{ "))] += std::stod(line.substr(line.rfind(' ')));
    }
  }
  return metrics;
}

// Ids tell who reads slowly.
std::vector<CrowdListener*> add(ListenerCrowd& crowd, const Endpoint& endpoint, int first_id,
                                int count, int receive_buffer_bytes) {
  std::vector<CrowdListener*> added;
  for (int id = first_id; id < first_id + count; ++id) {
    added.push_back(&crowd.add({.endpoint = endpoint,
                                .target = "/stream.mp3?listener_id=" + std::to_string(id),
                                .socket = {.receive_buffer_bytes = receive_buffer_bytes}}));
  }
  return added;
}

TEST(StatusNumbers, AreWhatAThousandListenersSaw) {
  const int count = scaled_down(1000);
  const int slow_count = count / 10;
  const int leaving_count = count / 100;
  const int healthy_count = count - slow_count;
  constexpr int small_receive_buffer = 4096;
  // What may be in the two kernels of one that leaves, and was not read any more: `sndbuf`, which
  // grows to half a second and more, and what the receiver's kernel takes.
  constexpr std::uint64_t frames_in_flight_max = 500;
  ServerOptions options;
  options.status_listen = "127.0.0.1:0";
  Server server(options);
  const Endpoint status_server = server.status_server();
  ListenerCrowd crowd;
  const auto healthy = add(crowd, server.ipv4(), 1, healthy_count, 0);
  const auto slow = add(crowd, server.ipv4(), healthy_count + 1, slow_count, small_receive_buffer);
  ASSERT_TRUE(crowd.run_until_all_listen(2 * patience));

  for (CrowdListener* listener : slow) {
    crowd.pause(*listener);
  }
  crowd.run_for(seconds(5));
  const json slowest = get_json(status_server, "/status/listeners?sort=lag&limit=20");
  ASSERT_EQ(slowest.at("listeners").size(), static_cast<std::size_t>(std::min(20, count)));
  const auto shown = std::min<std::size_t>(20, slow.size());
  for (std::size_t place = 0; place < shown; ++place) {
    EXPECT_GT(slowest.at("listeners").at(place).at("id"), healthy_count);
    EXPECT_GT(slowest.at("listeners").at(place).at("lag_ms"), 250);
  }
  for (int i = 0; i < leaving_count; ++i) {
    crowd.close(*healthy[static_cast<std::size_t>(i)]);
  }
  for (CrowdListener* listener : slow) {
    crowd.resume(*listener);
  }
  crowd.run_for(seconds(3));
  // Without a source everything comes to rest, and what was sent has been read.
  const auto source = server.source();
  ASSERT_TRUE(source);
  ::kill(*source, SIGSTOP);
  std::uint64_t frames = 0;
  for (int rounds = 0; rounds < 20 && frames != crowd.frames(); ++rounds) {
    frames = crowd.frames();
    crowd.run_for(milliseconds(500));
  }
  crowd.run_for(milliseconds(1500));  // workers write down once a second what they have sent
  const json status = get_json(status_server, "/status");
  const auto metrics = get_metrics(status_server);
  ::kill(*source, SIGCONT);

  ASSERT_EQ(crowd.fault(), "");
  const json& totals = status.at("totals");
  const auto total = [&](const char* name) { return totals.at(name).get<std::uint64_t>(); };
  EXPECT_EQ(total("listeners"), static_cast<std::uint64_t>(count - leaving_count));
  EXPECT_EQ(total("listeners_joined"), static_cast<std::uint64_t>(count));
  EXPECT_EQ(status.at("metadata").at("listener_count"), count - leaving_count);
  std::uint64_t jumps = 0;
  std::uint64_t bytes = 0;
  for (const auto& listener : crowd.listeners()) {
    jumps += listener->check().jumps().size();
    bytes += listener->check().bytes();
  }
  EXPECT_GT(crowd.missed(), 0U) << "nobody was slow: there is nothing to compare";
  EXPECT_EQ(total("frames_skipped"), crowd.missed());
  EXPECT_EQ(total("jumps"), jumps);
  const auto unread = static_cast<std::uint64_t>(leaving_count) * frames_in_flight_max;
  EXPECT_GE(total("frames_sent"), crowd.frames());
  EXPECT_LE(total("frames_sent"), crowd.frames() + unread);
  EXPECT_GE(total("bytes_sent"), bytes);
  EXPECT_LE(total("bytes_sent"), bytes + unread * mp3_frame_bytes);
  EXPECT_EQ(totals.at("frame_age").at("frames"), total("frames_sent"));

  for (const auto& [metric, field] : {std::pair{"eradio_listeners", "listeners"},
                                      {"eradio_frames_sent_total", "frames_sent"},
                                      {"eradio_frames_skipped_total", "frames_skipped"},
                                      {"eradio_stream_bytes_sent_total", "bytes_sent"},
                                      {"eradio_listener_jumps_total", "jumps"},
                                      {"eradio_listeners_joined_total", "listeners_joined"}}) {
    EXPECT_EQ(metrics.at(metric), static_cast<double>(total(field))) << metric;
  }
}

}  // namespace
}  // namespace eradio::testing
