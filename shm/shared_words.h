// Copies bytes in and out of shared memory word by word, each word through std::atomic_ref: so a
// reader may copy what a writer is just changing without a data race in the C++ sense. What it got
// may be torn: whoever reads has to tell that afterwards (docs/ring.md, locked_bytes.h,
// listener_table.h).
//
// Every store is a release and every load an acquire: a reader that got one word of a later write
// therefore sees everything the writer stored before it, above all the position that says "what you
// are reading is gone". On x86-64 both are plain moves. docs/ring.md has the whole argument.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace eradio {

constexpr std::size_t word_bytes = sizeof(std::uint64_t);
static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::endian::native == std::endian::little, "padding bytes are cut off at the end");

constexpr std::size_t words_for(std::size_t bytes) noexcept {
  return (bytes + word_bytes - 1) / word_bytes;
}

inline void store_word(std::uint64_t& shared, std::uint64_t value) noexcept {
  std::atomic_ref(shared).store(value, std::memory_order_release);
}

inline std::uint64_t load_word(const std::uint64_t& shared) noexcept {
  // atomic_ref of a const object comes with C++26; a lock-free load writes nothing, so it may be
  // done on memory that is mapped read-only.
  return std::atomic_ref(const_cast<std::uint64_t&>(shared)).load(std::memory_order_acquire);
}

// `shared` has at least words_for(bytes.size()) words; the last one is filled up with zeros.
void store_words(std::span<std::uint64_t> shared, std::span<const std::byte> bytes) noexcept;
void load_words(std::span<const std::uint64_t> shared, std::span<std::byte> bytes) noexcept;

}  // namespace eradio
