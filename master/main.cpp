// eradiod: reads the configuration, then hands over to the master.

#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "common/descriptor.h"
#include "common/log.h"
#include "common/version.h"
#include "master/configuration.h"
#include "master/install_paths.h"
#include "master/master.h"
#include "master/state_check.h"
#include "master/upgrade.h"

namespace {

int run(const std::vector<std::string>& command_line) {
  auto upgrade = eradio::take_upgrade_order();
  const eradio::InstallPaths paths = eradio::find_install_paths(command_line.front());
  const std::vector<std::string> arguments(command_line.begin() + 1, command_line.end());
  eradio::LoadedConfiguration loaded = eradio::load_configuration(arguments, paths);
  if (loaded.help) {
    std::fputs(eradio::configuration_help(paths).c_str(), stdout);
    return 0;
  }
  if (loaded.version) {
    std::puts("eradiod " ERADIO_VERSION);
    return 0;
  }
  for (const auto& problem : loaded.problems) {
    std::fprintf(stderr, "eradiod: %s: %s\n", problem.place.c_str(), problem.text.c_str());
  }
  if (upgrade && !upgrade->check_only && !loaded.problems.empty()) {
    std::fputs("eradiod: the configuration stays as it was\n", stderr);
    loaded = eradio::load_settings(upgrade->state.settings, paths);
    loaded.problems.clear();  // a default in place of what this version does not take: not the end
  }
  if (!loaded.problems.empty()) {
    return 1;
  }
  if (upgrade && upgrade->check_only) {
    eradio::check_state(upgrade->state);
    eradio::check_workers(upgrade->state);
    eradio::check_shared_memory(upgrade->state);
    eradio::say_that_it_can_go_on();
    return 0;
  }
  if (loaded.check_only) {
    std::puts("the configuration is in order");
    return 0;
  }
  const eradio::Configuration& configuration = loaded.configuration;
  eradio::set_up_log("master", configuration.log_level, configuration.log_format);
  if (configuration.log_file && !upgrade) {
    try {
      eradio::log_to_file(*configuration.log_file);
    } catch (const std::system_error& error) {
      throw std::runtime_error(std::string("log_file: ") + error.what());
    }
  }
  eradio::Master(loaded, paths, command_line,
                 upgrade ? std::optional(std::move(upgrade->state)) : std::nullopt)
      .run();
  return 0;
}

}  // namespace

int main(int argument_count, char** arguments) {
  try {
    eradio::open_standard_descriptors();
    return run({arguments, arguments + argument_count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "eradiod: %s\n", error.what());
    return 1;
  }
}
