// A string of bytes in shared memory that one writer changes now and then and any number of readers
// copy, without waiting for each other: a sequence lock over words (shared_words.h).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace eradio {

struct LockedBytes {
  std::atomic<std::uint64_t> version;  // odd while the rest is being changed
  std::uint64_t bytes;                 // of the words that are used; a shared word
};

// `words` hold the bytes; there must be room. A writer that was killed within a write may be
// followed by another.
void write_locked(LockedBytes& lock, std::span<std::uint64_t> words,
                  std::span<const std::byte> bytes);

// Tries `attempts_max` times: a write takes microseconds, and is followed by none for long. False
// when the writer keeps changing them, has died while it did, or wrote nonsense.
[[nodiscard]] bool read_locked(const LockedBytes& lock, std::span<const std::uint64_t> words,
                               std::vector<std::byte>& bytes, int attempts_max = 100);

}  // namespace eradio
