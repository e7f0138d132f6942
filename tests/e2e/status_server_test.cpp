// The status server as a whole: its routes and methods, who may read it, how many at a time, and
// that it stays where it is through an upgrade.

#include <signal.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/eradioctl.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"
#include "tests/support/worker_of.h"

namespace eradio::testing {
namespace {

using nlohmann::json;

ServerOptions with_status(const std::string& address = "127.0.0.1:0") {
  ServerOptions options;
  options.status_listen = address;
  return options;
}

json get_json(const Endpoint& endpoint, const std::string& target) {
  const auto reply = fetch(endpoint, target);
  return reply ? json::parse(reply->body, nullptr, false) : json();
}

TEST(StatusServer, AnswersEveryRouteAndLeavesTheBodyOutForHead) {
  Server server(with_status());
  const Endpoint status = server.status_server();
  ASSERT_TRUE(comes_true([&] { return get_json(status, "/readyz").value("ready", false); }));
  const std::string as_json = "application/json";
  for (const auto& [target, type] : {std::pair<std::string, std::string>{"/status", as_json},
                                     {"/status/listeners", as_json},
                                     {"/status/listeners?offset=0&limit=10", as_json},
                                     {"/status/listeners?sort=lag&limit=10", as_json},
                                     {"/healthz", as_json},
                                     {"/readyz", as_json},
                                     {"/metrics", "text/plain; version=0.0.4; charset=utf-8"}}) {
    SCOPED_TRACE(target);
    const auto reply = fetch(status, target);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->field("content-type"), type);
    EXPECT_FALSE(reply->body.empty());
    EXPECT_EQ(reply->field("access-control-allow-origin"), "") << "pages of others may read it";
    EXPECT_EQ(reply->field("cross-origin-resource-policy"), "same-origin");
    EXPECT_EQ(reply->field("cache-control"), "no-cache, no-store");
    HttpClient client(status);
    client.request(target, "HEAD");
    const auto head = client.read_reply(true);
    ASSERT_TRUE(head);
    EXPECT_EQ(head->status, 200);
    EXPECT_EQ(head->field("content-type"), type);
    client.request("/healthz");
    const auto next = client.read_reply();
    EXPECT_TRUE(next && next->body == R"({"healthy":true})") << "there was a body after HEAD";
  }
}

TEST(StatusServer, HasAPageThatNeedsNobodyElseAndIsNotForListeners) {
  Server server(with_status());
  for (const auto& [target, type] :
       {std::pair<std::string, std::string>{"/", "text/html; charset=utf-8"},
        {"/index.html", "text/html; charset=utf-8"},
        {"/style.css", "text/css; charset=utf-8"},
        {"/js/status_page/main.js", "text/javascript; charset=utf-8"},
        {"/js/vendor/uplot.js", "text/javascript; charset=utf-8"}}) {
    SCOPED_TRACE(target);
    const auto reply = fetch(server.status_server(), target);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->field("content-type"), type);
    EXPECT_EQ(reply->field("content-security-policy").rfind("default-src 'none'; ", 0), 0U);
    EXPECT_EQ(reply->field("access-control-allow-origin"), "");
  }
  EXPECT_EQ(server.log().count("the status server is without"), 0U);
  EXPECT_EQ(fetch(server.ipv4(), "/js/status_page/main.js")->status, 404);
  EXPECT_EQ(fetch(server.ipv4(), "/status/")->status, 404);
}

TEST(StatusServer, RefusesWhatChangesAndWhatIsNotThere) {
  Server server(with_status());
  const Endpoint status = server.status_server();
  for (const char* target : {"/status", "/status/listeners", "/metrics", "/healthz", "/readyz"}) {
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
      SCOPED_TRACE(std::string(method) + " " + target);
      const auto reply = fetch(status, target, method, "Content-Length: 0\r\n");
      ASSERT_TRUE(reply);
      EXPECT_EQ(reply->status, 405);
      EXPECT_EQ(reply->field("allow"), "GET, HEAD");
      EXPECT_EQ(reply->field("access-control-allow-origin"), "");
    }
  }
  for (const char* target : {"/nothing", "/listeners", "/play", "/v1/metadata", "/stream.mp3"}) {
    const auto reply = fetch(status, target);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 404) << target;
  }
  EXPECT_EQ(fetch(server.ipv4(), "/status")->status, 404) << "listeners can see it";
  EXPECT_EQ(fetch(server.ipv4(), "/metrics")->status, 404);
}

