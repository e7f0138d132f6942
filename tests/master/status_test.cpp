#include "master/status.h"

#include <unistd.h>

#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "common/version.h"
#include "shm/peer_key_of.h"

namespace eradio {
namespace {

using nlohmann::json;

TEST(Status, HasEveryFieldInItsPlace) {
  ServerStatus status;
  status.process = 10;
  status.started_ns = 5 * ns_per_second;
  status.now_ns = 95 * ns_per_second;
  status.log_level = "debug";
  status.started_unix_s = 1700000000.5;
  status.usage = {.user_s = 1.5, .system_s = 0.25, .memory_bytes = 8192};
  status.source = {.process = 11,
                   .restarts = 2,
                   .started_ns = 35 * ns_per_second,
                   .told_to_pause = true,
                   .last_frame_ns = 95 * ns_per_second - 26 * ns_per_ms,
                   .counters = {.bytes_read = 1,
                                .sync_points = 2,
                                .dependent_frames = 3,
                                .headers = 4,
                                .frame_bytes = 5,
                                .tracks = 6,
                                .stops = 7,
                                .log_messages = 8,
                                .broken_frames = 9,
                                .broken_bytes = 10}};
  status.ring = {.size_bytes = 4096,
                 .used_bytes = 2048,
                 .records = 12,
                 .stream_position = 5016,
                 .held_ns = 3 * ns_per_second};
  status.metadata = {
      .now_playing = {.playing = true, .track = TrackName{.uri = "u", .name = "n\xff"}},
      .track_number = 3,
      .listeners = 4,
      .vetoes = 1};
  WorkerStatus worker;
  worker.process = {.slot = 1,
                    .process = 12,
                    .generation = 7,
                    .restarts = 3,
                    .crashes = 2,
                    .started_ns = 65 * ns_per_second,
                    .ready = true};
  worker.connections = 6;
  worker.counts = {
      .listeners = 5,
      .notify_clients = 1,
      .totals = {.frames_sent = 100, .bytes_sent = 41800, .frames_skipped = 9, .jumps = 2}};
  worker.totals = {.adopted = 4, .not_adopted = 1, .notify_adopted = 8, .notify_not_adopted = 2};
  worker.files_confined = true;
  worker.sends_through_ring = true;
  worker.pass_ns = 4'500'000;
  worker.activity = {.accepted = 1,
                     .refused = 2,
                     .listeners = 3,
                     .notifications = 4,
                     .records_lost = 5,
                     .sends = 6,
                     .frame_ages = {.frames = {0, 2}, .sum_ns = 3 * ns_per_ms}};
  worker.usage = ProcessUsage{.user_s = 2, .system_s = 4, .memory_bytes = 4096};
  status.workers = {worker};
  status.past_activity = {.accepted = 10,
                          .refused = 20,
                          .listeners = 30,
                          .notifications = 40,
                          .records_lost = 50,
                          .sends = 60,
                          .frame_ages = {.frames = {0, 0, 2}, .sum_ns = 7 * ns_per_ms}};
  status.past_totals = {.adopted = 40,
                        .not_adopted = 10,
                        .notify_adopted = 80,
                        .notify_not_adopted = 20,
                        .requests_dropped = 5};
  status.upgrades = 3;
  status.upgrade_error = "no";
  status.replacing_workers = true;
  status.escrow = {.on = true, .held = 3, .max = 100};
  const json parsed = json::parse(status_json(status));
  json flat = parsed;
  flat.at("totals").erase("frame_age");
  flat.at("workers").at(0).erase("frame_age");
  EXPECT_EQ(flat, json::parse(R"({
    "version": ")" ERADIO_VERSION R"(", "pid": 10, "started_unix_s": 1700000000.5, "uptime_s": 90,
    "cpu_user_s": 1.5, "cpu_system_s": 0.25, "memory_bytes": 8192, "log_level": "debug",
    "ready": true, "reasons": [],
    "upgrades": 3, "upgrade_error": "no", "replacing_workers": true,
    "escrow": {"on": true, "held": 3, "max": 100, "clients_not_held": 3},
    "source": {"running": true, "state": "running", "pid": 11, "uptime_s": 60, "restarts": 2,
               "playing": true, "told_to_pause": true, "last_frame_age_ms": 26, "bytes_read": 1,
               "frames": 5, "sync_points": 2, "dependent_frames": 3, "headers": 4, "frame_bytes": 5,
               "tracks": 6, "stops": 7, "log_messages": 8, "broken_frames": 9, "broken_bytes": 10},
    "ring": {"size_bytes": 4096, "used_bytes": 2048, "records": 12, "stream_position_bytes": 5016,
             "held_ms": 3000},
    "metadata": {"current_track": {"uri": "u", "name": "n\ufffd"}, "listener_count": 4, "veto_count": 1},
    "totals": {"connections": 6, "listeners": 5, "notify_clients": 1, "frames_sent": 100,
               "bytes_sent": 41800, "frames_skipped": 9, "jumps": 2,
               "listeners_adopted": 44, "listeners_not_adopted": 11, "notify_clients_adopted": 88,
               "notify_clients_not_adopted": 22, "requests_dropped": 5,
               "connections_accepted": 11, "refused": 22, "listeners_joined": 33,
               "notifications_sent": 44, "ring_records_lost": 55, "sends": 66},
    "workers": [{"slot": 1, "pid": 12, "generation": 7, "state": "serving", "uptime_s": 30,
                 "restarts": 3, "crashes": 2, "connections": 6, "listeners": 5, "notify_clients": 1,
                 "sandbox": {"system_calls": false, "files": true},
                 "io_uring": true, "pass_ms": 4.5,
                 "frames_sent": 100, "bytes_sent": 41800, "frames_skipped": 9, "jumps": 2,
                 "listeners_adopted": 4, "listeners_not_adopted": 1,
                 "notify_clients_adopted": 8, "notify_clients_not_adopted": 2,
                 "connections_accepted": 1, "refused": 2, "listeners_joined": 3,
                 "notifications_sent": 4, "ring_records_lost": 5, "sends": 6,
                 "cpu_user_s": 2, "cpu_system_s": 4, "memory_bytes": 4096}]})"));
  const json& ages = parsed.at("totals").at("frame_age");
  EXPECT_EQ(ages.at("frames"), 4);
  EXPECT_EQ(ages.at("mean_ms"), 2.5);
  EXPECT_EQ(ages.at("p50_ms"), 2);
  EXPECT_EQ(ages.at("p99_ms"), 4.94);
  ASSERT_EQ(ages.at("classes").size(), frame_age_bounds_ms.size() + 1);
  EXPECT_EQ(ages.at("classes").at(1), json::parse(R"({"up_to_ms": 2, "frames": 2})"));
  EXPECT_TRUE(ages.at("classes").back().at("up_to_ms").is_null());
  EXPECT_EQ(parsed.at("workers").at(0).at("frame_age").at("frames"), 2);
}

TEST(Status, SaysWhatDoesNotRun) {
  ServerStatus status;
  WorkerStatus starting;
  starting.process.process = 5;
  status.workers = {WorkerStatus{}, starting};
  const json parsed = json::parse(status_json(status));
  EXPECT_EQ(parsed.at("ready"), false);
  EXPECT_EQ(parsed.at("reasons"), json({"the source does not run", "no worker serves"}));
  EXPECT_EQ(parsed.at("source").at("running"), false);
  EXPECT_EQ(parsed.at("source").at("state"), "ended");
  for (const char* unknown : {"pid", "uptime_s", "last_frame_age_ms"}) {
    EXPECT_TRUE(parsed.at("source").at(unknown).is_null()) << unknown;
  }
  EXPECT_TRUE(parsed.at("totals").at("frame_age").at("p50_ms").is_null());
  EXPECT_TRUE(parsed.at("workers").at(0).at("cpu_user_s").is_null());
  EXPECT_FALSE(parsed.at("metadata").contains("current_track"));
  EXPECT_EQ(parsed.at("workers").at(0).at("state"), "ended");
  EXPECT_TRUE(parsed.at("workers").at(0).at("pid").is_null());
  EXPECT_TRUE(parsed.at("workers").at(0).at("uptime_s").is_null());
  EXPECT_EQ(parsed.at("workers").at(1).at("state"), "starting");
}

// Three workers; ids tell the worker and the place.
class ListenersPages : public testing::Test {
 protected:
  static constexpr std::size_t records = 10;

