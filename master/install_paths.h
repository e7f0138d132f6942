// Where the installed parts are, found relative to the running executable: the installed tree works
// from whatever prefix it was put or moved to.
#pragma once

#include <filesystem>
#include <string>

namespace eradio {

struct InstallPaths {
  std::filesystem::path libexec;        // eradio-worker, eradio-source-…
  std::filesystem::path webroot;        // the page
  std::filesystem::path program{};      // eradiod itself, which an upgrade goes over to
  std::filesystem::path status_page{};  // of the status server
};

// `started_as`: the first word of the command line. If that is a path, the program is whatever
// stands there, so that an upgrade follows a link to the tree that is switched to another. Throws
// std::filesystem::filesystem_error when /proc cannot be read.
InstallPaths find_install_paths(const std::string& started_as);

}  // namespace eradio
