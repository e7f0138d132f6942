// What the play source's arguments mean: files, folders, playlists and URLs become one flat list
// of tracks. Looks at folders and playlists only, never into media files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sources/play/log_lines.h"

namespace eradio {

struct Track {
  std::string location;  // a URL or a path
  std::string uri;       // for listeners
  std::string title;     // from a playlist, may be empty
  std::string fallback;  // file name or URL: the name when nothing else is known; UTF-8
  bool hls = false;      // a local playlist of HTTP Live Streaming, which may lead into the network
  bool operator==(const Track&) const = default;
};

// In the order of the arguments; folders are walked into their subfolders, sorted by name. What
// cannot be read is logged and left out.
std::vector<Track> list_tracks(const std::vector<std::string>& arguments, LogLines& log);

}  // namespace eradio
