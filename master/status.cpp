#include "master/status.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "shm/metadata_json.h"
#include "shm/peer_key_of.h"

namespace eradio {
namespace {

using Json = nlohmann::ordered_json;

// To look at a record that is not in use takes some 20 ns; the others are counted by the limit.
constexpr std::size_t records_per_page_max = 20'000;

std::int64_t seconds_between(std::int64_t from_ns, std::int64_t to_ns) {
  return std::max<std::int64_t>(to_ns - from_ns, 0) / ns_per_second;
}

const char* state_of(const WorkerProcess& worker) {
  if (worker.process == 0) {
    return "ended";
  }
  return worker.ready ? "serving" : "starting";
}

Json process_json(pid_t process) { return process > 0 ? Json(process) : Json(nullptr); }

void add_totals(Json& json, const StreamTotals& totals) {
  json["frames_sent"] = totals.frames_sent;
  json["bytes_sent"] = totals.bytes_sent;
  json["frames_skipped"] = totals.frames_skipped;
  json["jumps"] = totals.jumps;
  json["listeners_adopted"] = totals.adopted;
  json["listeners_not_adopted"] = totals.not_adopted;
  json["notify_clients_adopted"] = totals.notify_adopted;
  json["notify_clients_not_adopted"] = totals.notify_not_adopted;
}

Json source_json(const ServerStatus& status) {
  return {{"running", status.source.process > 0},
          {"pid", process_json(status.source.process)},
          {"restarts", status.source.restarts},
          {"playing", status.metadata.now_playing.playing}};
}

Json worker_json(const WorkerStatus& worker, std::int64_t now_ns) {
  const WorkerProcess& process = worker.process;
  const bool runs = process.process > 0;
  Json json{{"slot", process.slot},
            {"pid", process_json(process.process)},
            {"generation", process.generation},
            {"state", state_of(process)},
            {"uptime_s", runs ? Json(seconds_between(process.started_ns, now_ns)) : Json(nullptr)},
            {"restarts", process.restarts},
            {"connections", worker.connections},
            {"listeners", worker.listeners},
            {"notify_clients", worker.notify_clients}};
  add_totals(json, worker.totals);
  return json;
}

Json totals_json(const ServerStatus& status) {
  Json json;
  std::uint64_t connections = 0;
  std::uint64_t listeners = 0;
  std::uint64_t notify_clients = 0;
  StreamTotals totals = status.past_totals;
  for (const WorkerStatus& worker : status.workers) {
    connections += worker.connections;
    listeners += worker.listeners;
    notify_clients += worker.notify_clients;
    totals += worker.totals;
  }
  json["connections"] = connections;
  json["listeners"] = listeners;
  json["notify_clients"] = notify_clients;
  add_totals(json, totals);
  json["requests_dropped"] = totals.requests_dropped;
  return json;
}

Json escrow_json(const ServerStatus& status) {
  std::size_t clients = 0;
  for (const WorkerStatus& worker : status.workers) {
    clients += worker.listeners + worker.notify_clients;
  }
  const EscrowStatus& escrow = status.escrow;
  return {{"on", escrow.on},
          {"held", escrow.held},
          {"max", escrow.max},
          {"clients_not_held", std::max(clients, escrow.held) - escrow.held}};
}

// By hand, since it is numbers and there are many: a JSON value for each takes ten times as long.
void append_listener(std::string& json, const ListenersPage::Entry& entry, std::int64_t now_ns) {
  const ListenerStatus& listener = entry.listener;
  fmt::format_to(
      std::back_inserter(json),
      R"({{"worker":{},"id":{},"peer":"{}","peer_port":{},"listening_s":{},"lag_ms":{},)"
      R"("max_lag_ms":{},"queue_bytes":{},"frames_sent":{},"bytes_sent":{},"frames_skipped":{},)"
      R"("jumps":{}}})",
      entry.slot, listener.id, peer_address_of(listener.peer).text(), listener.peer_port,
      seconds_between(listener.joined_ns, now_ns), listener.lag_ns / ns_per_ms,
      listener.lag_ns_max / ns_per_ms, listener.queued_bytes, listener.frames_sent,
      listener.bytes_sent, listener.frames_skipped, listener.jumps);
}

}  // namespace

StreamTotals& StreamTotals::operator+=(const StreamTotals& other) {
  frames_sent += other.frames_sent;
  bytes_sent += other.bytes_sent;
  frames_skipped += other.frames_skipped;
  jumps += other.jumps;
  adopted += other.adopted;
  not_adopted += other.not_adopted;
  notify_adopted += other.notify_adopted;
  notify_not_adopted += other.notify_not_adopted;
  requests_dropped += other.requests_dropped;
  return *this;
}

StreamTotals stream_totals(const WorkerCounters& counters) {
  return {.frames_sent = counters.frames_sent_total.get(),
          .bytes_sent = counters.bytes_sent_total.get(),
          .frames_skipped = counters.frames_skipped_total.get(),
          .jumps = counters.jumps_total.get(),
          .adopted = counters.adopted_total.get(),
          .not_adopted = counters.not_adopted_total.get(),
          .notify_adopted = counters.notify_adopted_total.get(),
          .notify_not_adopted = counters.notify_not_adopted_total.get()};
}

WorkerStatus worker_status(const WorkerProcess& process, const WorkerCounters& counters) {
  return {.process = process,
          .connections = counters.connections.get(),
          .listeners = counters.listeners.get(),
          .notify_clients = counters.notify_clients.get(),
          .totals = stream_totals(counters)};
}

std::string status_json(const ServerStatus& status) {
  Json json{
      {"version", ERADIO_VERSION},
      {"pid", status.process},
      {"uptime_s", seconds_between(status.started_ns, status.now_ns)},
      {"log_level", status.log_level},
      {"upgrades", status.upgrades},
      {"upgrade_error", status.upgrade_error.empty() ? Json(nullptr) : Json(status.upgrade_error)},
      {"replacing_workers", status.replacing_workers}};
  json["source"] = source_json(status);
  json["metadata"] = Json::parse(metadata_json(status.metadata));
  json["totals"] = totals_json(status);
  json["escrow"] = escrow_json(status);
  json["workers"] = Json::array();
  for (const WorkerStatus& worker : status.workers) {
    json["workers"].push_back(worker_json(worker, status.now_ns));
  }
  return json.dump();
}

ListenersPage read_listeners(const std::vector<ListenerTable>& tables, std::uint64_t offset,
                             std::size_t limit) {
  ListenersPage page;
  const std::size_t records = tables.empty() ? 0 : tables.front().records();
  if (records == 0 || offset / records >= tables.size()) {
    return page;
  }
  std::size_t slot = offset / records;
  std::size_t first = offset % records;
  std::size_t records_left = records_per_page_max;
  for (; slot < tables.size() && records_left > 0; ++slot, first = 0) {
    const ListenerPage part =
        tables[slot].read_page(first, limit - page.entries.size(), records_left);
    for (const ListenerStatus& listener : part.listeners) {
      page.entries.push_back({.slot = slot, .listener = listener});
    }
    if (part.next) {
      page.next = slot * records + *part.next;
      return page;
    }
    records_left -= part.records_read;
  }
  if (slot < tables.size()) {
    page.next = slot * records;
  }
  return page;
}

std::string listeners_json(const ListenersPage& page, std::int64_t now_ns) {
  std::string json = R"({"listeners":[)";
  for (const ListenersPage::Entry& entry : page.entries) {
    if (&entry != &page.entries.front()) {
      json += ',';
    }
    append_listener(json, entry, now_ns);
  }
  return json + R"(],"next":)" + (page.next ? std::to_string(*page.next) : "null") + "}";
}

}  // namespace eradio
