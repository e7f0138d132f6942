// The metrics, as Prometheus takes them: its own checker, and a Prometheus that collects them.

#include <netinet/in.h>
#include <sys/socket.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/server.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {
namespace {

using nlohmann::json;

const ServerOptions with_metrics{.status_listen = "127.0.0.1:0"};

std::uint16_t status_port(const Server& server) {
  const Endpoint endpoint = server.status_server();
  return ntohs(reinterpret_cast<const sockaddr_in&>(endpoint.address).sin_port);
}

bool is_installed(const char* program) {
  return run_program({"/bin/sh", "-c", std::string("command -v ") + program}).exit_status() == 0;
}

TEST(Metrics, HaveNothingThatPromtoolFindsFaultWith) {
  if (!is_installed("promtool")) {
    GTEST_SKIP() << "there is no promtool: install the package prometheus";
  }
  Server server(with_metrics);
  const Endpoint status = server.status_server();
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 3);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  const TemporaryDirectory directory;
  const auto reply = fetch(status, "/metrics");
  ASSERT_TRUE(reply);
  const std::string file = directory.write("metrics", reply->body);
  const RunReport report = run_program({"/bin/sh", "-c", "promtool check metrics <\"$0\"", file});
  EXPECT_EQ(report.exit_status(), 0) << report.errors;
  EXPECT_EQ(report.output + report.errors, "");
  // It can find fault at all.
  const std::string bad = directory.write("bad", reply->body + "# TYPE bad counter\nbad 1\n");
  EXPECT_NE(run_program({"/bin/sh", "-c", "promtool check metrics <\"$0\"", bad}).exit_status(), 0);
}

std::string documentation() {
  std::ifstream file(ERADIO_DOCS "/status.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

// The rules of docs/status.md: its block that begins with "groups:".
std::string documented_alerts() {
  const std::string text = documentation();
  const std::size_t begin = text.find("\ngroups:\n");
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find("\n```", begin) - begin + 1);
}

TEST(Alerts, OfTheDocumentationAreRulesAboutMetricsThatThereAre) {
  if (!is_installed("promtool")) {
    GTEST_SKIP() << "there is no promtool: install the package prometheus";
  }
  const std::string alerts = documented_alerts();
  const TemporaryDirectory directory;
  const std::string file = directory.write("alerts.yml", alerts);
  const RunReport report = run_program({"promtool", "check", "rules", file});
  EXPECT_EQ(report.exit_status(), 0) << report.output << report.errors;
  Server server(with_metrics);
  const auto reply = fetch(server.status_server(), "/metrics");
  ASSERT_TRUE(reply);
  static const std::regex metric("eradio_[a-z_]+");
  int metrics = 0;
  for (auto match = std::sregex_iterator(alerts.begin(), alerts.end(), metric);
       match != std::sregex_iterator(); ++match) {
    EXPECT_NE(reply->body.find("\n" + match->str()), std::string::npos) << match->str();
    ++metrics;
  }
  EXPECT_GT(metrics, 5);
}

// The value of a query that has one sample; nothing when it has another number of them.
std::optional<double> query(const Endpoint& prometheus, const std::string& expression) {
  const auto reply = fetch(prometheus, "/api/v1/query?query=" + expression);
  const json answer = reply ? json::parse(reply->body, nullptr, false) : json();
  if (!answer.is_object() || answer.value("status", "") != "success") {
    return std::nullopt;
  }
  const json& samples = answer.at("data").at("result");
  return samples.size() == 1
             ? std::optional(std::stod(samples.at(0).at("value").at(1).get<std::string>()))
             : std::nullopt;
}

TEST(Metrics, AreCollectedByPrometheusWithoutAWarning) {
  if (!is_installed("prometheus")) {
    GTEST_SKIP() << "there is no prometheus: install the package of that name";
  }
  ServerOptions options = with_metrics;
  options.arguments = {"--workers", "1"};
  Server server(options);
  constexpr int listeners = 4;
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, listeners);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));

  const TemporaryDirectory directory;
  const std::string configuration =
      directory.write("prometheus.yml",
                      "global: {scrape_interval: 500ms, scrape_timeout: 500ms}\n"
                      "scrape_configs:\n"
                      "  - job_name: eradio\n"
                      "    static_configs: [{targets: ['127.0.0.1:" +
                          std::to_string(status_port(server)) + "']}]\n");
  const std::uint16_t port = free_port();
  const Endpoint prometheus = Endpoint::ipv4(port);
  RunningProgram program({"prometheus", "--config.file=" + configuration,
                          "--storage.tsdb.path=" + directory.file("data"),
                          "--web.listen-address=127.0.0.1:" + std::to_string(port),
                          "--web.enable-lifecycle"});
  const auto answers = [&] {
    try {
      return query(prometheus, "max_over_time(eradio_frames_sent_total[10s])").value_or(0) > 0 &&
             query(prometheus, "count_over_time(up[10s])").value_or(0) >= 4;
    } catch (const std::runtime_error&) {  // it does not listen yet
      return false;
    }
  };
  ASSERT_TRUE(crowd.run_until(answers, 2 * patience)) << program.finish().errors;

  EXPECT_EQ(query(prometheus, "min_over_time(up[10s])"), 1);
  EXPECT_EQ(query(prometheus, "eradio_listeners"), listeners);
  EXPECT_EQ(query(prometheus, "eradio_ready"), 1);
  EXPECT_GT(query(prometheus, "histogram_quantile(0.99,eradio_frame_age_seconds_bucket)"), 0);
  EXPECT_NEAR(query(prometheus, "process_start_time_seconds").value_or(0),
              static_cast<double>(std::time(nullptr)), 300);
  const auto reply = fetch(prometheus, "/api/v1/targets");
  ASSERT_TRUE(reply);
  const json target = json::parse(reply->body, nullptr, false).at("data").at("activeTargets").at(0);
  EXPECT_EQ(target.at("health"), "up");
  EXPECT_EQ(target.at("lastError"), "");

  ASSERT_TRUE(fetch(prometheus, "/-/quit", "POST", "Content-Length: 0\r\n"));
  const RunReport report = program.finish();
  EXPECT_EQ(report.exit_status(), 0);
  std::istringstream log(report.errors);
  for (std::string line; std::getline(log, line);) {
    const bool complains = line.find("level=warn") != std::string::npos ||
                           line.find("level=error") != std::string::npos;
    EXPECT_TRUE(!complains || line.find("Received termination request") != std::string::npos)
        << line;
  }
}

