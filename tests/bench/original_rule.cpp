// eradio-original-rule RATE BYTES: the rule of the server that eradio re-creates, for the lag
// benchmark. SO_SNDBUF is 8000; a frame is sent when no more than that many bytes are in the
// kernel's send queue, else it is dropped for this listener. Prints "port N", ends with its input.

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "tests/bench/send_loop.h"
#include "tests/support/program.h"

namespace eradio::testing {
namespace {

constexpr int queue_bytes_max = 8000;

void prepare(int socket) {
  ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &queue_bytes_max, sizeof queue_bytes_max);
}

// Hands over what of `bytes` the kernel takes; false when the connection is broken.
bool send_some(int socket, std::span<const std::byte>& bytes) {
  const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) {
    return errno == EAGAIN || errno == EINTR;
  }
  bytes = bytes.subspan(static_cast<std::size_t>(sent));
  return true;
}

// SO_SNDBUF counts the kernel's buffers too, so that it can be full before 8000 bytes are queued.
// What is left of a frame then goes before the next one; a frame of which nothing was taken is
// dropped, as if the queue had been too long.
bool send(SendLoopListener& listener, std::span<const std::byte> frame) {
  const int socket = listener.socket.number();
  if (!listener.unsent.empty()) {
    std::span<const std::byte> rest = listener.unsent;
    if (!send_some(socket, rest)) {
      return false;
    }
    listener.unsent = {rest.begin(), rest.end()};
  }
  int queued = 0;
  if (::ioctl(socket, SIOCOUTQ, &queued) != 0) {
    return false;
  }
  if (!listener.unsent.empty() || queued > queue_bytes_max) {
    return true;
  }
  std::span<const std::byte> rest = frame;
  if (!send_some(socket, rest)) {
    return false;
  }
  if (rest.size() < frame.size()) {
    listener.unsent = {rest.begin(), rest.end()};
  }
  return true;
}

int run(int argument_count, char** arguments) {
  if (argument_count != 3) {
    std::fputs("usage: eradio-original-rule RATE BYTES\n", stderr);
    return 2;
  }
  run_send_loops({.frames_per_second = std::stod(arguments[1]),
                  .frame_bytes = std::stoull(arguments[2]),
                  .any_address = true},
                 {.prepare = prepare, .send = send});
  return 0;
}

}  // namespace
}  // namespace eradio::testing

int main(int argument_count, char** arguments) {
  return eradio::testing::run_main("eradio-original-rule", eradio::testing::run, argument_count,
                                   arguments);
}
