#include "tests/support/notify_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "common/clock.h"
#include "common/system_error.h"

namespace eradio::testing {
namespace {

std::pair<sockaddr_un, socklen_t> socket_address(const std::string& address) {
  sockaddr_un result{};
  result.sun_family = AF_UNIX;
  std::memcpy(result.sun_path, address.data(), address.size());
  if (address.front() == '@') {
    result.sun_path[0] = '\0';
  }
  return {result, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size())};
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

NotifySocket::NotifySocket(std::string address)
    : address_(std::move(address)),
      socket_(check_syscall(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket")) {
  const int on = 1;
  check_syscall(::setsockopt(socket_.number(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on),
                "SO_PASSCRED");
  const auto [name, bytes] = socket_address(address_);
  check_syscall(::bind(socket_.number(), reinterpret_cast<const sockaddr*>(&name), bytes), "bind");
}

std::vector<std::string> NotifySocket::run_by(std::chrono::milliseconds watchdog) const {
  std::string script = "export NOTIFY_SOCKET=" + address_;
  if (watchdog.count() > 0) {
    script += " WATCHDOG_PID=$$ WATCHDOG_USEC=" + std::to_string(watchdog.count() * 1000);
  }
  return {"/bin/sh", "-c", script + "; exec \"$@\"", "sh"};
}

void NotifySocket::fill() {
  const Descriptor sender(
      check_syscall(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
  const auto [name, bytes] = socket_address(address_);
  const std::string_view nothing_new = "STATUS=\n";
  // Its queue is bounded by net.unix.max_dgram_qlen, the sender by its own buffer.
  while (::sendto(sender.number(), nothing_new.data(), nothing_new.size(), 0,
                  reinterpret_cast<const sockaddr*>(&name), bytes) > 0) {
  }
}

const std::vector<NotifySocket::Message>& NotifySocket::messages() {
  take(std::chrono::milliseconds(0));
  return messages_;
}

std::size_t NotifySocket::wait_for(const std::string& line, std::size_t after,
                                   std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (std::size_t i = after;;) {
    for (; i < messages_.size(); ++i) {
      if (has_line(messages_[i].text, line)) {
        return i + 1;
      }
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return 0;
    }
    take(std::chrono::milliseconds(50));
  }
}

void NotifySocket::listen_for(std::chrono::milliseconds duration) {
  const auto deadline = std::chrono::steady_clock::now() + duration;
  while (std::chrono::steady_clock::now() < deadline) {
    take(std::chrono::milliseconds(20));
  }
}

// What is there; or what comes within the limit.
void NotifySocket::take(std::chrono::milliseconds limit) {
  pollfd readable{.fd = socket_.number(), .events = POLLIN, .revents = 0};
  for (int wait_ms = static_cast<int>(limit.count()); ::poll(&readable, 1, wait_ms) > 0;
       wait_ms = 0) {
    std::array<char, 4096> bytes{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
    iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t got =
        check_syscall(::recvmsg(socket_.number(), &header, MSG_DONTWAIT), "recvmsg");
    Message message{.text = std::string(bytes.data(), static_cast<std::size_t>(got)),
                    .time_ns = monotonic_ns()};
    if (const cmsghdr* const first = CMSG_FIRSTHDR(&header); first != nullptr) {
      ucred sender{};
      std::memcpy(&sender, CMSG_DATA(first), sizeof sender);
      message.process = sender.pid;
    }
    messages_.push_back(std::move(message));
  }
}

}  // namespace eradio::testing
