#include "shm/shared_words.h"

#include <cstring>

namespace eradio {

void store_words(std::span<std::uint64_t> shared, std::span<const std::byte> bytes) noexcept {
  std::size_t word = 0;
  while (!bytes.empty()) {
    const std::size_t part = bytes.size() < word_bytes ? bytes.size() : word_bytes;
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), part);
    store_word(shared[word++], value);
    bytes = bytes.subspan(part);
  }
}

void load_words(std::span<const std::uint64_t> shared, std::span<std::byte> bytes) noexcept {
  const std::size_t whole = bytes.size() / word_bytes;
  for (std::size_t word = 0; word < whole; ++word) {
    const std::uint64_t value = load_word(shared[word]);
    std::memcpy(bytes.data() + word * word_bytes, &value, word_bytes);
  }
  if (const std::size_t rest = bytes.size() % word_bytes; rest > 0) {
    const std::uint64_t value = load_word(shared[whole]);
    std::memcpy(bytes.data() + whole * word_bytes, &value, rest);
  }
}

}  // namespace eradio
