// The stream's metadata now, for a worker that comes later than the record that said so. One writer
// (master), any number of readers that it never waits for.
//
// The master writes the state first and publishes the record in the ring after it; a worker takes
// its place in the ring first and reads the state after that. So no change falls between the two;
// and the sequence of the record says which of those in the ring are older than the state.
#pragma once

#include <cstdint>
#include <optional>

#include "shm/locked_bytes.h"
#include "shm/shared_words.h"
#include "shm/stream_metadata.h"

namespace eradio {

constexpr std::uint64_t stream_state_magic = 0x7473646172657265;
constexpr std::uint32_t stream_state_layout_version = 3;

struct StreamStateLayout {
  // Written by the master before any worker starts, never again.
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t words_max;
  // Written by the master only.
  alignas(64) LockedBytes lock;
  // The sequence, then encode_stream_metadata().
  std::uint64_t words[1 + words_for(stream_metadata_bytes_max)];
};

struct StreamState {
  std::uint64_t sequence = 0;  // of its record in the ring; 0: there has never been one
  StreamMetadata metadata;
  bool operator==(const StreamState&) const = default;
};

class StreamStateWriter {
 public:
  // `layout`: zeroed shared memory, borrowed. Becomes "stopped".
  static StreamStateWriter create(StreamStateLayout& layout);
  // Goes on with one whose writer has gone; the caller has checked it.
  static StreamStateWriter attach(StreamStateLayout& layout) { return StreamStateWriter(layout); }
  // `sequence`: that the record will have.
  void write(std::uint64_t sequence, const StreamMetadata& metadata);

 private:
  explicit StreamStateWriter(StreamStateLayout& layout) : layout_(layout) {}

  StreamStateLayout& layout_;
};

class StreamStateReader {
 public:
  // Throws std::runtime_error if it is no stream state, or of another layout version.
  explicit StreamStateReader(const StreamStateLayout& layout);
  // Nothing when the master keeps changing it, has died while it did, or wrote nonsense.
  [[nodiscard]] std::optional<StreamState> read() const;

 private:
  const StreamStateLayout& layout_;
};

}  // namespace eradio
