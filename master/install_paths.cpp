#include "master/install_paths.h"

#include "common/install_prefix.h"

namespace eradio {

InstallPaths find_install_paths() {
  const std::filesystem::path prefix = find_install_prefix(ERADIO_SBINDIR);
  return {.libexec = prefix / ERADIO_LIBEXECDIR,
          .webroot = prefix / ERADIO_DATADIR / "htdocs",
          .program = prefix / ERADIO_SBINDIR / "eradiod",
          .status_page = prefix / ERADIO_DATADIR / "status"};
}

}  // namespace eradio
