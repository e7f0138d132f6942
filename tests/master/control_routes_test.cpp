// What the control socket's requests make of operations, and of what those say. How requests that
// are none are answered, tests/e2e/control_socket_test.cpp says.
#include "master/control_routes.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace eradio {
namespace {

using nlohmann::json;

// Writes down what it is asked for.
class FakeOperations final : public Operations {
 public:
  ServerStatus status() override { return now; }
  ListenersPage listeners(std::uint64_t offset, std::size_t limit) override {
    asked_offset = offset;
    asked_limit = limit;
    return page;
  }
  void slowest_listeners(
      std::function<void(const std::vector<ListenersPage::Entry>&)> done) override {
    done(page.entries);
  }
  bool command(SourceCommand command) override {
    commands.push_back(command);
    return can;
  }
  void kick(const KickOrder& order, Kicks::Done done) override {
    kicked = order;
    done(kick_result);
  }
  void restart_workers(Supervisor::Replaced done) override { done(replace_result); }
  void reload(std::function<void(const ReloadResult&)> done) override { done(reload_result); }
  void upgrade(std::function<void(const UpgradeResult&)> done) override { done(upgrade_result); }
  bool set_log_level(LogLevel wanted) override {
    level = wanted;
    return can;
  }

  ServerStatus now;
  ListenersPage page;
  KickResult kick_result{.connections = 1};
  ReplaceResult replace_result{.replaced = 3, .error = {}};
  ReloadResult reload_result{.settings = {.changed = {"max_lag"}, .unchangeable = {"listen_port"}},
                             .error = {}};
  UpgradeResult upgrade_result{.number = 4, .program = "/usr/sbin/eradiod", .error = {}};
  bool can = true;
  std::uint64_t asked_offset = 0;
  std::size_t asked_limit = 0;
  std::vector<SourceCommand> commands;
  std::optional<KickOrder> kicked;
  std::optional<LogLevel> level;
};

class ControlRoutes : public testing::Test {
 protected:
  ControlRoutes() { add_control_routes(server, operations); }

  struct Answer {
    int status = 0;
    json body;
  };
  Answer ask(const std::string& method, const std::string& target, const std::string& body = "") {
    ReceivedRequest request;
    request.head.method = method;
    request.head.target = target;
    request.head.fields.set("Host", "localhost");
    request.body = body;
    HttpAnswer answer = server.answer(std::move(request), PeerAddress());
    if (answer.later) {
      std::optional<HttpAnswer> late;
      answer.later([&](HttpAnswer known) { late = std::move(known); });
      EXPECT_TRUE(late);
      answer = late ? *std::move(late) : HttpAnswer{};
    }
    const auto body_at = answer.bytes.find("\r\n\r\n");
    return {.status = answer.status,
            .body = json::parse(answer.bytes.substr(body_at + 4), nullptr, false)};
  }

  FakeOperations operations;
  HttpServer server;
};

TEST_F(ControlRoutes, StatusIsWhatTheOperationsSay) {
  operations.now.process = 77;
  const Answer answer = ask("GET", "/status");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.at("pid"), 77);
}

TEST_F(ControlRoutes, ListenersAreAskedForInPages) {
  EXPECT_EQ(ask("GET", "/listeners").status, 200);
  EXPECT_EQ(operations.asked_offset, 0U);
  EXPECT_EQ(operations.asked_limit, 100U);
  operations.page.next = 99;
  const Answer answer = ask("GET", "/listeners?offset=12345678901&limit=500");
  EXPECT_EQ(operations.asked_offset, 12345678901U);
  EXPECT_EQ(operations.asked_limit, 500U);
  EXPECT_EQ(answer.body, json::parse(R"({"listeners":[],"next":99})"));
  for (const char* query : {"limit=0", "limit=501", "limit=", "limit=1&limit=2", "offset=1.5"}) {
    EXPECT_EQ(ask("GET", std::string("/listeners?") + query).status, 400) << query;
  }
}

TEST_F(ControlRoutes, WorkersAreRestartedOrItIsSaidWhyNot) {
  Answer answer = ask("POST", "/restart-workers");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, json::parse(R"({"restarted":3})"));
  EXPECT_EQ(ask("GET", "/restart-workers").status, 405);
  operations.replace_result = {.replaced = 1, .error = "worker 1 does not come to serve"};
  answer = ask("POST", "/restart-workers");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body.at("error"), "worker 1 does not come to serve");
}

