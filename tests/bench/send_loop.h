// What the benchmarks' own servers have in common: they make the stream themselves, answer every
// request with a fixed head, and for each frame ask their rule what each listener gets. The rule is
// all in which eradio-bare-loop and eradio-original-rule differ.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/descriptor.h"

namespace eradio::testing {

struct SendLoopListener {
  Descriptor socket;
  std::vector<std::byte> unsent;  // of a frame that the kernel took a part of
};

struct SendRule {
  // Once for each new connection.
  void (*prepare)(int socket);
  // For each frame; false: the listener is cut off.
  bool (*send)(SendLoopListener& listener, std::span<const std::byte> frame);
};

struct SendLoopSettings {
  int processes = 1;  // each with a listening socket of its own (SO_REUSEPORT)
  double frames_per_second = 0;
  std::size_t frame_bytes = 0;
  bool any_address = false;  // else on the loopback device only
};

// Serves until the end of standard input; prints "port N" when it can be connected to. Throws
// std::system_error.
void run_send_loops(const SendLoopSettings& settings, const SendRule& rule);

}  // namespace eradio::testing
