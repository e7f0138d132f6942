// What the status server's requests make of what can be seen. How it answers as a whole,
// tests/e2e/status_server_test.cpp says.
#include "master/status_routes.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/clock.h"

namespace eradio {
namespace {

using nlohmann::json;

class FakeView final : public StatusView {
 public:
  ServerStatus status() override {
    ++looks;
    return now;
  }
  ListenersPage listeners(std::uint64_t offset, std::size_t limit) override {
    asked_offset = offset;
    asked_limit = limit;
    return page;
  }
  void slowest_listeners(
      std::function<void(const std::vector<ListenersPage::Entry>&)> done) override {
    done(slowest);
  }

  ServerStatus now;
  ListenersPage page;
  std::vector<ListenersPage::Entry> slowest;
  int looks = 0;
  std::uint64_t asked_offset = 0;
  std::size_t asked_limit = 0;
};

class StatusRoutes : public testing::Test {
 protected:
  StatusRoutes() {
    add_status_routes(server, view, [this] { return now_ns; });
  }

  HttpAnswer ask(const std::string& method, const std::string& target) {
    ReceivedRequest request;
    request.head.method = method;
    request.head.target = target;
    request.head.fields.set("Host", "localhost");
    HttpAnswer answer = server.answer(std::move(request), PeerAddress());
    if (answer.later) {
      std::optional<HttpAnswer> late;
      answer.later([&](HttpAnswer known) { late = std::move(known); });
      EXPECT_TRUE(late);
      answer = late ? *std::move(late) : HttpAnswer{};
    }
    return answer;
  }
  static std::string body_of(const HttpAnswer& answer) {
    return answer.bytes.substr(answer.bytes.find("\r\n\r\n") + 4);
  }
  std::string error_of(const std::string& target) {
    const HttpAnswer answer = ask("GET", target);
    EXPECT_EQ(answer.status, 400) << target;
    return json::parse(body_of(answer), nullptr, false).value("error", "");
  }

  FakeView view;
  HttpServer server;
  std::int64_t now_ns = 1000 * ns_per_second;
};

TEST_F(StatusRoutes, StatusIsWhatTheControlSocketSays) {
  view.now.process = 77;
  EXPECT_EQ(body_of(ask("GET", "/status")), status_json(view.now));
}

TEST_F(StatusRoutes, ListenersComeInPages) {
  view.page.next = 99;
  EXPECT_EQ(body_of(ask("GET", "/status/listeners?offset=7&limit=500")),
            R"({"listeners":[],"next":99})");
  EXPECT_EQ(view.asked_offset, 7U);
  EXPECT_EQ(view.asked_limit, 500U);
}

TEST_F(StatusRoutes, TheSlowestListenersComeFirstAndAreFew) {
  view.slowest.resize(3);
  view.slowest[0].listener.id = 30;
  view.slowest[1].listener.id = 20;
  const json answer = json::parse(body_of(ask("GET", "/status/listeners?sort=lag&limit=2")));
  ASSERT_EQ(answer.at("listeners").size(), 2U);
  EXPECT_EQ(answer.at("listeners").at(0).at("id"), 30);
  EXPECT_EQ(answer.at("listeners").at(1).at("id"), 20);
  EXPECT_TRUE(answer.at("next").is_null());
  EXPECT_EQ(json::parse(body_of(ask("GET", "/status/listeners?sort=lag"))).at("listeners").size(),
            3U);
}

TEST_F(StatusRoutes, AWrongParameterIsNamed) {
  for (const auto& [query, culprit] : {std::pair{"limit=0", "limit"},
                                       {"limit=501", "limit"},
                                       {"limit=", "limit"},
                                       {"limit=1&limit=2", "limit"},
                                       {"offset=-1", "offset"},
                                       {"sort=name", "sort"},
                                       {"sort=lag&sort=id", "sort"},
                                       {"sort=lag&limit=101", "limit"},
                                       {"sort=lag&offset=0", "offset"}}) {
    EXPECT_EQ(error_of(std::string("/status/listeners?") + query).rfind(culprit, 0), 0U) << query;
  }
}

TEST_F(StatusRoutes, ReadinessIs503WithTheReasons) {
  HttpAnswer answer = ask("GET", "/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(
      json::parse(body_of(answer)),
      json::parse(R"({"ready":false,"reasons":["the source does not run","no worker serves"]})"));
  now_ns += ns_per_second;
  view.now.now_ns = 5 * ns_per_second;
  view.now.source = {.process = 1, .last_frame_ns = 4 * ns_per_second};
  view.now.workers.resize(1);
  view.now.workers[0].process = {.process = 2, .ready = true};
  answer = ask("GET", "/readyz");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(json::parse(body_of(answer)), json::parse(R"({"ready":true,"reasons":[]})"));
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
}

TEST_F(StatusRoutes, TheServerIsLookedAtTenTimesASecondHoweverManyAsk) {
  for (const char* path : {"/status", "/metrics", "/readyz"}) {
    view.looks = 0;
    const std::string first = body_of(ask("GET", path));
    for (int i = 0; i < 1000; ++i) {
      EXPECT_EQ(body_of(ask("GET", path)), first);
      now_ns += ns_per_ms;
    }
    EXPECT_EQ(view.looks, 10) << path;
  }
}

TEST_F(StatusRoutes, NothingCanBeChanged) {
  for (const char* path : {"/status", "/status/listeners", "/metrics", "/healthz", "/readyz"}) {
    for (const char* method : {"POST", "PUT", "DELETE"}) {
      EXPECT_EQ(ask(method, path).status, 405) << method << ' ' << path;
    }
    EXPECT_NE(ask("HEAD", path).status, 405) << path;
  }
}

}  // namespace
}  // namespace eradio
