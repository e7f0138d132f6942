// A directory for one test's files, gone with everything in it when the test ends.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "common/system_error.h"

namespace eradio::testing {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    // Short, so that the path of a Unix socket fits in it.
    std::string name = (std::filesystem::temp_directory_path() / "eradio-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw_system_error("mkdtemp " + name);
    }
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }
  // Makes a file; returns its path.
  std::string write(std::string_view name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace eradio::testing
