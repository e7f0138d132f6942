// eradio-test-listener PORT RECEIVE_BUFFER: one listener in a process of its own, to be suspended
// and continued with signals. It listens until its standard input ends, then prints what it found,
// one "name value" pair a line. Ages and times are in milliseconds.

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "common/clock.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/program.h"

namespace eradio::testing {
namespace {

bool input_has_ended() {
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  char byte = 0;
  return ::poll(&input, 1, 0) > 0 && ::read(STDIN_FILENO, &byte, 1) <= 0;
}

int run(int argument_count, char** arguments) {
  if (argument_count != 3) {
    std::fputs("usage: eradio-test-listener PORT RECEIVE_BUFFER\n", stderr);
    return 2;
  }
  ListenerCrowd crowd;
  const CrowdListener& listener =
      crowd.add({.endpoint = Endpoint::ipv4(static_cast<std::uint16_t>(std::stoi(arguments[1]))),
                 .socket = {.receive_buffer_bytes = std::stoi(arguments[2])}});
  bool announced = false;
  const bool told = crowd.run_until(
      [&] {
        if (!announced && listener.check().frames() > 0) {
          announced = true;
          std::puts("listening");
          std::fflush(stdout);
        }
        return listener.state() == CrowdListener::State::ended || input_has_ended();
      },
      std::chrono::minutes(2));
  const StreamCheck& check = listener.check();
  std::printf("told %d\nended %d\nframes %llu\nmissed %llu\njumps %zu\n", told ? 1 : 0,
              listener.listening() ? 0 : 1, static_cast<unsigned long long>(check.frames()),
              static_cast<unsigned long long>(check.missed()), check.jumps().size());
  std::int64_t worst_ns = 0;
  for (const auto& jump : check.jumps()) {
    worst_ns = std::max(worst_ns, jump.age_ns);
  }
  std::printf("age_after_jump %lld\nlast_age %lld\nlate_bytes %llu\nfault %s\n",
              static_cast<long long>(worst_ns / ns_per_ms),
              static_cast<long long>(check.last_age_ns() / ns_per_ms),
              static_cast<unsigned long long>(check.late_bytes()),
              check.fault().empty() ? "none" : check.fault().c_str());
  return 0;
}

}  // namespace
}  // namespace eradio::testing

int main(int argument_count, char** arguments) {
  return eradio::testing::run_main("eradio-test-listener", eradio::testing::run, argument_count,
                                   arguments);
}
