#include "common/http/static_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/http/byte_range.h"
#include "common/http/http_date.h"
#include "common/system_error.h"

namespace eradio {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 30> content_types{{
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"gif", "image/gif"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/x-icon"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"md", "text/markdown; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mp3", "audio/mpeg"},
    {"ogg", "audio/ogg"},
    {"opus", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"ts", "text/plain; charset=utf-8"},  // TypeScript here, not MPEG
    {"ttf", "font/ttf"},
    {"txt", "text/plain; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xml", "application/xml"},
    {"yaml", "application/yaml"},
}};

// No empty segment but the last, and none that begins with a dot: that leaves out "..", "." and
// whatever is hidden.
bool is_visible_path(std::string_view path) noexcept {
  return path.starts_with('/') && path.find("//") == std::string_view::npos &&
         path.find("/.") == std::string_view::npos && path.find('\0') == std::string_view::npos;
}

bool is_below(const std::filesystem::path& path, const std::filesystem::path& root) {
  const auto ends = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  return ends.first == root.end();
}

// Of a file or directory that is there, and to which no symbolic link leads out of `root`. What is
// no file to be sent is told apart here, since opening a device can have effects of its own.
std::optional<std::filesystem::path> real_path_below(const std::filesystem::path& root,
                                                     const std::filesystem::path& wanted) {
  std::error_code error;
  const auto real = std::filesystem::canonical(wanted, error);
  if (error || !is_below(real, root)) {
    return std::nullopt;
  }
  const auto type = std::filesystem::status(real, error).type();
  const bool may_be_opened =
      type == std::filesystem::file_type::directory || type == std::filesystem::file_type::regular;
  return may_be_opened ? std::optional(real) : std::nullopt;
}

// RFC 9110, 8.8.3.2: weak comparison for If-None-Match; ours are strong, so for If-Match it differs
// only in that a weak one never matches.
bool has_etag(const HttpFields& request, std::string_view name, std::string_view etag, bool weak) {
  return request.get(name) == "*" || request.has_token(name, etag) ||
         (weak && request.has_token(name, "W/" + std::string(etag)));
}

// RFC 9110, 13.2.2: the order in which the conditions count.
std::optional<FilePart> check_conditions(const HttpFields& request, const OpenFile& file) {
  const auto date = [&](std::string_view name) -> std::optional<std::time_t> {
    const auto value = request.get(name);
    return value ? parse_http_date(*value) : std::nullopt;
  };
  if (request.count("If-Match") > 0) {
    if (!has_etag(request, "If-Match", file.etag, false)) {
      return FilePart::precondition_failed;
    }
  } else if (const auto since = date("If-Unmodified-Since"); since && file.modified > *since) {
    return FilePart::precondition_failed;
  }
  if (request.count("If-None-Match") > 0) {
    if (has_etag(request, "If-None-Match", file.etag, true)) {
      return FilePart::nothing_new;
    }
  } else if (const auto since = date("If-Modified-Since"); since && file.modified <= *since) {
    return FilePart::nothing_new;
  }
  return std::nullopt;
}

// RFC 9110, 13.1.5: a range of another state of the file than the client has would be nonsense.
bool range_applies(const HttpFields& request, const OpenFile& file) {
  const auto if_range = request.get("If-Range");
  return request.count("Range") == 1 &&
         (!if_range || *if_range == file.etag || *if_range == format_http_date(file.modified));
}

}  // namespace

StaticFiles::StaticFiles(std::filesystem::path directory, Reach reach)
    : root_(std::move(directory)), reach_(reach) {
  if (reach_ == Reach::any_file) {
    root_ = std::filesystem::canonical(root_);
  }
  // One that cannot be listed can have files that can be read.
  const Descriptor opened(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened && errno != EACCES) {
    throw_system_error(root_.string());
  }
}

FileLookup StaticFiles::open(std::string_view path) const {
  if (!is_visible_path(path)) {
    return NoSuchFile{};
  }
  std::filesystem::path wanted = root_;
  wanted += path;
  if (path.ends_with('/')) {
    wanted += "index.html";
  }
  Descriptor file;
  if (reach_ == Reach::this_directory) {
    file = open_anything(wanted);
  } else {
    const auto real = real_path_below(root_, wanted);
    file = real ? open_anything(*real) : Descriptor();
  }
  struct stat state {};
  if (!file || !read_status(file.number(), state)) {
    return NoSuchFile{};  // unreadable is as good as absent, and says less
  }
  if (S_ISDIR(state.st_mode) && !path.ends_with('/')) {
    return DirectoryWithoutSlash{};
  }
  if (!S_ISREG(state.st_mode)) {
    return NoSuchFile{};
  }
  OpenFile found;
  found.file = std::move(file);
  found.size = static_cast<std::uint64_t>(state.st_size);
  found.modified = state.st_mtim.tv_sec;
  found.etag =
      fmt::format("\"{:x}-{:x}-{:x}\"", found.size, state.st_mtim.tv_sec, state.st_mtim.tv_nsec);
  found.content_type = content_type_of(wanted.filename().string());
  return found;
}

// Opening a pipe or a terminal must neither wait nor have effects that last.
Descriptor StaticFiles::open_anything(const std::filesystem::path& path) {
  return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

std::string_view content_type_of(std::string_view file_name) {
  const auto dot = file_name.rfind('.');
  const auto extension = dot == std::string_view::npos ? "" : file_name.substr(dot + 1);
  const auto known =
      std::find_if(content_types.begin(), content_types.end(),
                   [&](const auto& entry) { return equals_ignoring_case(entry.first, extension); });
  return known == content_types.end() ? "application/octet-stream" : known->second;
}

FileDecision decide_file_part(const HttpFields& request, const OpenFile& file) {
  if (const auto answer = check_conditions(request, file)) {
    return {*answer, 0, 0};
  }
  const auto range = range_applies(request, file)
                         ? resolve_byte_range(*request.get("Range"), file.size)
                         : ByteRange(WholeBody{});
  if (const auto* slice = std::get_if<ByteSlice>(&range)) {
    return {FilePart::slice, slice->offset, slice->length};
  }
  if (std::holds_alternative<Unsatisfiable>(range)) {
    return {FilePart::unsatisfiable, 0, 0};
  }
  return {FilePart::whole, 0, file.size};
}

}  // namespace eradio
