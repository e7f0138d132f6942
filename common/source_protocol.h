// What a source program and the master say to each other: frames from the source's standard
// output to the master, command bytes from the master to the source's standard input. The prose
// and an example are in docs/source-protocol.md; both ends are in source_frame_writer.h (sources)
// and source_frame_parser.h (master).
//
//   0        4      5
//   +--------+------+-----------------+
//   | length | type | body            |     length: 32-bit big-endian, bytes of type and body
//   +--------+------+-----------------+
#pragma once

#include <cstddef>
#include <cstdint>

namespace eradio {

enum class SourceFrameType : std::uint8_t {
  log = 1,             // body: level byte, UTF-8 text
  data = 2,            // body: one frame for broadcast, opaque to the server
  started = 3,         // body: nothing, or URI and name, each after its 16-bit big-endian length
  stopped = 4,         // body: nothing
  dependent_data = 5,  // body: a frame that a listener must not begin with
  header = 6,          // body: what the frames behind it need before them; or nothing
};

enum class SourceLogLevel : std::uint8_t { error = 1, warning = 2, info = 3, debug = 4 };

enum class SourceCommand : std::uint8_t { play = 1, pause = 2, previous = 3, next = 4 };

constexpr std::size_t source_length_bytes = 4;        // the length field
constexpr std::size_t source_name_bytes_max = 65535;  // URI and name: what 16 bits can say

}  // namespace eradio
