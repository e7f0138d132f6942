#include "master/install_paths.h"

namespace eradio {

InstallPaths find_install_paths() {
  // The build says where things are installed below the prefix, eradiod itself included.
  const std::filesystem::path executable = std::filesystem::read_symlink("/proc/self/exe");
  std::filesystem::path prefix = executable.parent_path();
  for ([[maybe_unused]] const auto& part : std::filesystem::path(ERADIO_SBINDIR)) {
    prefix = prefix.parent_path();
  }
  return {.libexec = prefix / ERADIO_LIBEXECDIR, .webroot = prefix / ERADIO_DATADIR / "htdocs"};
}

}  // namespace eradio