// What docs/status.md says anything of stands there in backquotes.
std::set<std::string> documented_names() {
  const std::string text = documentation();
  static const std::regex quoted("`([A-Za-z0-9_]+)[^`]*`");
  std::set<std::string> names;
  for (auto match = std::sregex_iterator(text.begin(), text.end(), quoted);
       match != std::sregex_iterator(); ++match) {
    names.insert((*match)[1]);
  }
  return names;
}

void expect_documented(const json& value, const std::set<std::string>& documented) {
  if (value.is_array()) {
    for (const json& element : value) {
      expect_documented(element, documented);
    }
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      EXPECT_TRUE(documented.count(key)) << "docs/status.md does not say what " << key << " is";
      expect_documented(member, documented);
    }
  }
}

TEST(StatusDocumentation, DescribesEveryFieldAndEveryMetric) {
  const auto documented = documented_names();
  ASSERT_GT(documented.size(), 20U);
  Server server(with_metrics);
  const Endpoint status = server.status_server();
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()});
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  for (const char* target : {"/status", "/status/listeners", "/healthz", "/readyz"}) {
    const auto reply = fetch(status, target);
    ASSERT_TRUE(reply);
    expect_documented(json::parse(reply->body, nullptr, false), documented);
  }
  const auto reply = fetch(status, "/metrics");
  ASSERT_TRUE(reply);
  std::istringstream lines(reply->body);
  int metrics = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) {
      const std::string name = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(documented.count(name)) << "docs/status.md does not say what " << name << " is";
      ++metrics;
    }
  }
  EXPECT_GT(metrics, 30);
}

}  // namespace
}  // namespace eradio::testing
