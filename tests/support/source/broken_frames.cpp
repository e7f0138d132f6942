// Every way in which a frame of the source protocol can be broken.

#include <array>
#include <stdexcept>

#include "common/byte_order.h"
#include "common/source_protocol.h"
#include "tests/support/source/behaviour.h"

namespace eradio::testing {
namespace {

std::vector<std::byte> with_length(std::uint32_t length, std::string_view type_and_body) {
  std::vector<std::byte> frame(source_length_bytes);
  write_big_endian(length, frame);
  for (const char byte : type_and_body) {
    frame.push_back(static_cast<std::byte>(byte));
  }
  return frame;
}

struct Kind {
  std::string_view name;
  std::string_view type_and_body;
};

using namespace std::string_view_literals;

// Those whose length is right, so that framing survives.
constexpr std::array skippable_kinds{
    Kind{"unknown-type", "\x09what is this"sv},
    Kind{"type-zero", "\0"sv},
    Kind{"log-without-level", "\x01"sv},
    Kind{"log-level-zero", "\x01\0text"sv},
    Kind{"data-without-data", "\x02"sv},
    Kind{"started-cut-in-length", "\x03\0"sv},
    Kind{"started-without-name", "\x03\0\x03uri"sv},
    Kind{"started-with-long-uri", "\x03\xff\xffuri"sv},
    Kind{"started-with-more", "\x03\0\x01u\0\x01nmore"sv},
};

}  // namespace

std::vector<std::byte> broken_frame(std::string_view kind) {
  for (const Kind& known : skippable_kinds) {
    if (known.name == kind) {
      return with_length(static_cast<std::uint32_t>(known.type_and_body.size()),
                         known.type_and_body);
    }
  }
  if (kind == "length-zero") {
    return with_length(0, "");
  }
  if (kind == "length-over-max") {
    return with_length(0xffff'ffff, "\x02");
  }
  if (kind == "cut-off") {  // for a source that exits behind it
    return with_length(100, "\x02the rest never comes");
  }
  if (kind == "garbage") {
    std::vector<std::byte> garbage(100'000);
    std::uint32_t state = 1;
    for (std::byte& byte : garbage) {
      state = state * 1664525 + 1013904223;
      byte = static_cast<std::byte>(state >> 24U | 0x80U);
    }
    return garbage;
  }
  throw std::runtime_error("no such kind of broken frame: " + std::string(kind));
}

}  // namespace eradio::testing
