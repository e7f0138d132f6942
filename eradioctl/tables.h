// The server's JSON as short aligned text for people. What comes from outside, as the names of
// tracks do, cannot do anything to the terminal. What is not there, since the server is of another
// version, is a dash.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace eradio {

// Rows of cells as lines, each column as wide as its longest cell: the first row's cells name them.
// Cells that begin with a digit stand on the right.
std::string aligned(const std::vector<std::vector<std::string>>& rows);

// "59 s", "12 min", "3 h 20 min", "5 d 3 h".
std::string duration_text(std::uint64_t seconds);

// Of GET /status.
std::string status_text(const nlohmann::ordered_json& status);
// Of the "listeners" of GET /listeners.
std::string listeners_text(const nlohmann::ordered_json& listeners);

}  // namespace eradio
