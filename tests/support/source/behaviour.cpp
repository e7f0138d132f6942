#include "tests/support/source/behaviour.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>

namespace eradio::testing {
namespace {

using Option = std::function<void(Behaviour&, const std::string&)>;

BrokenFrame parse_broken_frame(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) {
    throw std::runtime_error("expected FRAMES:KIND, got " + text);
  }
  return {.after = std::stoull(text.substr(0, colon)), .kind = text.substr(colon + 1)};
}

// All options take a value.
const std::map<std::string, Option>& options() {
  using B = Behaviour;
  using Text = const std::string&;
  static const std::map<std::string, Option> all{
      {"--rate", [](B& b, Text t) { b.frames_per_second = std::stod(t); }},
      {"--size", [](B& b, Text t) { b.frame_bytes = std::stoull(t); }},
      {"--sync_every", [](B& b, Text t) { b.sync_every = std::stoull(t); }},
      {"--header_every", [](B& b, Text t) { b.header_every = std::stoull(t); }},
      {"--header_size", [](B& b, Text t) { b.header_bytes = std::stoull(t); }},
      {"--frames", [](B& b, Text t) { b.frames_max = std::stoull(t); }},
      {"--exit_status", [](B& b, Text t) { b.exit_status = std::stoi(t); }},
      {"--ignore_sigterm", [](B& b, Text t) { b.ignore_sigterm = t == "yes"; }},
      {"--read_commands", [](B& b, Text t) { b.read_commands = t == "yes"; }},
      {"--fork_child", [](B& b, Text t) { b.fork_child = t == "yes"; }},
      {"--pause_after", [](B& b, Text t) { b.pause_after = std::stoull(t); }},
      {"--pause_ms", [](B& b, Text t) { b.pause = std::chrono::milliseconds(std::stoll(t)); }},
      {"--stop_after", [](B& b, Text t) { b.stop_after = std::stoull(t); }},
      {"--close_output_after", [](B& b, Text t) { b.close_output_after = std::stoull(t); }},
      {"--crash_after", [](B& b, Text t) { b.crash_after = std::stoull(t); }},
      {"--broken", [](B& b, Text t) { b.broken_frames.push_back(parse_broken_frame(t)); }},
      {"--stderr", [](B& b, Text t) { b.error_lines.push_back(t); }},
      {"--log", [](B& b, Text t) { b.log_messages.push_back(t); }},
      {"--track", [](B& b, Text t) { b.track_name = t; }},
      {"--track_every", [](B& b, Text t) { b.track_every = std::stoull(t); }},
      {"--remote", [](B& b, Text t) { b.remote_path = t; }},
  };
  return all;
}

}  // namespace

Behaviour parse_behaviour(const std::vector<std::string>& arguments) {
  Behaviour behaviour;
  bool misbehave = true;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    if (i + 1 == arguments.size()) {
      throw std::runtime_error(arguments[i] + " needs a value");
    }
    if (arguments[i] == "--misbehave_once") {
      misbehave = !std::filesystem::exists(arguments[i + 1]);
      std::ofstream(arguments[i + 1]) << '\n';
      continue;
    }
    const auto found = options().find(arguments[i]);
    if (found == options().end()) {
      throw std::runtime_error("unknown option " + arguments[i]);
    }
    found->second(behaviour, arguments[i + 1]);
  }
  if (!misbehave) {
    Behaviour good;
    good.frames_per_second = behaviour.frames_per_second;
    good.frame_bytes = behaviour.frame_bytes;
    return good;
  }
  return behaviour;
}

}  // namespace eradio::testing
