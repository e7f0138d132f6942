// What the test source is told to do, from its command line. Made once, read by the rest of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace eradio::testing {

// A frame that no source should send, and after which data frame it is sent.
struct BrokenFrame {
  std::uint64_t after = 0;
  std::string kind;  // one of those in broken_frames.cpp
};

struct Behaviour {
  double frames_per_second = 38.28;  // 0: as fast as the pipe takes them
  std::size_t frame_bytes = 418;     // of payload
  std::uint64_t sync_every = 1;      // each so-many-th data frame is a sync point
  std::uint64_t header_every = 0;    // before each so-many-th data frame comes a header; 0: never
  std::size_t header_bytes = 2000;   // of payload
  std::uint64_t frames_max = 0;      // then it exits; 0: endless
  int exit_status = 0;
  bool ignore_sigterm = false;
  bool read_commands = true;
  bool fork_child = false;               // which holds all pipes and sleeps
  std::uint64_t pause_after = 0;         // data frames; 0: never
  std::chrono::milliseconds pause{0};    // and then it goes on
  std::uint64_t stop_after = 0;          // says "stopped" and sends no more data
  std::uint64_t close_output_after = 0;  // but lives on
  std::uint64_t crash_after = 0;         // abort()
  std::vector<BrokenFrame> broken_frames;
  std::vector<std::string> error_lines;   // on standard error, at the start
  std::vector<std::string> log_messages;  // "LEVEL:TEXT", at the start
  std::string track_name = "Test tone";
  std::uint64_t track_every = 0;  // data frames; 0: never. Names are numbers that grow, from source
                                  // to source too
  std::string remote_path;        // a FIFO that the test commands it through (source_remote.h)
};

// Throws std::runtime_error for what it does not know. `--misbehave_once FILE`: if FILE is there,
// everything but rate and size is as by default; if not, it is made.
Behaviour parse_behaviour(const std::vector<std::string>& arguments);

// The bytes of a broken frame, length and type included. Throws for an unknown kind.
std::vector<std::byte> broken_frame(std::string_view kind);

}  // namespace eradio::testing
