// Texts of configuration values to values. Each throws std::invalid_argument that says what would
// be right; the caller adds key and place.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace eradio {

// A decimal number within the bounds.
std::uint64_t parse_number(std::string_view text, std::uint64_t min, std::uint64_t max);

// Bytes: "65536", "64 KiB", "8MiB", "1 GiB".
std::uint64_t parse_bytes(std::string_view text, std::uint64_t min, std::uint64_t max);

// "250", "250 ms" (milliseconds), "2 s", "0.5s".
std::chrono::milliseconds parse_duration(std::string_view text, std::chrono::milliseconds min,
                                         std::chrono::milliseconds max);

// A command line into words, with quotes and backslashes as a shell has them (POSIX, Shell Command
// Language, 2.2), and nothing else of a shell: no variables, no patterns.
std::vector<std::string> parse_command_line(const std::string& text);

}  // namespace eradio
