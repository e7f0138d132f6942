// eradio-source-pipe: passes on what an encoder writes, MP3 or ADTS AAC, one frame of sound per
// frame of the source protocol (docs/source-protocol.md).
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "common/child_process.h"
#include "common/command_line.h"
#include "common/system_error.h"
#include "sources/pipe/encoder_process.h"
#include "sources/pipe/pipe_source.h"

namespace {

using namespace eradio;

// An encoder that has closed its output is about to exit; one that is not gets this long.
constexpr std::chrono::milliseconds exit_patience{1000};
constexpr int signal_status = 128;  // plus the signal's number, as shells report it

// Readable when the program is told to stop.
Descriptor catch_stop_signals() {
  sigset_t stop;
  ::sigemptyset(&stop);
  ::sigaddset(&stop, SIGTERM);
  ::sigaddset(&stop, SIGINT);
  ::sigaddset(&stop, SIGHUP);
  check_syscall(::sigprocmask(SIG_BLOCK, &stop, nullptr), "sigprocmask");
  return Descriptor(check_syscall(::signalfd(-1, &stop, SFD_CLOEXEC), "signalfd"));
}

int pass_on_command(const PipeSource::Settings& settings, const std::vector<std::string>& command,
                    SourceFrameWriter& server) {
  const Descriptor stop_signal = catch_stop_signals();
  std::optional<EncoderProcess> encoder;
  try {
    encoder.emplace(command);
  } catch (const std::system_error& error) {
    (void)server.log(SourceLogLevel::error, error.what());
    return 1;
  }
  PipeSource source(settings,
                    {.input = encoder->output(),
                     .input_closed = encoder->exited(),
                     .commands = STDIN_FILENO,
                     .stop_signal = stop_signal.number(),
                     .output = STDOUT_FILENO},
                    server);
  if (source.run() != PipeSource::End::input_ended) {
    return 0;  // and the encoder is stopped with us
  }
  const int status = encoder->stop(exit_patience);
  const bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  source.finish(well ? SourceLogLevel::info : SourceLogLevel::error,
                command.front() + " " + describe_exit(status));
  return WIFEXITED(status) ? WEXITSTATUS(status) : signal_status + WTERMSIG(status);
}

int pass_on_standard_input(const PipeSource::Settings& settings, SourceFrameWriter& server) {
  const Descriptor stop_signal = catch_stop_signals();
  PipeSource source(settings,
                    {.input = STDIN_FILENO,
                     .input_closed = -1,
                     .commands = -1,
                     .stop_signal = stop_signal.number(),
                     .output = STDOUT_FILENO},
                    server);
  if (source.run() == PipeSource::End::input_ended) {
    source.finish(SourceLogLevel::info, "standard input has ended");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  namespace options = boost::program_options;

  PipeSource::Settings settings;
  std::string format;
  std::vector<std::string> command;
  CommandLine line{
      .program = "eradio-source-pipe",
      .usage = "[OPTION]… [-- COMMAND [ARGUMENT]…]",
      .about =
          "A source program for eradiod: runs COMMAND, finds the MP3 or AAC (ADTS) frames in what\n"
          "it writes to standard output, and passes them on one by one. Does not set the pace:\n"
          "COMMAND must write in real time (ffmpeg -re, or a live input).\n\n"
          "Without COMMAND the stream is read from standard input, as in\n"
          "  sh -c 'arecord … | lame --nores - - | eradio-source-pipe'\n"
          "Commands of the server come on standard input too, so then none can be received."};
  line.rest = &command;
  line.options.add_options()("format",
                             options::value(&format)->value_name("FORMAT")->default_value("auto"),
                             "mp3, aac or auto: the one that comes first")(
      "name", options::value(&settings.name)->value_name("NAME"), "what listeners are shown")(
      "uri", options::value(&settings.uri)->value_name("URI"), "where the name links to");
  if (const auto status = parse_command_line(line, argc, argv)) {
    return *status;
  }
  const std::map<std::string, StreamFormat> formats{
      {"auto", StreamFormat::automatic}, {"mp3", StreamFormat::mp3}, {"aac", StreamFormat::aac}};
  const auto chosen = formats.find(format);
  if (chosen == formats.end()) {
    return usage_error(line, "--format must be auto, mp3 or aac");
  }
  settings.format = chosen->second;

  try {
    ::signal(SIGPIPE, SIG_IGN);  // a server that has gone is an ordinary end
    SourceFrameWriter server(STDOUT_FILENO);
    return command.empty() ? pass_on_standard_input(settings, server)
                           : pass_on_command(settings, command, server);
  } catch (const std::exception& error) {
    std::cerr << line.program << ": " << error.what() << '\n';
    return 1;
  }
}
