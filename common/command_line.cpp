#include "common/command_line.h"

#include <iostream>

#include "common/version.h"

namespace eradio {

namespace options = boost::program_options;

std::optional<int> parse_command_line(CommandLine& line, int argc, const char* const* argv) {
  line.options.add_options()("help,h", "show this and exit")("version,V",
                                                             "show the version and exit");
  options::options_description all;
  all.add(line.options);
  options::positional_options_description positional;
  constexpr const char* rest_name = "(arguments)";
  if (line.rest != nullptr) {
    all.add_options()(rest_name, options::value(line.rest));
    positional.add(rest_name, -1);
  }
  try {
    namespace style = options::command_line_style;
    options::variables_map values;
    options::store(options::command_line_parser(argc, argv)
                       .options(all)
                       .positional(positional)
                       .style(style::default_style & ~style::allow_guessing)
                       .run(),
                   values);
    options::notify(values);
    if (values.count("help") != 0) {
      std::cout << "Usage: " << line.program << ' ' << line.usage << "\n\n"
                << line.about << "\n\n"
                << line.options;
      return 0;
    }
    if (values.count("version") != 0) {
      std::cout << line.program << " (eradio) " << ERADIO_VERSION << '\n';
      return 0;
    }
  } catch (const options::error& error) {
    return usage_error(line, error.what());
  }
  return std::nullopt;
}

int usage_error(const CommandLine& line, const std::string& message) {
  std::cerr << line.program << ": " << message << " (see --help)\n";
  return 2;
}

}  // namespace eradio
