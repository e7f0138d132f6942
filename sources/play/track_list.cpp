#include "sources/play/track_list.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <system_error>

#include "sources/play/locations.h"
#include "sources/play/playlist.h"

namespace eradio {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t depth_max = 32;                    // of folders and playlists in each other
constexpr std::uintmax_t playlist_bytes_max = 16 << 20;  // a longer one is something else

// What lies beside music in a music folder. Named, so that it is not tried and complained about;
// playlists too, since the files they name are mostly in the same folder.
constexpr std::array beside_music{
    "bmp", "bak",  "cue", "db",  "doc",  "docx", "gif",  "htm", "html", "ini",  "jpeg",
    "jpg", "json", "log", "lrc", "m3u",  "m3u8", "md",   "md5", "nfo",  "pdf",  "pls",
    "png", "rtf",  "sfv", "sh",  "sha1", "svg",  "tiff", "txt", "url",  "webp", "xml"};

bool is_beside_music(std::string_view name) {
  return name.starts_with('.') ||
         std::any_of(beside_music.begin(), beside_music.end(),
                     [&](const char* extension) { return has_extension(name, extension); });
}

class Lister {
 public:
  explicit Lister(LogLines& log) : log_(log) {}

  // A file, folder, playlist or URL. `title` as a playlist gave it.
  void add(const std::string& argument, const std::string& title) {
    if (const auto path = path_of_file_url(argument)) {
      return add_path(*path, title);
    }
    if (is_url(argument)) {
      tracks_.push_back(
          {.location = argument, .uri = to_utf8(argument), .title = title, .fallback = argument});
      return;
    }
    add_path(argument, title);
  }

  std::vector<Track> take() { return std::move(tracks_); }

 private:
  void add_path(const fs::path& path, const std::string& title) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) {
      return complain(path,
                      error ? error : std::make_error_code(std::errc::no_such_file_or_directory));
    }
    const std::string name = path.string();
    const bool folder = fs::is_directory(status);
    if (!folder && !has_extension(name, "m3u") && !has_extension(name, "m3u8") &&
        !has_extension(name, "pls")) {
      return add_file(path, title, false);
    }
    // A folder or playlist that is reached through itself would never end.
    const fs::path real = fs::canonical(path, error);
    const bool open = std::find(open_.begin(), open_.end(), real) != open_.end();
    if (error || open || open_.size() >= depth_max) {
      return complain(
          path, error ? error : std::make_error_code(std::errc::too_many_symbolic_link_levels));
    }
    open_.push_back(real);
    if (folder) {
      add_folder(path);
    } else {
      add_playlist(path, title);
    }
    open_.pop_back();
  }

  void add_file(const fs::path& path, const std::string& title, bool hls) {
    tracks_.push_back({.location = path.string(),
                       .uri = file_url(path),
                       .title = title,
                       .fallback = to_utf8(path.filename().string()),
                       .hls = hls});
  }

  void add_folder(const fs::path& folder) {
    std::error_code error;
    std::vector<fs::path> entries;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      entries.push_back(entry->path());
    }
    if (error) {
      complain(folder, error);
    }
    std::sort(entries.begin(), entries.end());
    for (const fs::path& entry : entries) {
      const fs::file_status status = fs::status(entry, error);
      if (fs::is_directory(status) && !entry.filename().string().starts_with('.')) {
        add_path(entry, "");
      } else if (fs::is_regular_file(status) && !is_beside_music(entry.filename().string())) {
        add_file(entry, "", false);
      }
    }
  }

  void add_playlist(const fs::path& path, const std::string& title) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    std::ifstream file(path, std::ios::binary);
    if (error || !file || size > playlist_bytes_max) {
      return complain(path, error ? error : std::make_error_code(std::errc::io_error));
    }
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const bool pls = has_extension(path.string(), "pls");
    if (!pls && is_hls(text)) {
      return add_file(path, title, true);
    }
    for (const PlaylistEntry& entry : pls ? parse_pls(text) : parse_m3u(text)) {
      // operator/ leaves an absolute path alone.
      add(is_url(entry.location) ? entry.location : (path.parent_path() / entry.location).string(),
          entry.title);
    }
  }

  void complain(const fs::path& path, const std::error_code& error) {
    log_.add(SourceLogLevel::error, "cannot read " + path.string() + ": " + error.message());
  }

  LogLines& log_;
  std::vector<Track> tracks_;
  std::vector<fs::path> open_;  // folders and playlists, canonical, the present one last
};

}  // namespace

std::vector<Track> list_tracks(const std::vector<std::string>& arguments, LogLines& log) {
  Lister lister(log);
  for (const std::string& argument : arguments) {
    lister.add(argument, "");
  }
  return lister.take();
}

}  // namespace eradio