TEST(StatusServer, NamesTheParameterThatIsWrong) {
  Server server(with_status());
  for (const auto& [query, culprit] : {std::pair{"limit=501", "limit"},
                                       {"offset=x", "offset"},
                                       {"sort=id", "sort"},
                                       {"sort=lag&limit=101", "limit"}}) {
    const auto reply = fetch(server.status_server(), std::string("/status/listeners?") + query);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 400);
    const auto error = json::parse(reply->body, nullptr, false).value("error", "");
    EXPECT_EQ(error.rfind(culprit, 0), 0U) << error;
  }
}

// A page of somebody else's whose name leads here (DNS rebinding) comes with that name.
TEST(StatusServer, OnLoopbackIsKnownByItsAddressAndAsLocalhostAlone) {
  Server server(with_status());
  const auto status_of = [&](const std::string& host) {
    HttpClient client(server.status_server());
    client.send("GET /status HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    const auto reply = client.read_reply();
    return reply ? reply->status : 0;
  };
  for (const char* host : {"127.0.0.1", "127.0.0.1:8081", "localhost", "LocalHost:1", "[::1]:80"}) {
    EXPECT_EQ(status_of(host), 200) << host;
  }
  for (const char* host : {"evil.example", "evil.example:8081", "localhost.evil.example",
                           "127.0.0.1.evil.example", "0x7f000001"}) {
    EXPECT_EQ(status_of(host), 421) << host;
  }
}

TEST(StatusServer, ElsewhereMayHaveAnyName) {
  Server server(with_status("0.0.0.0:0"));
  HttpClient client(server.status_server());
  client.send("GET /healthz HTTP/1.1\r\nHost: radio.example\r\n\r\n");
  const auto reply = client.read_reply();
  EXPECT_TRUE(reply && reply->status == 200);
}

TEST(StatusServer, ListensOnIpv6WhereThereIsIt) {
  if (!has_ipv6_loopback()) {
    GTEST_SKIP() << "this machine has no IPv6";
  }
  Server server(with_status("[::1]:0"));
  const auto reply = fetch(server.status_server(), "/healthz");
  EXPECT_TRUE(reply && reply->status == 200);
}

std::set<std::string> keys_of(const json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.items()) {
    keys.insert(key);
  }
  return keys;
}

TEST(StatusServer, SaysWhatTheControlSocketSays) {
  OperatedServer operated(with_status());
  const json one = get_json(operated.server().status_server(), "/status");
  const json other = operated.ctl_json({"status"});
  EXPECT_EQ(one.at("pid"), operated.server().master());
  EXPECT_EQ(keys_of(one), keys_of(other));
  for (const char* part : {"source", "ring", "totals", "escrow"}) {
    EXPECT_EQ(keys_of(one.at(part)), keys_of(other.at(part)));
  }
  EXPECT_EQ(keys_of(one.at("workers").at(0)), keys_of(other.at("workers").at(0)));
}

