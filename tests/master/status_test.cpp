#include "master/status.h"

#include <unistd.h>

#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/clock.h"
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
  status.source = {.process = 11, .restarts = 2};
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
                    .started_ns = 65 * ns_per_second,
                    .ready = true};
  worker.connections = 6;
  worker.listeners = 5;
  worker.notify_clients = 1;
  worker.totals = {.frames_sent = 100,
                   .bytes_sent = 41800,
                   .frames_skipped = 9,
                   .jumps = 2,
                   .adopted = 4,
                   .not_adopted = 1,
                   .notify_adopted = 8,
                   .notify_not_adopted = 2};
  status.workers = {worker};
  status.past_totals = {.frames_sent = 1000,
                        .bytes_sent = 1,
                        .frames_skipped = 10,
                        .jumps = 20,
                        .adopted = 40,
                        .not_adopted = 10,
                        .notify_adopted = 80,
                        .notify_not_adopted = 20,
                        .requests_dropped = 5};
  status.upgrades = 3;
  status.upgrade_error = "no";
  status.replacing_workers = true;
  status.escrow = {.on = true, .held = 3, .max = 100};
  EXPECT_EQ(json::parse(status_json(status)), json::parse(R"({
    "version": ")" ERADIO_VERSION R"(", "pid": 10, "uptime_s": 90, "log_level": "debug",
    "upgrades": 3, "upgrade_error": "no", "replacing_workers": true,
    "escrow": {"on": true, "held": 3, "max": 100, "clients_not_held": 3},
    "source": {"running": true, "pid": 11, "restarts": 2, "playing": true},
    "metadata": {"current_track": {"uri": "u", "name": "n\ufffd"}, "listener_count": 4, "veto_count": 1},
    "totals": {"connections": 6, "listeners": 5, "notify_clients": 1, "frames_sent": 1100,
               "bytes_sent": 41801, "frames_skipped": 19, "jumps": 22,
               "listeners_adopted": 44, "listeners_not_adopted": 11, "notify_clients_adopted": 88,
               "notify_clients_not_adopted": 22, "requests_dropped": 5},
    "workers": [{"slot": 1, "pid": 12, "generation": 7, "state": "serving", "uptime_s": 30,
                 "restarts": 3, "connections": 6, "listeners": 5, "notify_clients": 1,
                 "frames_sent": 100, "bytes_sent": 41800, "frames_skipped": 9, "jumps": 2,
                 "listeners_adopted": 4, "listeners_not_adopted": 1,
                 "notify_clients_adopted": 8, "notify_clients_not_adopted": 2}]})"));
}

TEST(Status, SaysWhatDoesNotRun) {
  ServerStatus status;
  WorkerStatus starting;
  starting.process.process = 5;
  status.workers = {WorkerStatus{}, starting};
  const json parsed = json::parse(status_json(status));
  EXPECT_EQ(parsed.at("source"), json::parse(R"({"running": false, "pid": null, "restarts": 0,
                                                 "playing": false})"));
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
