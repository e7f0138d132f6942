// eradioctl: shows what a running eradiod does, and tells it what to do, over its control socket.

#include <signal.h>

#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/command_line.h"
#include "common/log.h"
#include "eradioctl/commands.h"
#include "eradioctl/control_client.h"
#include "eradioctl/failure.h"
#include "eradioctl/socket_path.h"

namespace {

using eradio::ExitStatus;
using eradio::Failure;

constexpr const char* about_exit_statuses =
    "Exit status: 0 done, 1 the server refused, failed, or does not answer in time, 2 wrong "
    "usage,\n"
    "3 no server there, 4 no permission.";

std::string error_json(const std::string& message) {
  const nlohmann::json json{{"error", eradio::printable(message)}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// `answer`: what the server has refused with, if it has.
int fail(ExitStatus status, const std::string& message, bool json, const std::string& answer = "") {
  if (json) {
    std::cout << (answer.empty() ? error_json(message) : answer) << std::endl;
  }
  std::cerr << "eradioctl: " << eradio::printable(message) << '\n';
  return static_cast<int>(status);
}

int run_command(const std::string& socket_path, const std::vector<std::string>& words, bool json) {
  eradio::ControlClient client(socket_path);
  try {
    eradio::run_command(client, words, json);
    return static_cast<int>(ExitStatus::ok);
  } catch (const Failure& failure) {
    return fail(failure.status(), failure.what(), json, client.refusal());
  } catch (const nlohmann::json::exception& error) {
    return fail(ExitStatus::refused,
                std::string("the server is of another version than this eradioctl, which does not "
                            "find what it looks for in the answer: ") +
                    error.what(),
                json);
  }
}

int run(int argc, const char* const* argv) {
  namespace options = boost::program_options;
  std::vector<std::string> words;
  std::optional<std::string> socket;
  std::optional<std::string> config;
  bool json = false;
  const auto into = [](std::optional<std::string>& value, const char* name) {
    return options::value<std::string>()
        ->notifier([&value](const std::string& given) { value = given; })
        ->value_name(name);
  };
  eradio::CommandLine line{.program = "eradioctl",
                           .usage = "[OPTION]… COMMAND",
                           .about = "Operates a running eradiod.\n\n" + eradio::commands_help() +
                                    "\n" + about_exit_statuses,
                           .rest = &words};
  line.options.add_options()("socket", into(socket, "PATH"), "the server's control_socket")(
      "config", into(config, "FILE"),
      "the server's configuration file, which says where the socket is; without either: the "
      "installed one")("json", options::bool_switch(&json),
                       "print the server's answer as JSON, or {\"error\":…}");
  if (const auto status = eradio::parse_command_line(line, argc, argv)) {
    return *status;
  }
  try {
    return run_command(eradio::find_socket_path(socket, config), words, json);
  } catch (const Failure& failure) {
    return fail(failure.status(), failure.what(), json);
  } catch (const std::exception& error) {
    return fail(ExitStatus::refused, error.what(), json);
  }
}

}  // namespace

int main(int argument_count, char** arguments) {
  ::signal(SIGPIPE, SIG_IGN);  // a server that goes away is a failure like others
  try {
    const int status = run(argument_count, arguments);
    if (!std::cout.flush()) {
      return fail(ExitStatus::refused, "standard output cannot be written", false);
    }
    return status;
  } catch (const std::exception& error) {
    return fail(ExitStatus::refused, error.what(), false);
  }
}
