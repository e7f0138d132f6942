// The id that a listener goes by: a decimal integer from 0 to 2^63-1 in the query of a request (the
// contract, section 3).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/http/http_message.h"

namespace eradio {

// Without sign, space or anything else; nothing if it is none.
std::optional<std::uint64_t> parse_listener_id(std::string_view text);

// Of the request's parameter; nothing when it is missing, bad, or there twice with two values.
std::optional<std::uint64_t> listener_id_of(const HttpRequest& request);

std::uint64_t random_listener_id();

constexpr const char* bad_listener_id_text =
    "listener_id must be one decimal integer from 0 to 9223372036854775807";

}  // namespace eradio
