// The options of a program that measures or tests something, by Boost.Program_options.
#pragma once

#include <cstdio>
#include <optional>
#include <sstream>

#include <boost/program_options.hpp>

namespace eradio::testing {

// `description`: its caption says what the program is for; --help is added. Nothing when that was
// asked for: then it has been printed. Throws std::exception for what is no option.
inline std::optional<boost::program_options::variables_map> read_options(
    int argument_count, char** arguments,
    boost::program_options::options_description& description) {
  description.add_options()("help", "print this, and exit");
  boost::program_options::variables_map values;
  boost::program_options::store(
      boost::program_options::parse_command_line(argument_count, arguments, description), values);
  boost::program_options::notify(values);
  if (!values.contains("help")) {
    return values;
  }
  std::ostringstream text;
  text << description;
  std::printf("%s", text.str().c_str());
  return std::nullopt;
}

}  // namespace eradio::testing
