// The header that the stream's frames need now (type 6 of the source protocol), for a worker that
// comes later than its record in the ring. One writer (master), any number of readers that it never
// waits for. As with the stream state, the master writes the header first and publishes its record
// after that, and a worker takes its place in the ring before it reads the header: the sequence of
// the record says which of the frames it reads then are behind the header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "shm/locked_bytes.h"

namespace eradio {

constexpr std::uint64_t stream_header_magic = 0x6461656872646172;
constexpr std::uint32_t stream_header_layout_version = 2;

// The header's words follow: first sequence and stream position, then the bytes.
struct StreamHeaderLayout {
  // Written by the master before any worker starts, never again.
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t words_max;
  // Written by the master only.
  alignas(64) LockedBytes lock;
};

struct StreamHeader {
  std::uint64_t sequence = 0;         // of its record in the ring; 0: there has never been one
  std::uint64_t stream_position = 0;  // of its record, too
  std::vector<std::byte> bytes;       // empty: the frames need none
  bool operator==(const StreamHeader&) const = default;
};

// What the layout takes, for headers of up to `bytes_max`; a whole number of pages.
std::size_t stream_header_memory_bytes(std::size_t bytes_max) noexcept;

class StreamHeaderWriter {
 public:
  // `memory`: zeroed, borrowed, of stream_header_memory_bytes(n).
  static StreamHeaderWriter create(std::span<std::byte> memory);
  // Goes on with one whose writer has gone; the caller has checked it, and `memory` has its length.
  static StreamHeaderWriter attach(std::span<std::byte> memory) {
    return StreamHeaderWriter(memory);
  }
  // `bytes`: no more than the memory was made for.
  void write(std::uint64_t sequence, std::uint64_t stream_position,
             std::span<const std::byte> bytes);

 private:
  explicit StreamHeaderWriter(std::span<std::byte> memory);

  StreamHeaderLayout* layout_;
  std::span<std::uint64_t> words_;
};

class StreamHeaderReader {
 public:
  // `memory` begins with the header, and may be longer. Throws std::runtime_error if there is none,
  // or one of another layout version.
  explicit StreamHeaderReader(std::span<const std::byte> memory);
  // Nothing when the master is changing it, has died while it did, or wrote nonsense.
  [[nodiscard]] std::optional<StreamHeader> read() const;
  // Of the memory.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  const StreamHeaderLayout* layout_;
  std::span<const std::uint64_t> words_;
};

}  // namespace eradio
