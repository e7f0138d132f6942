#include "eradioctl/socket_path.h"

#include <filesystem>

#include "common/configuration_file.h"
#include "common/control_protocol.h"
#include "common/install_prefix.h"
#include "eradioctl/failure.h"

namespace eradio {
namespace {

std::string path_in(const std::string& config) {
  // Its problems are eradiod's to complain about; but for one.
  const ConfigurationFile file = read_configuration_file(config);
  if (!file.problems.empty() && file.problems.front().place == config) {
    throw Failure(ExitStatus::usage, "the file \"" + config + "\" cannot be read");
  }
  for (const ConfigurationSetting& setting : file.settings) {
    if (setting.key == "control_socket" && setting.value == "none") {
      throw Failure(ExitStatus::no_server,
                    setting.place + ": control_socket = none: the server has no control socket");
    }
    if (setting.key == "control_socket") {
      return setting.value;
    }
  }
  return default_control_socket;
}

}  // namespace

std::string find_socket_path(const std::optional<std::string>& socket,
                             const std::optional<std::string>& config) {
  if (socket) {
    return *socket;  // an empty one, too: another server than is meant must not be found
  }
  if (config) {
    return path_in(*config);
  }
  const std::filesystem::path installed =
      find_install_prefix(ERADIO_BINDIR) / ERADIO_SYSCONFDIR / "eradio.conf";
  std::error_code ignored;
  return std::filesystem::exists(installed, ignored) ? path_in(installed.string())
                                                     : default_control_socket;
}

}  // namespace eradio
