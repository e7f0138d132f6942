#include "eradioctl/commands.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <thread>
#include <utility>

#include "eradioctl/failure.h"
#include "eradioctl/tables.h"

namespace eradio {
namespace {

using Json = nlohmann::ordered_json;

// Runs it; `argument` is empty for a command that takes none. Returns what the server has answered,
// and sets what a person is told.
using Run = Json (*)(ControlClient& client, const std::string& argument, std::string& text);

struct Command {
  const char* name;
  const char* argument;  // what it is called; nullptr: takes none
  const char* meaning;
  Run run;
};

Json show_status(ControlClient& client, const std::string& /*argument*/, std::string& text) {
  Json status = client.get("/status");
  text = status_text(status);
  return status;
}

// All pages as one.
Json show_listeners(ControlClient& client, const std::string& /*argument*/, std::string& text) {
  constexpr const char* limit = "500";
  Json all{{"listeners", Json::array()}};
  Json next = 0;
  while (!next.is_null()) {
    const Json page =
        client.get(std::string("/listeners?limit=") + limit + "&offset=" + next.dump());
    for (const Json& listener : page.at("listeners")) {
      all["listeners"].push_back(listener);
    }
    next = page.at("next");
  }
  text = listeners_text(all["listeners"]);
  return all;
}

Json kick(ControlClient& client, const std::string& whom, std::string& text) {
  std::uint64_t id = 0;
  const char* end = whom.data() + whom.size();
  const auto [rest, error] = std::from_chars(whom.data(), end, id);
  const bool is_id = error == std::errc{} && rest == end;
  const Json order = is_id ? Json{{"id", id}} : Json{{"address", whom}};
  Json answer = client.post("/kick", order.dump(-1, ' ', false, Json::error_handler_t::replace));
  const auto kicked = answer.at("kicked").get<std::uint64_t>();
  text = std::to_string(kicked) + (kicked == 1 ? " connection" : " connections") + " closed\n";
  return answer;
}

template <const char* const& target>
Json tell_source(ControlClient& client, const std::string& /*argument*/, std::string& text) {
  text = "the source was told\n";
  return client.post(target);
}

Json set_level(ControlClient& client, const std::string& level, std::string& text) {
  const Json wanted{{"level", level}};
  Json answer =
      client.put("/log-level", wanted.dump(-1, ' ', false, Json::error_handler_t::replace));
  text = "the log level is " + answer.at("log_level").get<std::string>() + "\n";
  return answer;
}

Json restart_workers(ControlClient& client, const std::string& /*argument*/, std::string& text) {
  Json answer = client.post("/restart-workers", "", Patience::for_workers);
  const auto restarted = answer.at("restarted").get<std::uint64_t>();
  text = std::to_string(restarted) + (restarted == 1 ? " worker" : " workers") + " replaced\n";
  return answer;
}

std::string joined(const Json& names) {
  std::string text;
  for (const Json& name : names) {
    text += (text.empty() ? "" : ", ") + name.get<std::string>();
  }
  return text;
}

Json reload(ControlClient& client, const std::string& /*argument*/, std::string& text) {
  Json answer = client.post("/reload", "", Patience::for_workers);
  const Json& changed = answer.at("changed");
  text = changed.empty() ? "nothing has changed\n" : "changed: " + joined(changed) + "\n";
  if (const Json& not_changed = answer.at("not_changed"); !not_changed.empty()) {
    text += "not changed before the server is started again: " + joined(not_changed) + "\n";
  }
  return answer;
}

// When nothing answers any more: the new program has not come up.
bool is_silent_too_long(const Failure& failure, std::chrono::steady_clock::time_point heard) {
  constexpr std::chrono::seconds silence_max{3};
  return failure.status() == ExitStatus::no_server &&
         std::chrono::steady_clock::now() - heard > silence_max;
}

// The status of a server that has gone over to the program with this number, and has replaced the
// workers, or says why not.
Json status_after_upgrade(ControlClient& client, const Json& number) {
  constexpr std::chrono::milliseconds interval{50};
  constexpr std::chrono::seconds patience{60};
  const auto begin = std::chrono::steady_clock::now();
  auto heard = begin;
  while (std::chrono::steady_clock::now() - begin < patience) {
    std::this_thread::sleep_for(interval);
    try {
      Json status = client.get("/status");
      heard = std::chrono::steady_clock::now();
      if (!status.at("upgrade_error").is_null() ||
          (status.at("upgrades") >= number && !status.at("replacing_workers").get<bool>())) {
        return status;
      }
    } catch (const Failure& failure) {  // the connection ended with the old program
      if (is_silent_too_long(failure, heard)) {
        throw Failure(ExitStatus::refused,
                      std::string("the server has gone in the middle of the upgrade; its log says "
                                  "why: ") +
                          failure.what());
      }
    }
  }
  throw Failure(ExitStatus::refused, "the upgrade has begun, and does not come to its end");
}

Json upgrade(ControlClient& client, const std::string& /*argument*/, std::string& text) {
  const Json answer = client.post("/upgrade", "", Patience::for_workers);
  const Json status = status_after_upgrade(client, answer.at("upgrades"));
  if (!status.at("upgrade_error").is_null()) {
    throw Failure(ExitStatus::refused, status.at("upgrade_error").get<std::string>());
  }
  const auto workers = status.at("workers").size();
  const auto program = answer.value("program", "");
  text = "eradio " + status.at("version").get<std::string>() + " runs" +
         (program.empty() ? "" : " (" + program + ")") + ", with " + std::to_string(workers) +
         (workers == 1 ? " new worker" : " new workers") + "\n";
  return Json{
      {"version", status.at("version")}, {"upgrades", status.at("upgrades")}, {"program", program}};
}

constexpr const char* play = "/play";
constexpr const char* pause = "/pause";
constexpr const char* next = "/next";
constexpr const char* previous = "/prev";

constexpr std::array commands{
    Command{"status", nullptr, "the server, its source, its workers", show_status},
    Command{"listeners", nullptr, "everybody who has the stream", show_listeners},
    Command{"kick", "ID|ADDRESS",
            "close the connections of a listener's id, or of an address (IPv4, IPv6, unix)", kick},
    Command{"restart-workers", nullptr, "replace all workers; no listener is disconnected",
            restart_workers},
    Command{"reload", nullptr,
            "read the configuration again, and do what can be done while running", reload},
    Command{"upgrade", nullptr,
            "go over to what is installed now, in the same process; no listener is disconnected",
            upgrade},
    Command{"play", nullptr, "tell the source to play", tell_source<play>},
    Command{"pause", nullptr, "tell the source to pause", tell_source<pause>},
    Command{"next", nullptr, "tell the source to go on to the next track", tell_source<next>},
    Command{"prev", nullptr, "tell the source to go back a track", tell_source<previous>},
    Command{"log-level", "LEVEL", "log error, warning, info, debug, trace or off from now on",
            set_level},
};

std::string usage_of(const Command& command) {
  return command.argument == nullptr ? command.name
                                     : std::string(command.name) + " " + command.argument;
}

}  // namespace

std::string commands_help() {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(commands.size());
  for (const Command& command : commands) {
    rows.push_back({" ", usage_of(command), command.meaning});
  }
  return "Commands:\n" + aligned(rows);
}

void run_command(ControlClient& client, const std::vector<std::string>& words, bool json) {
  if (words.empty()) {
    throw Failure(ExitStatus::usage, "what is it to do? (see --help)");
  }
  const auto* const command =
      std::find_if(commands.begin(), commands.end(),
                   [&](const Command& candidate) { return candidate.name == words.front(); });
  if (command == commands.end()) {
    throw Failure(ExitStatus::usage, "there is no command " + words.front() + " (see --help)");
  }
  const std::size_t words_expected = command->argument == nullptr ? 1 : 2;
  if (words.size() != words_expected) {
    throw Failure(ExitStatus::usage, "expected: eradioctl " + usage_of(*command));
  }
  std::string text;
  const Json answer = command->run(client, words.size() > 1 ? words[1] : std::string(), text);
  std::cout << (json ? answer.dump() + "\n" : text) << std::flush;
}

}  // namespace eradio
