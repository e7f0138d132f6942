#include "tests/support/worker_of.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "common/system_error.h"

namespace eradio::testing {
namespace {

namespace fs = std::filesystem;

// The port that stands behind the colon of an address in /proc/net/tcp (proc(5)).
unsigned port_of(const std::string& address) {
  return static_cast<unsigned>(std::stoul(address.substr(address.rfind(':') + 1), nullptr, 16));
}

// The inode of the server's end, as /proc/PID/fd names it.
std::optional<std::string> socket_name(unsigned server_port, unsigned client_port) {
  std::ifstream table("/proc/net/tcp");
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    std::istringstream row(line);
    std::string slot;
    std::string local;
    std::string remote;
    row >> slot >> local >> remote;
    if (port_of(local) != server_port || port_of(remote) != client_port) {
      continue;
    }
    std::string field;
    for (int i = 0; i < 7; ++i) {  // state, queues, timer, retransmits, user, timeout, inode
      row >> field;
    }
    return field == "0" ? std::nullopt : std::optional("socket:[" + field + "]");
  }
  return std::nullopt;
}

bool has_open(pid_t process, const std::string& name) {
  std::error_code error;
  for (const auto& entry :
       fs::directory_iterator("/proc/" + std::to_string(process) + "/fd", error)) {
    if (fs::read_symlink(entry.path(), error) == name) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<pid_t> worker_of(const Server& server, int client_descriptor) {
  sockaddr_in ours{};
  socklen_t length = sizeof ours;
  check_syscall(::getsockname(client_descriptor, reinterpret_cast<sockaddr*>(&ours), &length),
                "getsockname");
  if (const auto name = socket_name(server.port(), ntohs(ours.sin_port))) {
    for (const pid_t worker : server.workers()) {
      if (has_open(worker, *name)) {
        return worker;
      }
    }
  }
  return std::nullopt;
}

}  // namespace eradio::testing