TEST(StatusServer, ShowsTheSourceAndTheRingAtWork) {
  Server server(with_status());
  json status;
  ASSERT_TRUE(comes_true([&] {
    status = get_json(server.status_server(), "/status");
    return status.at("source").at("frames") > 20;
  }));
  const json& source = status.at("source");
  const json& ring = status.at("ring");
  EXPECT_EQ(source.at("pid"), server.source().value_or(0));
  EXPECT_EQ(source.at("state"), "running");
  EXPECT_LT(source.at("last_frame_age_ms"), 10'000);
  EXPECT_EQ(source.at("frame_bytes"), source.at("frames").get<std::uint64_t>() * mp3_frame_bytes);
  EXPECT_GT(source.at("bytes_read"), source.at("frame_bytes"));
  EXPECT_EQ(source.at("broken_bytes"), 0);
  EXPECT_EQ(ring.at("stream_position_bytes"), source.at("frame_bytes"));
  EXPECT_GT(ring.at("held_ms"), 20 / mp3_frames_per_second * 1000 / 2);
  EXPECT_GE(ring.at("size_bytes"), 8 << 20);
  for (const json& worker : status.at("workers")) {
    EXPECT_GT(worker.at("memory_bytes"), 0);
    EXPECT_TRUE(worker.at("cpu_user_s").is_number());
  }
}

TEST(StatusServer, IsNotReadyWithoutASourceThatDelivers) {
  ServerOptions options = with_status();
  options.source = "false";
  Server server(options);
  const auto reply = fetch(server.status_server(), "/readyz");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 503);
  const json answer = json::parse(reply->body, nullptr, false);
  EXPECT_EQ(answer.at("ready"), false);
  ASSERT_EQ(answer.at("reasons").size(), 1U);
  EXPECT_EQ(answer.at("reasons").at(0).get<std::string>().rfind("the source ", 0), 0U);
  EXPECT_EQ(fetch(server.status_server(), "/healthz")->status, 200);
}

class CrowdedStatusServer : public ::testing::Test {
 protected:
  static constexpr std::size_t connections_max = 64;

  CrowdedStatusServer() : server_(with_status()), before_(open_descriptors(server_.master())) {
    crowd_.add({.endpoint = server_.ipv4()});
    EXPECT_TRUE(crowd_.run_until_all_listen(patience));
  }
  // Connections that say nothing more after that.
  void fill(bool answered) {
    for (std::size_t i = 0; i < connections_max; ++i) {
      held_.emplace_back(server_.status_server());
      if (answered) {
        held_.back().request("/healthz");
        ASSERT_TRUE(held_.back().read_reply());
      }
    }
    crowd_.run_for(std::chrono::milliseconds(700));
  }
  void expect_to_answer_everybody() {
    for (int i = 0; i < 10; ++i) {
      for (const char* target : {"/metrics", "/healthz", "/status"}) {
        const auto reply = fetch(server_.status_server(), target);
        EXPECT_TRUE(reply && reply->status == 200) << target << ' ' << (reply ? reply->status : 0);
      }
    }
    EXPECT_LE(open_descriptors(server_.master()), before_ + connections_max + 2);
    EXPECT_EQ(crowd_.ended(), 0U);
    EXPECT_EQ(crowd_.fault(), "");
  }

  Server server_;
  std::size_t before_;
  ListenerCrowd crowd_;
  std::vector<HttpClient> held_;
};

TEST_F(CrowdedStatusServer, BySilentConnectionsAnswersWhoeverAsks) {
  fill(false);
  expect_to_answer_everybody();
}

TEST_F(CrowdedStatusServer, ByConnectionsThatAskNothingMoreAnswersWhoeverAsks) {
  fill(true);
  expect_to_answer_everybody();
}

TEST_F(CrowdedStatusServer, ClosesThoseFirstThatHaveAskedNothingForLongest) {
  fill(true);
  held_.back().request("/healthz");
  ASSERT_TRUE(held_.back().read_reply());
  expect_to_answer_everybody();
  held_.back().request("/healthz");
  const auto still = held_.back().read_reply();
  EXPECT_TRUE(still && still->status == 200) << "others were idle for longer";
}

TEST(StatusServer, ClosesAClientThatDoesNotReadItsAnswers) {
  Server server(with_status());
  HttpClient client(server.status_server(), {.receive_buffer_bytes = 2048});
  for (int i = 0; i < 2000; ++i) {
    if (!client.request("/metrics")) {
      break;
    }
  }
  // Meanwhile it is not read from. What came before the end is in the buffers.
  EXPECT_TRUE(comes_true([&] {
    return get_json(server.status_server(), "/status").is_object() && !client.request("/metrics");
  })) << "its connection stays";
}

