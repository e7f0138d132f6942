#include "shm/locked_bytes.h"

#include <thread>

#include "common/check.h"
#include "shm/shared_words.h"

namespace eradio {

void write_locked(LockedBytes& lock, std::span<std::uint64_t> words,
                  std::span<const std::byte> bytes) {
  ERADIO_CHECK(bytes.size() <= words.size_bytes());
  const std::uint64_t version = lock.version.load(std::memory_order_relaxed) | 1U;
  lock.version.store(version, std::memory_order_release);
  store_word(lock.bytes, bytes.size());
  store_words(words, bytes);
  lock.version.store(version + 1, std::memory_order_release);
}

bool read_locked(const LockedBytes& lock, std::span<const std::uint64_t> words,
                 std::vector<std::byte>& bytes, int attempts_max) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const std::uint64_t before = lock.version.load(std::memory_order_acquire);
    const std::uint64_t used = load_word(lock.bytes);
    if (before % 2 != 0 || used > words.size_bytes()) {
      std::this_thread::yield();
      continue;
    }
    bytes.resize(used);
    load_words(words, bytes);
    if (lock.version.load(std::memory_order_acquire) == before) {
      return true;
    }
  }
  return false;
}

}  // namespace eradio
