// The Range field (RFC 9110, 14) as a pure function. One simple range is honoured, everything else
// ignored, as RFC 9110, 14.2 allows. cpp-httplib 0.11.4 never sees the field: it matches it with a
// recursive std::regex, sends every byte again for every overlapping range, and does not clamp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace eradio {

struct ByteSlice {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  // at least 1
  bool operator==(const ByteSlice&) const = default;
};
struct WholeBody {
  bool operator==(const WholeBody&) const = default;
};
struct Unsatisfiable {
  bool operator==(const Unsatisfiable&) const = default;
};
using ByteRange = std::variant<WholeBody, ByteSlice, Unsatisfiable>;

// What "bytes=a-b", "bytes=a-" or "bytes=-n" asks of a body of `size` bytes.
ByteRange resolve_byte_range(std::string_view range_field, std::uint64_t size);

// The value of Content-Range: "bytes 0-9/100" for a slice, "bytes */100" without one.
std::string content_range(const std::optional<ByteSlice>& slice, std::uint64_t size);

}  // namespace eradio
