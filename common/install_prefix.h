// Where the installed tree begins, found from the running executable: the tree works from whatever
// prefix it was put or moved to.
#pragma once

#include <filesystem>

namespace eradio {

// `directory`: where this executable is installed below the prefix, as the build says ("sbin").
// Throws std::filesystem::filesystem_error when /proc cannot be read.
inline std::filesystem::path find_install_prefix(const std::filesystem::path& directory) {
  std::filesystem::path prefix = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  for ([[maybe_unused]] const auto& part : directory) {
    prefix = prefix.parent_path();
  }
  return prefix;
}

}  // namespace eradio
