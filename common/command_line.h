// The command line of a small program: --help, --version, and mistakes, which are one line on
// standard error and exit status 2. Used by the main() of each source and of eradioctl.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

namespace eradio {

struct CommandLine {
  std::string program;  // its name, as in messages
  std::string usage;    // "[OPTION]… FILE…": what comes after the name
  std::string about;    // what it does, in whole sentences
  boost::program_options::options_description options{"Options"};
  // Takes the arguments that are not options; none are allowed without it.
  std::vector<std::string>* rest = nullptr;
};

// Fills the variables that `line.options` is bound to. Returns the exit status when the program
// is to end at once: it was asked for help or its version, or something was wrong.
std::optional<int> parse_command_line(CommandLine& line, int argc, const char* const* argv);

// Says what was wrong with the command line; returns the exit status.
int usage_error(const CommandLine& line, const std::string& message);

}  // namespace eradio
