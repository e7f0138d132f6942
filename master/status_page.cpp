#include "master/status_page.h"

#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>

#include "common/http/static_files.h"
#include "common/log.h"

namespace eradio {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t file_bytes_max = std::uintmax_t{1} << 20U;

// What the page needs, and nothing more: no inline scripts, no other servers. The library that
// draws the graphs places its elements by their style attributes, through the DOM, which needs no
// permission.
constexpr const char* security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::optional<std::string> read_file(const fs::path& path) {
  std::error_code error;
  if (fs::file_size(path, error) > file_bytes_max || error) {
    return std::nullopt;
  }
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  return file ? std::optional(std::move(text)) : std::nullopt;
}

void add_file(HttpServer& server, const std::string& route, const fs::path& path) {
  auto text = read_file(path);
  if (!text) {
    log::warning("{} cannot be read: the status server is without it", path.string());
    return;
  }
  HttpResponse response;
  response.body = *std::move(text);
  response.fields.set("Content-Type", std::string(content_type_of(path.filename().string())));
  response.fields.set("Cache-Control", "no-cache");
  response.fields.set("Content-Security-Policy", security_policy);
  response.fields.set("Referrer-Policy", "no-referrer");
  server.route("GET", route, [response](const HttpRequest&) { return response; });
  if (path.filename() == "index.html") {
    server.route("GET", route.substr(0, route.rfind('/') + 1),
                 [response](const HttpRequest&) { return response; });
  }
}

}  // namespace

void add_status_page(HttpServer& server, const fs::path& directory) {
  std::error_code error;
  for (fs::recursive_directory_iterator file(directory, error), end; !error && file != end;
       file.increment(error)) {
    if (file->is_regular_file(error)) {
      add_file(server, "/" + file->path().lexically_relative(directory).string(), file->path());
    }
  }
  if (error) {
    log::warning("the status server is without its page: {}: {}", directory.string(),
                 error.message());
  }
}

}  // namespace eradio
