// Where the installed parts are, found relative to the running executable: the installed tree works
// from whatever prefix it was put or moved to.
#pragma once

#include <filesystem>

namespace eradio {

struct InstallPaths {
  std::filesystem::path libexec;        // eradio-worker, eradio-source-…
  std::filesystem::path webroot;        // the page
  std::filesystem::path program{};      // eradiod itself
  std::filesystem::path status_page{};  // of the status server
};

// Throws std::filesystem::filesystem_error when /proc cannot be read.
InstallPaths find_install_paths();

}  // namespace eradio
