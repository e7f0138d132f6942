#include "master/status.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "common/version.h"
#include "master/readiness.h"
#include "shm/metadata_json.h"
#include "shm/peer_key_of.h"

namespace eradio {
namespace {

using Json = nlohmann::ordered_json;

// To look at a record that is not in use takes some 20 ns; the others are counted by the limit.
constexpr std::size_t records_per_page_max = 20'000;

// A worker may have written any time: none is before the machine was started.
std::int64_t seconds_between(std::int64_t from_ns, std::int64_t to_ns) {
  return std::max<std::int64_t>(to_ns - std::max<std::int64_t>(from_ns, 0), 0) / ns_per_second;
}

Json process_json(pid_t process) { return process > 0 ? Json(process) : Json(nullptr); }

void add_totals(Json& json, const ListenerTotals& sent, const ContinuityTotals& totals) {
  json["frames_sent"] = sent.frames_sent;
  json["bytes_sent"] = sent.bytes_sent;
  json["frames_skipped"] = sent.frames_skipped;
  json["jumps"] = sent.jumps;
  json["listeners_adopted"] = totals.adopted;
  json["listeners_not_adopted"] = totals.not_adopted;
  json["notify_clients_adopted"] = totals.notify_adopted;
  json["notify_clients_not_adopted"] = totals.notify_not_adopted;
}

// Whole microseconds: what follows is the clock's and not ours.
Json milliseconds_json(std::optional<double> ms) {
  return ms ? Json(std::round(*ms * 1000) / 1000) : Json(nullptr);
}

Json frame_age_json(const FrameAgeTotals& ages) {
  const std::uint64_t count = ages.count();
  Json classes = Json::array();
  for (std::size_t place = 0; place < ages.frames.size(); ++place) {
    const bool bounded = place < frame_age_bounds_ms.size();
    classes.push_back({{"up_to_ms", bounded ? Json(frame_age_bounds_ms[place]) : Json(nullptr)},
                       {"frames", ages.frames[place]}});
  }
  return {{"frames", count},
          {"mean_ms", milliseconds_json(ages.mean_ms())},
          {"p50_ms", milliseconds_json(ages.quantile_ms(0.5))},
          {"p90_ms", milliseconds_json(ages.quantile_ms(0.9))},
          {"p99_ms", milliseconds_json(ages.quantile_ms(0.99))},
          {"classes", std::move(classes)}};
}

void add_activity(Json& json, const ActivityTotals& activity) {
  json["connections_accepted"] = activity.accepted;
  json["refused"] = activity.refused;
  json["listeners_joined"] = activity.listeners;
  json["notifications_sent"] = activity.notifications;
  json["ring_records_lost"] = activity.records_lost;
  json["sends"] = activity.sends;
  json["frame_age"] = frame_age_json(activity.frame_ages);
}

void add_usage(Json& json, const std::optional<ProcessUsage>& usage) {
  json["cpu_user_s"] = usage ? Json(usage->user_s) : Json(nullptr);
  json["cpu_system_s"] = usage ? Json(usage->system_s) : Json(nullptr);
  json["memory_bytes"] = usage ? Json(usage->memory_bytes) : Json(nullptr);
}

Json source_json(const ServerStatus& status) {
  const SourceStatus& source = status.source;
  const SourceCounters& counters = source.counters;
  const bool runs = source.process > 0;
  const bool had_frame = source.last_frame_ns > 0;
  return {
      {"running", runs},
      {"state", state_of(source)},
      {"pid", process_json(source.process)},
      {"uptime_s", runs ? Json(seconds_between(source.started_ns, status.now_ns)) : Json(nullptr)},
      {"restarts", source.restarts},
      {"playing", status.metadata.now_playing.playing},
      {"told_to_pause", source.told_to_pause},
      {"last_frame_age_ms",
       had_frame ? Json(std::max<std::int64_t>(status.now_ns - source.last_frame_ns, 0) / ns_per_ms)
                 : Json(nullptr)},
      {"bytes_read", counters.bytes_read},
      {"frames", counters.frames()},
      {"sync_points", counters.sync_points},
      {"dependent_frames", counters.dependent_frames},
      {"headers", counters.headers},
      {"frame_bytes", counters.frame_bytes},
      {"tracks", counters.tracks},
      {"stops", counters.stops},
      {"log_messages", counters.log_messages},
      {"broken_frames", counters.broken_frames},
      {"broken_bytes", counters.broken_bytes}};
}

Json ring_json(const RingStatus& ring) {
  return {{"size_bytes", ring.size_bytes},
          {"used_bytes", ring.used_bytes},
          {"records", ring.records},
          {"stream_position_bytes", ring.stream_position},
          {"held_ms", ring.held_ns / ns_per_ms}};
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
            {"crashes", process.crashes},
            {"connections", worker.connections},
            {"listeners", worker.counts.listeners},
            {"notify_clients", worker.counts.notify_clients},
            {"sandbox",
             {{"system_calls", worker.system_calls_filtered}, {"files", worker.files_confined}}},
            {"io_uring", worker.sends_through_ring},
            {"pass_ms", static_cast<double>(worker.pass_ns) / static_cast<double>(ns_per_ms)}};
  add_totals(json, worker.counts.totals, worker.totals);
  add_activity(json, worker.activity);
  add_usage(json, worker.usage);
  return json;
}

Json totals_json(const ServerStatus& status) {
  Json json;
  std::uint64_t connections = 0;
  std::uint64_t listeners = 0;
  std::uint64_t notify_clients = 0;
  for (const WorkerStatus& worker : status.workers) {
    connections += worker.connections;
    listeners += worker.counts.listeners;
    notify_clients += worker.counts.notify_clients;
  }
  const ContinuityTotals totals = all_continuity(status);
  json["connections"] = connections;
  json["listeners"] = listeners;
  json["notify_clients"] = notify_clients;
  add_totals(json, all_sent(status), totals);
  json["requests_dropped"] = totals.requests_dropped;
  add_activity(json, all_activity(status));
  return json;
}

Json escrow_json(const ServerStatus& status) {
  const EscrowStatus& escrow = status.escrow;
  return {{"on", escrow.on},
          {"held", escrow.held},
          {"max", escrow.max},
          {"clients_not_held", clients_not_held(status)}};
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

ContinuityTotals& ContinuityTotals::operator+=(const ContinuityTotals& other) {
  adopted += other.adopted;
  not_adopted += other.not_adopted;
  notify_adopted += other.notify_adopted;
  notify_not_adopted += other.notify_not_adopted;
  requests_dropped += other.requests_dropped;
  return *this;
}

ActivityTotals& ActivityTotals::operator+=(const ActivityTotals& other) {
  accepted += other.accepted;
  refused += other.refused;
  listeners += other.listeners;
  notifications += other.notifications;
  records_lost += other.records_lost;
  sends += other.sends;
  frame_ages += other.frame_ages;
  return *this;
}

ActivityTotals activity_totals(const WorkerCounters& counters) {
  return {.accepted = counters.accepted_total.get(),
          .refused = counters.refused_total.get(),
          .listeners = counters.listeners_total.get(),
          .notifications = counters.notifications_total.get(),
          .records_lost = counters.records_lost_total.get(),
          .sends = counters.sends_total.get(),
          .frame_ages = frame_age_totals(counters.frame_ages)};
}

ListenerTotals all_sent(const ServerStatus& status) {
  ListenerTotals totals;
  for (const WorkerStatus& worker : status.workers) {
    totals += worker.counts.totals;
  }
  return totals;
}

ContinuityTotals all_continuity(const ServerStatus& status) {
  ContinuityTotals totals = status.past_totals;
  for (const WorkerStatus& worker : status.workers) {
    totals += worker.totals;
  }
  return totals;
}

ActivityTotals all_activity(const ServerStatus& status) {
  ActivityTotals totals = status.past_activity;
  for (const WorkerStatus& worker : status.workers) {
    totals += worker.activity;
  }
  return totals;
}

std::size_t clients_not_held(const ServerStatus& status) {
  std::size_t clients = 0;
  for (const WorkerStatus& worker : status.workers) {
    clients += worker.counts.listeners + worker.counts.notify_clients;
  }
  return clients - std::min(clients, status.escrow.held);
}

const char* state_of(const SourceStatus& source) {
  if (source.process == 0) {
    return "ended";
  }
  return source.ending ? "ending" : "running";
}

const char* state_of(const WorkerProcess& worker) {
  if (worker.process == 0) {
    return "ended";
  }
  return worker.ready ? "serving" : "starting";
}

ContinuityTotals continuity_totals(const WorkerCounters& counters) {
  return {.adopted = counters.adopted_total.get(),
          .not_adopted = counters.not_adopted_total.get(),
          .notify_adopted = counters.notify_adopted_total.get(),
          .notify_not_adopted = counters.notify_not_adopted_total.get()};
}

WorkerStatus worker_status(const WorkerProcess& process, const WorkerCounters& counters,
                           const ListenerCounts& counts) {
  return {.process = process,
          .connections = std::max<std::uint64_t>(counters.connections.get(),
                                                 counts.listeners + counts.notify_clients),
          .counts = counts,
          .system_calls_filtered = counters.system_calls_filtered.get() != 0,
          .files_confined = counters.files_confined.get() != 0,
          .sends_through_ring = counters.sends_through_ring.get() != 0,
          .pass_ns = static_cast<std::int64_t>(counters.pass_ns.get()),
          .totals = continuity_totals(counters),
          .activity = activity_totals(counters),
          .usage = process.process > 0 ? usage_of(process.process) : std::nullopt};
}

std::string status_json(const ServerStatus& status) {
  const auto reasons = reasons_not_ready(status);
  Json json{
      {"version", ERADIO_VERSION},
      {"pid", status.process},
      {"started_unix_s", status.started_unix_s},
      {"uptime_s", seconds_between(status.started_ns, status.now_ns)},
      {"log_level", status.log_level},
      {"ready", reasons.empty()},
      {"reasons", reasons},
      {"upgrades", status.upgrades},
      {"upgrade_error", status.upgrade_error.empty() ? Json(nullptr) : Json(status.upgrade_error)},
      {"replacing_workers", status.replacing_workers}};
  add_usage(json, status.usage);
  json["source"] = source_json(status);
  json["ring"] = ring_json(status.ring);
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
