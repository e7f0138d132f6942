// eradio-bare-loop PROCESSES RATE BYTES: what the fan-out benchmark compares eradio with. One
// process per core; for each frame one send() per listener and nothing else: no looking at queues,
// no skipping, no statistics. Whoever cannot take a whole frame at once is cut off. Prints
// "port N", ends with its input.

#include <sys/socket.h>

#include <cstdio>
#include <string>

#include "tests/bench/send_loop.h"
#include "tests/support/program.h"

namespace eradio::testing {
namespace {

void prepare(int /*socket*/) {}

bool send(SendLoopListener& listener, std::span<const std::byte> frame) {
  return ::send(listener.socket.number(), frame.data(), frame.size(),
                MSG_DONTWAIT | MSG_NOSIGNAL) == static_cast<ssize_t>(frame.size());
}

int run(int argument_count, char** arguments) {
  if (argument_count != 4) {
    std::fputs("usage: eradio-bare-loop PROCESSES RATE BYTES\n", stderr);
    return 2;
  }
  run_send_loops({.processes = std::stoi(arguments[1]),
                  .frames_per_second = std::stod(arguments[2]),
                  .frame_bytes = std::stoull(arguments[3])},
                 {.prepare = prepare, .send = send});
  return 0;
}

}  // namespace
}  // namespace eradio::testing

int main(int argument_count, char** arguments) {
  return eradio::testing::run_main("eradio-bare-loop", eradio::testing::run, argument_count,
                                   arguments);
}