TEST(StatusServer, GoesThroughAnUpgradeAndRefusesNobody) {
  OperatedServer operated(with_status());
  const Endpoint status = operated.server().status_server();
  ASSERT_TRUE(
      comes_true([&] { return get_json(status, "/status").at("source").at("frames") > 20; }));
  const json before = get_json(status, "/status");
  RunningProgram upgrade(
      {installed_program("bin/eradioctl"), "--socket", operated.socket(), "upgrade"});
  int asked = 0;
  int answered = 0;
  json after;
  EXPECT_TRUE(comes_true([&] {
    const auto reply = fetch(status, "/status");
    ++asked;
    if (reply && reply->status == 200) {
      ++answered;
      after = json::parse(reply->body, nullptr, false);
    }
    return upgrade.ended() && after.at("upgrades") == 1 && !after.at("replacing_workers");
  }));
  EXPECT_EQ(upgrade.finish().exit_status(), 0);
  EXPECT_EQ(answered, asked);
  EXPECT_GT(asked, 3);
  EXPECT_EQ(after.at("pid"), before.at("pid"));
  EXPECT_NEAR(after.at("started_unix_s").get<double>(), before.at("started_unix_s").get<double>(),
              1);
  for (const char* counter : {"frames", "bytes_read", "frame_bytes", "tracks"}) {
    EXPECT_GE(after.at("source").at(counter), before.at("source").at(counter)) << counter;
  }
  EXPECT_EQ(after.at("source").at("pid"), before.at("source").at("pid"));
}

std::uint64_t frames_in_ages(const json& status) {
  return status.at("totals").at("frame_age").at("frames").get<std::uint64_t>();
}

TEST(StatusServer, KeepsTheAgesThatAKilledWorkerHasCounted) {
  ServerOptions options = with_status();
  options.arguments = {"--workers", "1"};
  Server server(options);
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 5);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(std::chrono::milliseconds(500));
  const json before = get_json(server.status_server(), "/status");
  ASSERT_GT(frames_in_ages(before), 0U);
  ::kill(server.workers().front(), SIGKILL);
  json after;
  ASSERT_TRUE(crowd.run_until(
      [&] {
        after = get_json(server.status_server(), "/status");
        return after.at("workers").at(0).at("state") == "serving" &&
               after.at("workers").at(0).at("restarts") == 1;
      },
      patience));
  EXPECT_GE(frames_in_ages(after), frames_in_ages(before));
  const auto frames = frames_in_ages(after);
  EXPECT_TRUE(crowd.run_until(
      [&] { return frames_in_ages(get_json(server.status_server(), "/status")) > frames + 100; },
      patience));
}

TEST(StatusServer, WhoseGivenAddressCannotBeHadKeepsTheServerFromStarting) {
  Server server(with_status());
  const std::string taken = [&] {
    const auto line = server.log().wait_for("the status is at http://", patience).value_or("");
    const auto begin = line.find("//") + 2;
    return line.substr(begin, line.rfind('/') - begin);
  }();
  const RunReport report =
      run_eradiod({"--listen_port", "0", "--control_socket", "none", "--status_listen", taken});
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_NE(report.errors.find("status_listen: cannot listen on " + taken), std::string::npos)
      << report.errors;
}

TEST(StatusServer, WhoseDefaultAddressCannotBeHadIsGoneWithout) {
  // If it cannot be had here, somebody else has it: that will do.
  std::optional<Server> first;
  try {
    first.emplace(with_status("127.0.0.1:8081"));
  } catch (const std::runtime_error&) {
    first.reset();
  }
  Server server(with_status(""));
  EXPECT_EQ(server.log().count("there is no status server: cannot listen on 127.0.0.1:8081"), 1U);
  const auto reply = fetch(server.ipv4(), "/v1/metadata");
  EXPECT_TRUE(reply && reply->status == 200);
}

TEST(StatusServer, IsTurnedOffByNone) {
  OperatedServer operated(with_status("none"));
  EXPECT_EQ(operated.server().log().count("the status is at"), 0U);
  EXPECT_EQ(operated.server().log().count("status server"), 0U);
  EXPECT_EQ(operated.ctl({"status"}).exit_status(), 0);
}

}  // namespace
}  // namespace eradio::testing
