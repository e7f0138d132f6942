// A stream frame that describes itself, so that whoever receives it can tell whether it is whole,
// which one it is and how old. The test source and the bare send loop make them; StreamCheck checks
// them. All processes that use it run on one machine, so byte order and clock are the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "common/frame_kind.h"

namespace eradio::testing {

constexpr std::uint16_t test_frame_magic = 0x7266;

// At the front of the frame; the rest of it is filler that follows from run and sequence.
struct TestFrameHeader {
  std::uint16_t magic;
  FrameKind kind;
  std::uint8_t header;     // the number of the header that it needs, or is; 0: none
  std::uint32_t bytes;     // of the whole frame
  std::uint64_t run;       // CLOCK_MONOTONIC, ns, when the program that makes the frames started
  std::uint64_t sequence;  // from 1 on within a run; of a header: that of the frame before it
  std::int64_t time_ns;    // CLOCK_MONOTONIC when the frame was made
  std::uint64_t checksum;  // over everything before and behind this field
};
static_assert(sizeof(TestFrameHeader) == 40);

constexpr std::size_t test_frame_bytes_min = sizeof(TestFrameHeader);
constexpr std::size_t test_frame_bytes_max = std::size_t{64} << 20;

// Makes one that takes all of `frame`.
void make_test_frame(std::span<std::byte> frame, std::uint64_t run, std::uint64_t sequence,
                     std::int64_t time_ns, FrameKind kind = FrameKind::sync_point,
                     std::uint8_t header_number = 0);

// The header at the front of `bytes`, if it can be one; the frame itself need not be there yet.
std::optional<TestFrameHeader> read_test_frame_header(std::span<const std::byte> bytes);

// Whether `frame` is, from the first byte to the last, what make_test_frame() made.
bool is_whole_test_frame(std::span<const std::byte> frame);

}  // namespace eradio::testing
