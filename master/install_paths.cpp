#include "master/install_paths.h"

#include <system_error>

#include "common/install_prefix.h"

namespace eradio {

namespace {

namespace fs = std::filesystem;

// `otherwise`: when whoever started this process has called it by another name.
fs::path path_of_program(const std::string& started_as, const fs::path& otherwise) {
  std::error_code error;
  const bool is_it = started_as.find('/') != std::string::npos &&
                     fs::equivalent(started_as, "/proc/self/exe", error);
  const fs::path path = is_it ? fs::absolute(started_as, error) : otherwise;
  return error ? otherwise : path;
}

}  // namespace

InstallPaths find_install_paths(const std::string& started_as) {
  const std::filesystem::path prefix = find_install_prefix(ERADIO_SBINDIR);
  return {.libexec = prefix / ERADIO_LIBEXECDIR,
          .webroot = prefix / ERADIO_DATADIR / "htdocs",
          .program = path_of_program(started_as, prefix / ERADIO_SBINDIR / "eradiod"),
          .status_page = prefix / ERADIO_DATADIR / "status"};
}

}  // namespace eradio
