#include "tests/e2e/eradioctl.h"

#include <unistd.h>

#include <utility>

#include <gtest/gtest.h>

namespace eradio::testing {
namespace {

ServerOptions with_socket(ServerOptions options, const std::string& socket) {
  options.control_socket = socket;
  return options;
}

}  // namespace

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

RunReport run_eradioctl(const std::vector<std::string>& arguments) {
  std::vector<std::string> words{installed_program("bin/eradioctl")};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return run_program(words);
}

OperatedServer::OperatedServer(ServerOptions options)
    : socket_(directory_.file("control.sock")), server_(with_socket(std::move(options), socket_)) {}

RunReport OperatedServer::ctl(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"--socket", socket_});
  return run_eradioctl(arguments);
}

nlohmann::json OperatedServer::ctl_json(std::vector<std::string> arguments) const {
  arguments.emplace_back("--json");
  const RunReport report = ctl(std::move(arguments));
  EXPECT_EQ(report.exit_status(), 0) << report.errors;
  auto json = nlohmann::json::parse(report.output, nullptr, false);
  EXPECT_TRUE(json.is_object()) << report.output;
  return json;
}

std::vector<std::string> as_nobody() {
  if (::geteuid() != 0) {
    return {};
  }
  return {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"};
}

}  // namespace eradio::testing
