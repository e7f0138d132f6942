// The page of the status server: its files, read once and kept in memory, so that no request ever
// waits for a disk.
#pragma once

#include <filesystem>

#include "common/http/http_server.h"

namespace eradio {

// A route for each file below `directory`, "/" for its index.html. What cannot be read is logged,
// and left out.
void add_status_page(HttpServer& server, const std::filesystem::path& directory);

}  // namespace eradio
