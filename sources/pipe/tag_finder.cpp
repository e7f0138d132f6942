#include "sources/pipe/tag_finder.h"

#include <algorithm>
#include <string_view>

namespace eradio {
namespace {

using Kind = TagStart::Kind;

// How many bytes of `mark` are at the front of `bytes`, as far as these go.
Kind compare(std::span<const std::byte> bytes, std::string_view mark) {
  const std::size_t length = std::min(bytes.size(), mark.size());
  for (std::size_t i = 0; i < length; ++i) {
    if (bytes[i] != static_cast<std::byte>(mark[i])) {
      return Kind::none;
    }
  }
  return length == mark.size() ? Kind::tag : Kind::perhaps;
}

// id3.org/id3v2.4.0-structure, 3.1
TagStart find_id3v2(std::span<const std::byte> bytes) {
  constexpr std::size_t header_bytes = 10;
  const Kind mark = compare(bytes, "ID3");
  if (mark != Kind::tag || bytes.size() < header_bytes) {
    return {.kind = mark == Kind::none ? Kind::none : Kind::perhaps};
  }
  const auto byte_at = [&](std::size_t i) { return std::to_integer<std::uint32_t>(bytes[i]); };
  const std::uint32_t version = byte_at(3);
  const std::uint32_t flags = byte_at(5);
  if (version < 2 || version > 4 || byte_at(4) == 0xff || (flags & 0x0fU) != 0) {
    return {};
  }
  std::uint64_t size = 0;
  for (std::size_t i = 6; i < header_bytes; ++i) {
    if (byte_at(i) >= 0x80) {
      return {};
    }
    size = size << 7U | byte_at(i);
  }
  const bool has_footer = (flags & 0x10U) != 0;
  return {.kind = Kind::tag, .bytes = header_bytes + size + (has_footer ? header_bytes : 0)};
}

// wiki.hydrogenaud.io: APE Tags Header
TagStart find_ape(std::span<const std::byte> bytes) {
  constexpr std::size_t header_bytes = 32;
  const Kind mark = compare(bytes, "APETAGEX");
  if (mark != Kind::tag || bytes.size() < header_bytes) {
    return {.kind = mark == Kind::none ? Kind::none : Kind::perhaps};
  }
  const auto little_endian = [&](std::size_t offset) {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i > 0; --i) {
      value = value << 8U | std::to_integer<std::uint32_t>(bytes[offset + i - 1]);
    }
    return value;
  };
  // The size counts the items and the footer; where there is no header, the items were before.
  const bool is_header = (little_endian(20) & 0x20000000U) != 0;
  return {.kind = Kind::tag, .bytes = header_bytes + (is_header ? little_endian(12) : 0)};
}

TagStart find_id3v1(std::span<const std::byte> bytes) {
  // "TAG+" is a longer one that stands before the other.
  const Kind enhanced = compare(bytes, "TAG+");
  if (enhanced == Kind::tag) {
    return {.kind = Kind::tag, .bytes = 227};
  }
  if (enhanced == Kind::perhaps) {
    return {.kind = Kind::perhaps};
  }
  return {.kind = compare(bytes, "TAG"), .bytes = 128};
}

}  // namespace

TagStart find_tag(std::span<const std::byte> bytes, bool between_frames) {
  if (const TagStart id3v2 = find_id3v2(bytes); id3v2.kind != Kind::none) {
    return id3v2;
  }
  if (const TagStart ape = find_ape(bytes); ape.kind != Kind::none) {
    return ape;
  }
  return between_frames ? find_id3v1(bytes) : TagStart{};
}

}  // namespace eradio
