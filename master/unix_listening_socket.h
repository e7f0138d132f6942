// A Unix socket that is listened on, and its file: what a dead server has left behind is replaced,
// what a living one uses is not, and at the end the file is removed. For listen_unix and the
// control socket.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/descriptor.h"
#include "master/master_state.h"

namespace eradio {

class UnixListeningSocket {
 public:
  // `mode`: who may connect; nobody else ever can, not even for a moment. Throws std::system_error
  // that names the path. Changes the umask meanwhile, so no other thread may make files.
  UnixListeningSocket(const std::filesystem::path& path, mode_t mode);
  // Goes on with one of another master. Throws std::runtime_error.
  explicit UnixListeningSocket(const SavedUnixSocket& saved);
  [[nodiscard]] SavedUnixSocket save() const;
  // Removes the file, if it is still the one that was made here.
  ~UnixListeningSocket();
  UnixListeningSocket(const UnixListeningSocket&) = delete;
  UnixListeningSocket& operator=(const UnixListeningSocket&) = delete;

  [[nodiscard]] int number() const noexcept { return socket_.number(); }
  // "unix:/run/…"
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  Descriptor socket_;
  std::filesystem::path path_;
  std::string name_;
  std::uint64_t inode_ = 0;
};

}  // namespace eradio