TEST_F(ControlRoutes, AReloadSaysWhatHasChangedAndWhatCouldNot) {
  Answer answer = ask("POST", "/reload");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, json::parse(R"({"changed":["max_lag"],"not_changed":["listen_port"]})"));
  operations.reload_result.error = "eradio.conf:1: unknown key a";
  answer = ask("POST", "/reload");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body.at("error"), "eradio.conf:1: unknown key a");
}

TEST_F(ControlRoutes, AnUpgradeIsNumberedOrItIsSaidWhyThereIsNone) {
  Answer answer = ask("POST", "/upgrade");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, json::parse(R"({"upgrades":4,"program":"/usr/sbin/eradiod"})"));
  operations.upgrade_result.error = "the installed program cannot go on from here";
  answer = ask("POST", "/upgrade");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body.at("error"), operations.upgrade_result.error);
}

TEST_F(ControlRoutes, CommandsGoToTheSource) {
  for (const char* path : {"/play", "/pause", "/prev", "/next"}) {
    EXPECT_EQ(ask("POST", path).status, 200) << path;
    EXPECT_EQ(ask("GET", path).status, 405) << path;
  }
  EXPECT_EQ(operations.commands, (std::vector{SourceCommand::play, SourceCommand::pause,
                                              SourceCommand::previous, SourceCommand::next}));
  operations.can = false;
  EXPECT_EQ(ask("POST", "/play").status, 503);
}

TEST_F(ControlRoutes, KickTakesAnIdOrAnAddress) {
  const Answer by_id = ask("POST", "/kick", R"({"id": 9223372036854775807})");
  EXPECT_EQ(by_id.status, 200);
  EXPECT_EQ(by_id.body, json::parse(R"({"kicked":1})"));
  ASSERT_TRUE(operations.kicked);
  EXPECT_EQ(operations.kicked->target, KickTarget::listener_id);
  EXPECT_EQ(operations.kicked->listener_id, listener_id_max);
  for (const char* address : {"192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "unix"}) {
    operations.kicked.reset();
    EXPECT_EQ(ask("POST", "/kick", json{{"address", address}}.dump()).status, 200) << address;
    ASSERT_TRUE(operations.kicked);
    EXPECT_EQ(operations.kicked->target, KickTarget::address);
    EXPECT_EQ(operations.kicked->address, PeerAddress::from_text(address)->bytes());
  }
  operations.kicked.reset();
  EXPECT_EQ(ask("POST", "/kick", R"({"id": 9223372036854775808})").status, 400);
  EXPECT_EQ(ask("POST", "/kick", R"({"address": "example.org"})").status, 400);
  EXPECT_EQ(ask("POST", "/kick", std::string(50'000, '[')).status, 400);
  EXPECT_FALSE(operations.kicked);
}

TEST_F(ControlRoutes, KickSaysWhenNobodyWasThereOrSomeHaveNotAnswered) {
  operations.kick_result = {.connections = 0};
  EXPECT_EQ(ask("POST", "/kick", R"({"id": 3})").status, 404);
  operations.kick_result = {.connections = 2, .complete = false};
  const Answer answer = ask("POST", "/kick", R"({"id": 3})");
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.body.at("error").get<std::string>().find('2'), std::string::npos);
  operations.kick_result = {.connections = 2, .complete = false, .silent = {1, 3}};
  EXPECT_EQ(ask("POST", "/kick", R"({"id": 3})").body.at("error"),
            "workers 1, 3 have not answered; the others kicked 2 connections");
}

TEST_F(ControlRoutes, LogLevelIsSetByItsName) {
  const Answer answer = ask("PUT", "/log-level", R"({"level": "warning"})");
  EXPECT_EQ(answer.body, json::parse(R"({"log_level":"warning"})"));
  EXPECT_EQ(operations.level, LogLevel::warning);
  EXPECT_EQ(ask("PUT", "/log-level", R"({"level": "warn"})").status, 400);
  operations.can = false;
  EXPECT_EQ(ask("PUT", "/log-level", R"({"level": "off"})").status, 503);
}

}  // namespace
}  // namespace eradio
