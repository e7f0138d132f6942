// Where a track is: paths, URLs, and how each is written for FFmpeg and for listeners. Pure text
// functions, used by the play source's track list and decoder.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace eradio {

// "scheme://…". Everything else is a path.
bool is_url(std::string_view text);
// The path that a file:// URL means; nothing when it is another kind of URL, or of another host.
std::optional<std::filesystem::path> path_of_file_url(std::string_view url);
// "file:///music/My%20song.mp3", of the absolute path.
std::string file_url(const std::filesystem::path& path);
// Valid UTF-8 stays what it is. Other bytes are taken for Latin-1, in which old tags and
// playlists are written.
std::string to_utf8(std::string_view text);
// Whether `name` ends in `.extension` in either case; `extension` in lower case, without the dot.
bool has_extension(std::string_view name, std::string_view extension);

}  // namespace eradio
