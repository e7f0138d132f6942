// Big-endian integers in byte strings, as the source protocol has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace eradio {

// Reads the first sizeof(Integer) bytes; the caller has checked that they are there.
template <typename Integer>
Integer read_big_endian(std::span<const std::byte> bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    value = value << 8U | std::to_integer<std::uint64_t>(bytes[i]);
  }
  return static_cast<Integer>(value);
}

template <typename Integer>
void write_big_endian(Integer value, std::span<std::byte> bytes) noexcept {
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    const auto shift = 8U * (sizeof(Integer) - 1 - i);
    bytes[i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> shift & 0xffU);
  }
}

}  // namespace eradio
