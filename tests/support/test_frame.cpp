#include "tests/support/test_frame.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace eradio::testing {
namespace {

constexpr std::size_t checksum_at = offsetof(TestFrameHeader, checksum);

// Eight bytes at a time, so that checking costs little beside receiving.
std::uint64_t mix(std::uint64_t hash, std::span<const std::byte> bytes) {
  constexpr std::uint64_t multiplier = 0x9e37'79b9'7f4a'7c15;
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t taken = std::min(sizeof word, bytes.size());
    std::memcpy(&word, bytes.data(), taken);
    hash = std::rotl((hash ^ word) * multiplier, 29);
    bytes = bytes.subspan(taken);
  }
  return hash;
}

std::uint64_t checksum_of(std::span<const std::byte> frame) {
  const std::uint64_t hash = mix(frame.size(), frame.first(checksum_at));
  return mix(hash, frame.subspan(sizeof(TestFrameHeader)));
}

}  // namespace

void make_test_frame(std::span<std::byte> frame, std::uint64_t run, std::uint64_t sequence,
                     std::int64_t time_ns, FrameKind kind, std::uint8_t header_number) {
  TestFrameHeader header{.magic = test_frame_magic,
                         .kind = kind,
                         .header = header_number,
                         .bytes = static_cast<std::uint32_t>(frame.size()),
                         .run = run,
                         .sequence = sequence,
                         .time_ns = time_ns,
                         .checksum = 0};
  std::uint64_t filler = run ^ sequence;
  for (std::size_t at = sizeof header; at < frame.size(); at += sizeof filler) {
    filler = filler * 6364136223846793005U + 1442695040888963407U;
    std::memcpy(frame.data() + at, &filler, std::min(sizeof filler, frame.size() - at));
  }
  std::memcpy(frame.data(), &header, sizeof header);
  header.checksum = checksum_of(frame);
  std::memcpy(frame.data(), &header, sizeof header);
}

std::optional<TestFrameHeader> read_test_frame_header(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(TestFrameHeader)) {
    return std::nullopt;
  }
  TestFrameHeader header{};
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != test_frame_magic || header.kind > FrameKind::header ||
      header.bytes < test_frame_bytes_min || header.bytes > test_frame_bytes_max) {
    return std::nullopt;
  }
  return header;
}

bool is_whole_test_frame(std::span<const std::byte> frame) {
  const auto header = read_test_frame_header(frame);
  return header && header->bytes == frame.size() && header->checksum == checksum_of(frame);
}

}  // namespace eradio::testing
