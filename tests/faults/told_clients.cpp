#include "tests/faults/told_clients.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "common/clock.h"
#include "tests/support/api_client.h"
#include "tests/support/patience.h"

namespace eradio::testing {
namespace {

// The test source counts its tracks upwards, through its own restarts too.
long long number_of(const std::string& track) { return std::atoll(track.c_str()); }

}  // namespace

ToldClients::ToldClients(std::vector<Endpoint> endpoints, std::size_t clients,
                         const Disturbances& disturbances, std::uint64_t seed)
    : endpoints_(std::move(endpoints)),
      disturbances_(disturbances),
      dice_(seed),
      crowd_([this](std::size_t number, std::string_view json,
                    std::int64_t now_ns) { take(number, json, now_ns); },
             [this](std::size_t number, const std::string& why) { judge_end(number, why); }) {
  for (std::size_t i = 0; i < clients; ++i) {
    come(NotifyCrowd::Kind::websocket);
    come(NotifyCrowd::Kind::event_stream);
  }
}

void ToldClients::come(NotifyCrowd::Kind kind) {
  Client client{.kind = kind, .came_ns = monotonic_ns()};
  if (dice_.below(10) < 3) {
    client.leaves_ns = client.came_ns + (1 + dice_.below(5'000)) * ns_per_ms;
  }
  const std::size_t endpoint = dice_.below(static_cast<std::uint32_t>(endpoints_.size()));
  ++counts_.came;
  clients_.push_back(std::move(client));
  crowd_.add(endpoints_[endpoint], 1, kind);
}

void ToldClients::attend() {
  const std::int64_t now_ns = monotonic_ns();
  for (std::size_t number = 0; number < clients_.size(); ++number) {
    Client& client = clients_[number];
    if (client.gone) {
      continue;
    }
    if (client.open_ns == 0 && crowd_.is_open(number)) {
      client.open_ns = now_ns;
    }
    if (!client.told && client.open_ns != 0 && now_ns - client.open_ns > patience_ns) {
      say_fault(number, "was told nothing for long");
    }
    if (!settled_ && client.leaves_ns != 0 && now_ns >= client.leaves_ns) {
      client.gone = true;
      crowd_.close(number);
      ++counts_.left;
      come(client.kind);
    }
  }
}

void ToldClients::take(std::size_t number, std::string_view json, std::int64_t now_ns) {
  Client& client = clients_[number];
  client.open_ns = client.open_ns == 0 ? now_ns : client.open_ns;
  const auto metadata = parse_notification(std::string(json));
  if (!metadata) {
    say_fault(number, "was told something that is no notification: " + std::string(json));
    return;
  }
  ++counts_.messages;
  client.told = true;
  client.listeners = metadata->listeners;
  if (!metadata->track) {
    return;  // the source is away
  }
  if (number_of(*metadata->track) < number_of(client.track)) {
    say_fault(number, "was told of track " + *metadata->track + " after " + client.track);
  }
  client.track = *metadata->track;
}

void ToldClients::judge_end(std::size_t number, const std::string& why) {
  Client& client = clients_[number];
  const Loss loss{.answered = client.open_ns != 0, .ended_ns = monotonic_ns(), .fragile = true};
  client.gone = true;
  if (!disturbances_.excuse(loss)) {
    say_fault(number, "was disconnected: " + why);
    return;
  }
  ++(loss.answered ? counts_.lost : counts_.unanswered);
  if (!settled_) {
    come(client.kind);
  }
}

void ToldClients::say_fault(std::size_t number, const std::string& what) {
  if (fault_.empty()) {
    fault_ =
        (clients_[number].kind == NotifyCrowd::Kind::websocket ? "WebSocket " : "event stream ") +
        std::to_string(number) + " " + what;
  }
}

void ToldClients::leave_all() {
  for (std::size_t number = 0; number < clients_.size(); ++number) {
    if (!std::exchange(clients_[number].gone, true)) {
      crowd_.close(number);
      ++counts_.left;
    }
  }
}

bool ToldClients::all_know(const std::string& track, std::uint64_t listeners) const {
  return std::all_of(clients_.begin(), clients_.end(), [&](const Client& client) {
    return client.gone || !client.told || (client.track == track && client.listeners == listeners);
  });
}

}  // namespace eradio::testing
