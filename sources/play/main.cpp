// eradio-source-play: plays files, folders, playlists and internet streams, anything that FFmpeg
// decodes, as one MP3 stream without gaps. Speaks the protocol of docs/source-protocol.md.
#include <signal.h>
#include <unistd.h>

#include <exception>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "common/command_line.h"
#include "common/descriptor.h"
#include "sources/play/ffmpeg_log.h"
#include "sources/play/player.h"
#include "sources/play/read_ahead.h"
#include "sources/play/track_list.h"

namespace {

using namespace eradio;

int play(const std::vector<std::string>& arguments, PlayOrder::Settings order_settings,
         const Player::Settings& player_settings) {
  const Descriptor wakeup = make_wakeup();
  SourceFrameWriter server(STDOUT_FILENO);
  CommandReader commands(STDIN_FILENO, STDOUT_FILENO, wakeup.number());
  LogLines log(wakeup.number());
  const FfmpegLog ffmpeg_log(log);

  std::vector<Track> tracks = list_tracks(arguments, log);
  if (tracks.empty()) {
    log.add(SourceLogLevel::error, "nothing to play: no track in any of the arguments");
    for (const LogLine& line : log.take_all()) {
      if (!server.log(line.level, line.text)) {
        return 0;
      }
    }
    return 1;  // the server starts us again, after longer and longer pauses
  }
  order_settings.seed = std::random_device{}();
  const PlayOrder order(tracks.size(), order_settings);
  ReadAhead read_ahead(std::move(tracks), order, log, wakeup.number());
  Player(player_settings, order, read_ahead, log, commands, server).run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  namespace options = boost::program_options;

  PlayOrder::Settings order_settings;
  Player::Settings player_settings;
  bool unpaced = false;
  std::vector<std::string> arguments;
  CommandLine line{
      .program = "eradio-source-play",
      .usage = "[OPTION]… FILE|FOLDER|PLAYLIST|URL…",
      .about =
          "A source program for eradiod: plays files, folders with all their subfolders,\n"
          "playlists (M3U, M3U8, PLS) and internet streams as one MP3 stream. At the end of\n"
          "the list it stops and waits for a command."};
  line.rest = &arguments;
  line.options.add_options()("loop", options::bool_switch(&order_settings.loop),
                             "begin again at the end of the list")(
      "shuffle", options::bool_switch(&order_settings.shuffle),
      "in random order, another one each time round")(
      "bitrate", options::value(&player_settings.kilobits)->value_name("K")->default_value(128),
      "kbit/s of the MP3 stream")(
      "unpaced", options::bool_switch(&unpaced),
      "as fast as the reader takes it, instead of by the clock; for tests and files");
  if (const auto status = parse_command_line(line, argc, argv)) {
    return *status;
  }
  if (!is_mp3_bitrate(player_settings.kilobits)) {
    return usage_error(line, "--bitrate must be " + mp3_bitrates_text());
  }
  if (arguments.empty()) {
    return usage_error(line, "nothing to play: give a file, folder, playlist or URL");
  }
  player_settings.paced = !unpaced;

  try {
    ::signal(SIGPIPE, SIG_IGN);  // a server that has gone is an ordinary end
    return play(arguments, order_settings, player_settings);
  } catch (const std::exception& error) {
    std::cerr << line.program << ": " << error.what() << '\n';
    return 1;
  }
}