  ListenersPages() {
    for (std::size_t slot = 0; slot < 3; ++slot) {
      tables.emplace_back(records);
      workers.emplace_back(Descriptor(::dup(tables.back().descriptor())), 1);
    }
  }
  void add(std::size_t slot, std::uint64_t id) {
    ListenerIdentity identity;
    identity.id = id;
    ASSERT_TRUE(workers.at(slot).take(identity, {}));
  }
  std::vector<std::uint64_t> read_all(std::size_t limit) {
    std::vector<std::uint64_t> ids;
    std::optional<std::uint64_t> next = 0;
    while (next && ids.size() < 1000) {
      const ListenersPage page = read_listeners(tables, *next, limit);
      EXPECT_LE(page.entries.size(), limit);
      for (const auto& entry : page.entries) {
        EXPECT_EQ(entry.slot, entry.listener.id / 100);
        ids.push_back(entry.listener.id);
      }
      next = page.next;
    }
    return ids;
  }

  std::vector<ListenerTable> tables;
  std::vector<WorkerListenerTable> workers;
};

TEST_F(ListenersPages, HaveEverybodyOnceWhateverTheirSize) {
  std::vector<std::uint64_t> expected;
  for (const std::uint64_t id :
       {0U, 1U, 2U, 3U, 200U, 201U, 202U, 203U, 204U, 205U, 206U, 207U, 208U, 209U}) {
    add(id / 100, id);
    expected.push_back(id);
  }
  for (const std::size_t limit : {1U, 2U, 3U, 4U, 7U, 14U, 15U, 100U}) {
    EXPECT_EQ(read_all(limit), expected) << limit;
  }
  EXPECT_EQ(read_listeners(tables, 0, 14).next, std::nullopt);
}

TEST_F(ListenersPages, MissNobodyWhoStaysWhileOthersLeave) {
  for (std::uint64_t id = 0; id < 8; ++id) {
    add(0, id);
  }
  const ListenersPage first = read_listeners(tables, 0, 4);
  workers[0].give_back(1);
  workers[0].give_back(2);
  ASSERT_TRUE(first.next);
  const ListenersPage second = read_listeners(tables, *first.next, 4);
  ASSERT_EQ(second.entries.size(), 4U);
  EXPECT_EQ(second.entries.front().listener.id, 4U);
}

TEST_F(ListenersPages, AreEmptyWhereThereIsNobody) {
  EXPECT_EQ(read_all(5), (std::vector<std::uint64_t>{}));
  EXPECT_EQ(listeners_json(read_listeners(tables, 0, 5), 0), R"({"listeners":[],"next":null})");
  for (const std::uint64_t offset : {std::uint64_t{29}, std::uint64_t{30}, UINT64_MAX}) {
    const ListenersPage page = read_listeners(tables, offset, 5);
    EXPECT_TRUE(page.entries.empty());
    EXPECT_FALSE(page.next);
  }
  EXPECT_FALSE(read_listeners({}, 0, 5).next);
}

TEST(Listeners, AreDescribedWithUnits) {
  ListenersPage page;
  ListenerStatus listener;
  listener.id = 1;
  listener.peer = peer_key_of(*PeerAddress::from_text("192.0.2.7"));
  listener.peer_port = 4321;
  listener.joined_ns = 10 * ns_per_second;
  listener.lag_ns_max = 250 * ns_per_ms;
  listener.lag_ns = 31 * ns_per_ms;
  listener.queued_bytes = 836;
  listener.frames_sent = 12;
  listener.bytes_sent = 5016;
  listener.frames_skipped = 3;
  listener.jumps = 1;
  page.entries.push_back({.slot = 2, .listener = listener});
  EXPECT_EQ(json::parse(listeners_json(page, 75 * ns_per_second)), json::parse(R"({
    "listeners": [{"worker": 2, "id": 1, "peer": "192.0.2.7", "peer_port": 4321,
                   "listening_s": 65, "lag_ms": 31, "max_lag_ms": 250, "queue_bytes": 836,
                   "frames_sent": 12, "bytes_sent": 5016, "frames_skipped": 3, "jumps": 1}],
    "next": null})"));
}

}  // namespace
}  // namespace eradio
