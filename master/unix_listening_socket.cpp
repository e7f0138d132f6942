#include "master/unix_listening_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/system_error.h"
#include "master/tcp_address.h"

namespace eradio {
namespace {

// The process's umask for as long as this lives.
class UmaskScope {
 public:
  explicit UmaskScope(mode_t mask) : before_(::umask(mask)) {}
  ~UmaskScope() { ::umask(before_); }
  UmaskScope(const UmaskScope&) = delete;
  UmaskScope& operator=(const UmaskScope&) = delete;

 private:
  mode_t before_;
};

Descriptor make_socket() {
  return Descriptor(
      check_syscall(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
}

// Whether somebody answers there, or the file was only left behind.
bool somebody_listens(const sockaddr_un& address) {
  const Descriptor socket = make_socket();
  return ::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
             0 ||
         errno != ECONNREFUSED;
}

}  // namespace

UnixListeningSocket::UnixListeningSocket(const std::filesystem::path& path, mode_t mode)
    : path_(std::filesystem::absolute(path)), name_("unix:" + path.string()) {
  const std::string failure = "cannot listen on " + name_;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) {
    throw_system_error(failure, ENAMETOOLONG);
  }
  std::memcpy(address.sun_path, path.c_str(), path.native().size() + 1);

  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) {
      throw_system_error(failure + ", which is no socket", EEXIST);
    }
    if (somebody_listens(address)) {
      throw_system_error(failure, EADDRINUSE);
    }
    ::unlink(path.c_str());  // left behind by a server that was killed
  }
  Descriptor socket = make_socket();
  {
    const UmaskScope scope(~mode & 0777U);  // bind(2) makes the file with what this leaves
    if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
      throw_system_error(failure);
    }
  }
  if (::stat(path_.c_str(), &status) < 0 || ::listen(socket.number(), accept_queue_length) < 0) {
    const int error_number = errno;
    ::unlink(path_.c_str());
    throw_system_error(failure, error_number);
  }
  inode_ = status.st_ino;
  socket_ = std::move(socket);
}

UnixListeningSocket::UnixListeningSocket(const SavedUnixSocket& saved)
    : socket_(take_descriptor(saved.descriptor, "a Unix socket")),
      path_(saved.path),
      name_("unix:" + saved.path),
      inode_(saved.inode) {}

SavedUnixSocket UnixListeningSocket::save() const {
  return {.descriptor = socket_.number(), .path = path_.string(), .inode = inode_};
}

UnixListeningSocket::~UnixListeningSocket() {
  struct stat status {};
  if (::stat(path_.c_str(), &status) == 0 && status.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
}

}  // namespace eradio
