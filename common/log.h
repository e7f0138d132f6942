// Set-up of the process's log: spdlog's default logger, one line per event on standard error. It
// never blocks: lines that nobody takes are dropped, and counted.
// After set_up_log() everything logs through spdlog::info() and its like.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace eradio {

// `process_name` stands in every line ("master", "worker 0"). `level`: see parse_log_level().
void set_up_log(const std::string& process_name, std::string_view level);

// True for: error, warning, info, debug, trace, off.
bool is_log_level(std::string_view level);

// Whether these bytes are UTF-8 (RFC 3629), C1 control characters excepted.
bool is_utf8(std::string_view text);

// Makes bytes from outside fit for a log line: control characters and bytes that are not UTF-8
// become \xHH, and what is longer than `bytes_max` is cut and says so.
std::string printable(std::string_view text, std::size_t bytes_max = 2000);

}  // namespace eradio
