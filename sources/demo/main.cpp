// eradio-source-demo: soft generated music with a pip at every full second, for trying out a
// server and for hearing whether two players are in step. Speaks the protocol of
// docs/source-protocol.md.
#include <signal.h>
#include <unistd.h>

#include <exception>
#include <iostream>

#include "common/command_line.h"
#include "sources/demo/demo_player.h"

int main(int argc, char** argv) {
  using namespace eradio;
  namespace options = boost::program_options;

  DemoPlayer::Settings settings;
  bool unpaced = false;
  CommandLine line{
      .program = "eradio-source-demo",
      .usage = "[OPTION]…",
      .about =
          "A source program for eradiod: plays generated music as MP3, with a short pip at\n"
          "every full second of the wall clock. Needs no files."};
  line.options.add_options()(
      "bitrate", options::value(&settings.kilobits)->value_name("K")->default_value(128),
      "kbit/s of the MP3 stream")(
      "track-seconds", options::value(&settings.track_seconds)->value_name("S")->default_value(30),
      "play each track for S seconds")(
      "unpaced", options::bool_switch(&unpaced),
      "as fast as the reader takes it, instead of by the clock; for tests and files");
  if (const auto status = parse_command_line(line, argc, argv)) {
    return *status;
  }
  if (!is_mp3_bitrate(settings.kilobits)) {
    return usage_error(line, "--bitrate must be " + mp3_bitrates_text());
  }
  if (settings.track_seconds < 1 || settings.track_seconds > 1'000'000) {
    return usage_error(line, "--track-seconds must be between 1 and 1000000");
  }
  settings.paced = !unpaced;

  try {
    ::signal(SIGPIPE, SIG_IGN);  // a server that has gone is an ordinary end
    CommandReader commands(STDIN_FILENO, STDOUT_FILENO);
    SourceFrameWriter server(STDOUT_FILENO);
    DemoPlayer(settings, commands, server).run();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << line.program << ": " << error.what() << '\n';
    return 1;
  }
}
