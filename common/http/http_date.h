// HTTP's date format (RFC 9110, 5.6.7): for Date, Last-Modified and the conditions on them. Pure,
// and free of the process's locale.
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace eradio {

// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string format_http_date(std::time_t time);

// Reads what format_http_date() writes. The two obsolete forms are not read: a condition that
// cannot be read is ignored (RFC 9110, 13.1.3), which costs an answer in full and nothing else.
std::optional<std::time_t> parse_http_date(std::string_view text);

}  // namespace eradio
