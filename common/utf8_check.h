// Checks text for UTF-8 (RFC 3629) that comes in pieces, cut anywhere. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace eradio {

class Utf8Check {
 public:
  // False as soon as no continuation could make this UTF-8; then it stays false.
  [[nodiscard]] bool feed(std::span<const std::byte> bytes) noexcept {
    for (const std::byte byte : bytes) {
      if (!take(std::to_integer<std::uint8_t>(byte))) {
        bad_ = true;
      }
    }
    return !bad_;
  }
  // Whether what was fed ends with a whole character.
  [[nodiscard]] bool complete() const noexcept { return !bad_ && missing_ == 0; }

 private:
  // The rows of RFC 3629, 4: what the second byte may be depends on the first.
  bool take(std::uint8_t byte) noexcept {
    if (missing_ > 0) {
      const bool in_range = byte >= low_ && byte <= high_;
      low_ = 0x80;
      high_ = 0xbf;
      --missing_;
      return in_range;
    }
    if (byte < 0x80) {
      return true;
    }
    if (byte < 0xc2 || byte > 0xf4) {
      return false;
    }
    missing_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    low_ = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;  // no longer form than needed
    high_ = byte == 0xed   ? 0x9f
            : byte == 0xf4 ? 0x8f
                           : 0xbf;  // no surrogates, nothing over U+10FFFF
    return true;
  }

  bool bad_ = false;
  int missing_ = 0;  // bytes of a character that has begun
  std::uint8_t low_ = 0x80;
  std::uint8_t high_ = 0xbf;
};

}  // namespace eradio
