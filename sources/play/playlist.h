// The playlist formats M3U (M3U8) and PLS: text in, entries out. Pure; used by the play source's
// track list, which finds out where the entries are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace eradio {

struct PlaylistEntry {
  std::string location;  // a path, perhaps relative to the playlist, or a URL; bytes as they stood
  std::string title;     // UTF-8; empty when the playlist says none
  bool operator==(const PlaylistEntry&) const = default;
};

// One location a line; "#EXTINF:seconds,title" before it; other lines with # are comments.
std::vector<PlaylistEntry> parse_m3u(std::string_view text);
// "[playlist]" with File1=, Title1= and so on; in the order of the numbers.
std::vector<PlaylistEntry> parse_pls(std::string_view text);
// An M3U8 file of HTTP Live Streaming (RFC 8216) lists pieces of one stream, not tracks.
bool is_hls(std::string_view text);

}  // namespace eradio
