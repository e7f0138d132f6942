#include "common/http/byte_range.h"

#include <algorithm>
#include <charconv>

#include "common/http/http_message.h"

namespace eradio {
namespace {

constexpr std::size_t digits_max = 15;  // far from overflow, and no file is that large

// Nothing when `text` is no decimal number of 1 to 15 digits.
std::optional<std::uint64_t> parse_position(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (text.empty() || text.size() > digits_max || result.ec != std::errc{} || result.ptr != end) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

ByteRange resolve_byte_range(std::string_view range_field, std::uint64_t size) {
  const auto equals = range_field.find('=');
  const auto dash = range_field.find('-');
  if (equals == std::string_view::npos || dash == std::string_view::npos || dash < equals ||
      !equals_ignoring_case(range_field.substr(0, equals), "bytes")) {
    return WholeBody{};
  }
  const std::string_view first_text = range_field.substr(equals + 1, dash - equals - 1);
  const std::string_view last_text = range_field.substr(dash + 1);
  const auto first = parse_position(first_text);
  const auto last = parse_position(last_text);
  if ((!first && !first_text.empty()) || (!last && !last_text.empty()) || (!first && !last) ||
      (first && last && *last < *first)) {
    return WholeBody{};
  }
  if (!first) {  // the last n bytes; all of them when there are fewer
    const std::uint64_t length = std::min(*last, size);
    return length == 0 ? ByteRange(Unsatisfiable{}) : ByteSlice{size - length, length};
  }
  if (*first >= size) {
    return Unsatisfiable{};
  }
  const std::uint64_t end = last ? std::min(*last, size - 1) + 1 : size;
  return ByteSlice{*first, end - *first};
}

std::string content_range(const std::optional<ByteSlice>& slice, std::uint64_t size) {
  if (!slice) {
    return "bytes */" + std::to_string(size);
  }
  return "bytes " + std::to_string(slice->offset) + "-" +
         std::to_string(slice->offset + slice->length - 1) + "/" + std::to_string(size);
}

}  // namespace eradio
