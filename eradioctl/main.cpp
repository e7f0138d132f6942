// eradioctl: shows what a running eradiod does, and tells it what to do, over its control socket.

#include <signal.h>

#include <exception>
#include <iostream>
#include <string>
#include <vector>

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
    "Exit status: 0 done, 1 the server refused or failed, 2 wrong usage, 3 no server there,\n"
    "4 no permission.";

int fail(ExitStatus status, const std::string& message) {
  std::cerr << "eradioctl: " << eradio::printable(message) << '\n';
  return static_cast<int>(status);
}

int run(int argc, const char* const* argv) {
  namespace options = boost::program_options;
  std::vector<std::string> words;
  std::string socket;
  std::string config;
  bool json = false;
  eradio::CommandLine line{.program = "eradioctl",
                           .usage = "[OPTION]… COMMAND",
                           .about = "Operates a running eradiod.\n\n" + eradio::commands_help() +
                                    "\n" + about_exit_statuses,
                           .rest = &words};
  line.options.add_options()("socket", options::value(&socket)->value_name("PATH"),
                             "the server's control_socket")(
      "config", options::value(&config)->value_name("FILE"),
      "the server's configuration file, which says where the socket is; without either: the "
      "installed one")("json", options::bool_switch(&json), "print the server's answer as JSON");
  if (const auto status = eradio::parse_command_line(line, argc, argv)) {
    return *status;
  }
  eradio::ControlClient client(eradio::find_socket_path(socket, config));
  try {
    eradio::run_command(client, words, json);
  } catch (const Failure&) {
    if (json && !client.refusal().empty()) {
      std::cout << client.refusal() << std::endl;
    }
    throw;
  }
  return static_cast<int>(ExitStatus::ok);
}

}  // namespace

int main(int argument_count, char** arguments) {
  ::signal(SIGPIPE, SIG_IGN);  // a server that goes away is a failure like others
  try {
    return run(argument_count, arguments);
  } catch (const Failure& failure) {
    return fail(failure.status(), failure.what());
  } catch (const std::exception& error) {
    return fail(ExitStatus::refused, error.what());
  }
}
