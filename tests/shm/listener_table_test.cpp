#include "shm/listener_table.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace eradio {
namespace {

class ListenerTableTest : public testing::Test {
 protected:
  static constexpr std::size_t records = 10;

  static ListenerStatus status(std::uint64_t id) {
    ListenerStatus status;
    status.id = id;
    status.peer = {.high = 1, .low = id};
    status.joined_ns = static_cast<std::int64_t>(id) * 2'000'000;
    status.lag_ns_max = static_cast<std::int64_t>(id) * 3'000'000;
    status.bytes_before = 4 * id;
    status.peer_port = static_cast<std::uint16_t>(5 * id);
    status.lag_ns = static_cast<std::int64_t>(id) * 1000;
    status.queued_bytes = 7 * id;
    status.frames_sent = 2 * id;
    status.bytes_sent = 1000 * id;
    status.frames_skipped = id;
    status.jumps = 3 * id;
    return status;
  }
  static std::optional<std::uint32_t> enter(WorkerListenerTable& worker, std::uint64_t id) {
    const auto record = worker.take(status(id), run(id));
    if (record) {
      worker.write_run(*record, run(id), tally(id));
      worker.write_progress(*record, status(id));
    }
    return record;
  }
  static ListenerTally tally(std::uint64_t id) {
    const ListenerStatus all = status(id);
    return {.stream_position = 5 * id, .totals = static_cast<const ListenerTotals&>(all)};
  }
  static ListenerRun run(std::uint64_t n) {
    return {.bytes_before = n,
            .stream_position = 2 * n,
            .header_position = 3 * n,
            .header_bytes = static_cast<std::uint32_t>(4 * n)};
  }
  WorkerListenerTable begin() {
    WorkerListenerTable worker = inherit();
    worker.forget_estates();
    return worker;
  }
  WorkerListenerTable inherit() { return {descriptor(), ++generation}; }
  Descriptor descriptor() const { return Descriptor(::dup(table.descriptor())); }

  ListenerTable table{records};
  std::uint64_t generation = 0;
};

TEST_F(ListenerTableTest, IsFullUntilSomebodyLeaves) {
  WorkerListenerTable worker = begin();
  for (std::uint64_t id = 1; id <= records; ++id) {
    EXPECT_FALSE(worker.is_full());
    ASSERT_TRUE(enter(worker, id));
  }
  EXPECT_TRUE(worker.is_full());
  EXPECT_FALSE(enter(worker, 99));
  worker.give_back(3);
  EXPECT_FALSE(worker.is_full());
}

TEST_F(ListenerTableTest, HasWhatTheWorkerHasWritten) {
  WorkerListenerTable worker = begin();
  EXPECT_EQ(table.read().size(), 0U);
  const auto first = enter(worker, 1);
  const auto second = enter(worker, 2);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(table.read(), (std::vector{status(1), status(2)}));
  EXPECT_EQ(ListenerTable(descriptor()).read(), table.read());
  worker.give_back(*first);
  EXPECT_EQ(table.read(), (std::vector{status(2)}));
  EXPECT_EQ(enter(worker, 3), first) << "free again";
}

TEST_F(ListenerTableTest, HasAsManyAsItWasMadeForAndNoMore) {
  WorkerListenerTable worker = begin();
  for (std::uint64_t id = 0; id < records; ++id) {
    ASSERT_TRUE(enter(worker, id));
  }
  EXPECT_EQ(enter(worker, 77), std::nullopt);
  EXPECT_EQ(table.read().size(), records);
}

TEST_F(ListenerTableTest, OfAWorkerThatHasGoneIsEmpty) {
  {
    WorkerListenerTable worker = begin();
    enter(worker, 1);
  }
  table.clear();
  EXPECT_EQ(table.read().size(), 0U);
  WorkerListenerTable next = begin();
  enter(next, 2);
  EXPECT_EQ(table.read(), (std::vector{status(2)}));
  const WorkerListenerTable another = begin();
  EXPECT_EQ(table.read().size(), 0U) << "each worker begins with an empty one";
}

TEST_F(ListenerTableTest, NumbersThatMakeNoSenseAreNotBelieved) {
  WorkerListenerTable worker = begin();
  enter(worker, 1);
  const MemoryFile file(descriptor());
  const auto region = file.map_writable(0, file.bytes());
  auto& header = *static_cast<ListenerTableHeader*>(region.get_address());
  header.used = UINT64_MAX;
  EXPECT_EQ(table.read(), (std::vector{status(1)}));
  header.records = UINT64_MAX;
  EXPECT_THROW(begin(), std::runtime_error);
  EXPECT_THROW(ListenerTable{descriptor()}, std::runtime_error);
  header.records = records;
  header.record_bytes = 64;
  EXPECT_THROW(ListenerTable{descriptor()}, std::runtime_error);
  table.put_right();
  EXPECT_EQ(ListenerTable{descriptor()}.read().size(), 1U);
}

TEST_F(ListenerTableTest, OfAWorkerThatHasDestroyedItCanBeUsedByTheNext) {
  {
    const MemoryFile file(descriptor());
    const auto region = file.map_writable(0, file.bytes());
    auto bytes = writable_bytes(region);
    std::fill(bytes.begin(), bytes.end(), std::byte{0xff});
  }
  table.clear();
  WorkerListenerTable next = begin();
  enter(next, 2);
  EXPECT_EQ(table.read(), (std::vector{status(2)}));
}

TEST_F(ListenerTableTest, OfAWorkerThatHasDiedIsTheNextOnes) {
  std::uint64_t serials[3] = {};
  {
    WorkerListenerTable worker = begin();
    for (std::uint64_t id = 0; id < 3; ++id) {
      serials[id] = worker.serial(enter(worker, id).value());
    }
    worker.write_run(1, run(8), tally(8));
    worker.write_run(1, run(9), tally(9));
  }
  WorkerListenerTable next = inherit();
  EXPECT_EQ(next.adopt(0, serials[1]), std::nullopt) << "it is another's";
  EXPECT_EQ(next.adopt(77, serials[1]), std::nullopt);
  EXPECT_EQ(next.adopt(1, 0), std::nullopt);
  const auto estate = next.adopt(1, serials[1]);
  ASSERT_TRUE(estate);
  EXPECT_EQ(estate->identity, static_cast<const ListenerIdentity&>(status(1)));
  EXPECT_EQ(estate->run, run(9));
  EXPECT_EQ(estate->tally, tally(9));
  EXPECT_EQ(next.adopt(1, serials[1]), std::nullopt) << "once";
  EXPECT_EQ(table.read().size(), 3U);
  next.forget_estates();
  ASSERT_EQ(table.read().size(), 1U);
  EXPECT_EQ(table.read()[0].id, 1U);
  const auto record = enter(next, 5);
  ASSERT_TRUE(record);
  for (const std::uint64_t serial : serials) {
    EXPECT_NE(next.serial(*record), serial) << "no serial comes twice";
  }
}

// A worker can be killed between any two words that it writes: here behind each one in turn of what
// write_run() does.
TEST_F(ListenerTableTest, OfAWorkerKilledInTheMiddleOfAWriteHasWhatHeldBeforeOrTheNew) {
  WorkerListenerTable worker = begin();
  const std::uint32_t record = enter(worker, 1).value();
  const std::uint32_t another = enter(worker, 2).value();
  const std::uint64_t serial = worker.serial(record);
  worker.write_run(record, run(5), tally(5));
  const MemoryFile file(descriptor());
  const auto region = file.map_writable(0, file.bytes());
  auto& header = *static_cast<ListenerTableHeader*>(region.get_address());
  auto* memory = reinterpret_cast<ListenerRecord*>(&header + 1) + record;
  const AccountWords before = memory->account;
  const std::uint64_t version = header.journal.version;
  ASSERT_EQ(version % 2, 0U);
  worker.write_run(record, run(6), tally(6));
  const AccountWords after = memory->account;
  ASSERT_EQ(header.journal.version, version + 2);

  for (std::size_t words = 0; words <= after.size(); ++words) {
    header.journal = {.version = version + 1, .record = record, .account = before};
    memory->account = before;
    std::copy_n(after.begin(), words, memory->account.begin());
    EXPECT_EQ(table.read().at(0).frames_sent, 10U) << "the master, while nobody goes on with it";
    EXPECT_EQ(table.count().totals.frames_sent, 10U + 4U);
    WorkerListenerTable next = inherit();
    const auto estate = next.adopt(record, serial);
    ASSERT_TRUE(estate);
    EXPECT_EQ(estate->run, run(5));
    EXPECT_EQ(estate->tally, tally(5));
    EXPECT_EQ(header.journal.version, version + 2);
    next.write_run(another, run(2), tally(2));
    EXPECT_EQ(table.read().at(0).frames_sent, 10U) << "what is written next changes nothing";
  }
  header.journal = {.version = version + 2, .record = record, .account = before};
  memory->account = after;
  EXPECT_EQ(inherit().adopt(record, serial)->run, run(6));
  header.journal = {.version = version + 2, .record = another, .account = after};
  memory->account = before;
  EXPECT_EQ(inherit().adopt(record, serial)->run, run(5)) << "the next one was not begun";
  header.journal = {.version = version + 1, .record = UINT64_MAX, .account = after};
  EXPECT_EQ(inherit().adopt(record, serial)->run, run(5)) << "nonsense";
  memory->serial = 0;
  EXPECT_EQ(inherit().adopt(record, serial), std::nullopt);
}

TEST_F(ListenerTableTest, TakesFromAnotherWhatHeldBeforeItsWorkerWasKilled) {
  ListenerTable other{records};
  WorkerListenerTable others(Descriptor(::dup(other.descriptor())), 77);
  const std::uint32_t record = enter(others, 3).value();
  {
    const MemoryFile file(Descriptor(::dup(other.descriptor())));
    const auto region = file.map_writable(0, file.bytes());
    auto& header = *static_cast<ListenerTableHeader*>(region.get_address());
    auto& memory = reinterpret_cast<ListenerRecord*>(&header + 1)[record];
    header.journal.version += 1;
    header.journal.record = record;
    header.journal.account = memory.account;
    memory.account.fill(12345);
  }
  begin();
  ASSERT_TRUE(table.take_from(other, record, others.serial(record), 0));
  EXPECT_EQ(inherit().adopt(0, others.serial(record)), std::nullopt) << "it has gone there";
  EXPECT_EQ(table.read(), (std::vector{status(3)}));
}

TEST_F(ListenerTableTest, TakesRecordsFromAnotherOne) {
  ListenerTable other{records};
  WorkerListenerTable others(Descriptor(::dup(other.descriptor())), 77);
  WorkerListenerTable worker = begin();
  // Of all these but the first there is nobody: a worker can write what it likes.
  for (std::uint64_t id = 100; id < 100 + records; ++id) {
    ASSERT_TRUE(enter(worker, id));
  }
  std::vector<std::uint64_t> serials;
  for (std::uint64_t id = 2; id < 2 + records; ++id) {
    const auto record = enter(others, id);
    serials.push_back(others.serial(*record));
  }
  EXPECT_FALSE(table.take_from(other, 0, serials[0] + 100, 1)) << "no such serial";
  EXPECT_FALSE(table.take_from(other, 9999, serials[0], 1));
  EXPECT_FALSE(table.take_from(other, 0, serials[0], static_cast<std::uint32_t>(records)));
  const auto room = static_cast<std::uint32_t>(records) - 1;
  for (std::uint32_t record = 0; record < room; ++record) {
    ASSERT_TRUE(table.take_from(other, record, serials[record], record + 1));
  }
  EXPECT_FALSE(table.take_from(other, 0, serials[0], 1)) << "it has gone";
  EXPECT_EQ(other.read().size(), 1U);
  EXPECT_EQ(table.read().size(), records);

  WorkerListenerTable next = inherit();
  const auto estate = next.adopt(1, serials[0]);
  ASSERT_TRUE(estate);
  EXPECT_EQ(estate->identity.id, 2U);
  EXPECT_EQ(estate->run, run(2));
  EXPECT_EQ(estate->tally, tally(2));
}

TEST_F(ListenerTableTest, CountsEachListenerOnceWhetherItIsThereOrHasLeft) {
  std::uint64_t third_serial = 0;
  {
    WorkerListenerTable worker = begin();
    for (std::uint64_t id = 1; id <= 3; ++id) {
      ASSERT_TRUE(enter(worker, id));
    }
    ASSERT_TRUE(worker.take_notify_client({.peer = {}, .kind = ClientKind::websocket}));
    EXPECT_EQ(table.count().listeners, 3U);
    EXPECT_EQ(table.count().notify_clients, 1U);
    EXPECT_EQ(table.count().totals, status(6));
    worker.give_back(0);
    EXPECT_EQ(table.count().listeners, 2U);
    EXPECT_EQ(table.count().totals, status(6));
    // Killed after it has counted the third, and before it has freed its record.
    third_serial = worker.serial(2);
    worker.give_back(2);
  }
  const MemoryFile file(descriptor());
  const auto region = file.map_writable(0, file.bytes());
  auto* records_begin = reinterpret_cast<ListenerRecord*>(
      static_cast<ListenerTableHeader*>(region.get_address()) + 1);
  records_begin[2].serial = third_serial;
  EXPECT_EQ(table.count().listeners, 1U);
  EXPECT_EQ(table.count().totals, status(6));
  WorkerListenerTable next = inherit();
  EXPECT_EQ(next.adopt(2, third_serial), std::nullopt);
  EXPECT_EQ(table.count().listeners, 1U);
  EXPECT_EQ(table.count().totals, status(6));
  next.forget_estates();
  EXPECT_EQ(table.count().listeners, 0U);
  EXPECT_EQ(table.count().notify_clients, 0U);
  EXPECT_EQ(table.count().totals, status(6)) << "the second has left, too";
  ASSERT_TRUE(enter(next, 4));
  table.clear();
  EXPECT_EQ(table.count().totals, status(10));

  ListenerTable other{records};
  other.take_departed_from(table);
  EXPECT_EQ(other.count().totals, status(10));
  EXPECT_EQ(table.count().totals, ListenerTotals{});
  EXPECT_EQ(ListenerTable(Descriptor(::dup(other.descriptor())), records).count().totals,
            status(10));
}

// As above; and then the listeners of another worker come to the same table.
TEST_F(ListenerTableTest, CountsALeaveThatWasCutOffOnceWhenOthersListenersComeToo) {
  for (const bool one_comes_to_its_place : {false, true}) {
    ListenerTable heir{records};
    std::uint64_t serial = 0;
    {
      WorkerListenerTable worker(Descriptor(::dup(heir.descriptor())), ++generation);
      worker.forget_estates();
      ASSERT_EQ(enter(worker, 1), 0U);
      serial = worker.serial(0);
      worker.give_back(0);
    }
    const MemoryFile file(Descriptor(::dup(heir.descriptor())));
    const auto region = file.map_writable(0, file.bytes());
    reinterpret_cast<ListenerRecord*>(static_cast<ListenerTableHeader*>(region.get_address()) + 1)
        ->serial = serial;
    EXPECT_TRUE(heir.has_left(0, serial));
    EXPECT_EQ(heir.listener_id(0, serial), std::nullopt);

    ListenerTable other{records};
    WorkerListenerTable worker(Descriptor(::dup(other.descriptor())), ++generation);
    worker.forget_estates();
    ASSERT_EQ(enter(worker, 2), 0U);
    ASSERT_TRUE(heir.take_from(other, 0, worker.serial(0), one_comes_to_its_place ? 0U : 1U));
    heir.take_departed_from(other);
    EXPECT_EQ(heir.count().listeners, 1U);
    EXPECT_EQ(heir.count().totals, status(3));
    WorkerListenerTable(Descriptor(::dup(heir.descriptor())), ++generation).forget_estates();
    EXPECT_EQ(heir.count().totals, status(3));
  }
}

TEST_F(ListenerTableTest, SaysHowMuchASocketHasTakenButForTheTimeOfASend) {
  WorkerListenerTable worker = begin();
  ListenerStatus unix_peer = status(1);
  unix_peer.peer = {};
  const std::uint32_t record = worker.take(unix_peer, run(1)).value();
  const std::uint64_t serial = worker.serial(record);
  EXPECT_EQ(inherit().adopt(record, serial)->bytes_taken, 0U);
  EXPECT_EQ(inherit().adopt(record, serial)->bytes_taken, 0U) << "by the next but one, too";
  worker.write_sending(record);
  EXPECT_EQ(inherit().adopt(record, serial)->bytes_taken, std::nullopt);
  worker.write_taken(record, 77);
  EXPECT_EQ(inherit().adopt(record, serial)->bytes_taken, 77U);
  EXPECT_EQ(table.read().at(0).bytes_sent, 77U);
  worker.write_sending(record);
  EXPECT_EQ(table.read().at(0).bytes_sent, 77U) << "before the send";
  worker.give_back(record);
  const std::uint32_t another = enter(worker, 2).value();
  ASSERT_EQ(another, record);
  EXPECT_EQ(inherit().adopt(record, worker.serial(record))->bytes_taken, std::nullopt)
      << "of TCP the kernel says it";
}

TEST_F(ListenerTableTest, HasTheNearestOfWhatItCannotHold) {
  WorkerListenerTable worker = begin();
  ListenerStatus much = status(1);
  much.bytes_before = UINT64_MAX;
  much.peer_port = UINT16_MAX;
  much.joined_ns = INT64_MAX;
  much.lag_ns_max = INT64_MAX;
  const std::uint32_t record = worker.take(much, run(1)).value();
  EXPECT_EQ(worker.identity(record).bytes_before, (std::uint64_t{1} << 48U) - 1);
  EXPECT_EQ(worker.identity(record).peer_port, UINT16_MAX);
  EXPECT_EQ(worker.identity(record).joined_ns, ((std::int64_t{1} << 40U) - 1) * 1'000'000);
  EXPECT_EQ(worker.identity(record).lag_ns_max, ((std::int64_t{1} << 22U) - 1) * 1'000'000);
  EXPECT_EQ(worker.identity(record).kind, ClientKind::listener);
  worker.write_progress(record, {.lag_ns = INT64_MAX, .queued_bytes = UINT64_MAX});
  EXPECT_EQ(table.read().at(0).lag_ns, std::int64_t{UINT32_MAX} * 1000);
  EXPECT_EQ(table.read().at(0).queued_bytes, UINT32_MAX);
  worker.write_progress(record, {.lag_ns = -1, .queued_bytes = 1});
  EXPECT_EQ(table.read().at(0).lag_ns, 0);

  worker.write_tally(record, {.stream_position = UINT64_MAX,
                              .totals = {.frames_sent = UINT64_MAX,
                                         .bytes_sent = INT64_MAX,
                                         .frames_skipped = UINT64_MAX,
                                         .jumps = UINT64_MAX}});
  EXPECT_EQ(static_cast<const ListenerTotals&>(table.read().at(0)),
            (ListenerTotals{.frames_sent = (std::uint64_t{1} << 40U) - 1,
                            .bytes_sent = INT64_MAX,
                            .frames_skipped = (std::uint64_t{1} << 35U) - 1,
                            .jumps = (std::uint64_t{1} << 24U) - 1}));
}

TEST_F(ListenerTableTest, SaysWhoseARecordIs) {
  WorkerListenerTable worker = begin();
  const std::uint32_t record = enter(worker, 1).value();
  const std::uint32_t client =
      worker.take_notify_client({.peer = {}, .kind = ClientKind::websocket}).value();
  const std::uint64_t serial = worker.serial(record);
  EXPECT_EQ(table.listener_id(record, serial), 1U);
  EXPECT_EQ(table.listener_id(record, serial + 1), std::nullopt);
  EXPECT_EQ(table.listener_id(record, 0), std::nullopt);
  EXPECT_EQ(table.listener_id(client, worker.serial(client)), std::nullopt) << "it does not listen";
  EXPECT_EQ(table.listener_id(client + 1, 0), std::nullopt);
  EXPECT_EQ(table.listener_id(records, serial), std::nullopt);
  ListenerStatus liar = status(2);
  liar.id = UINT64_MAX;
  const std::uint32_t another = worker.take(liar, run(2)).value();
  EXPECT_EQ(table.listener_id(another, worker.serial(another)), std::nullopt);
  EXPECT_FALSE(table.has_left(another, worker.serial(another)));
  EXPECT_FALSE(table.has_left(record, serial));
  worker.give_back(record);
  EXPECT_EQ(table.listener_id(record, serial), std::nullopt);
  EXPECT_TRUE(table.has_left(record, serial));
  EXPECT_TRUE(table.has_left(records, serial));
}

TEST_F(ListenerTableTest, HasTheLongestHeaderThatAStreamCanHave) {
  WorkerListenerTable worker = begin();
  const ListenerRun longest{.bytes_before = UINT64_MAX,
                            .stream_position = UINT64_MAX,
                            .header_position = ListenerRun::no_header,
                            .header_bytes = 256U << 20U};  // the highest max_frame
  const std::uint32_t record = worker.take(status(1), longest).value();
  const std::uint64_t serial = worker.serial(record);
  EXPECT_EQ(inherit().adopt(record, serial).value().run, longest);
}

TEST_F(ListenerTableTest, HasNotifyClientsAmongTheListenersAndDoesNotShowThem) {
  WorkerListenerTable worker = begin();
  const ListenerIdentity identity{
      .peer = {.high = 1, .low = 2}, .peer_port = 3, .kind = ClientKind::event_stream};
  const NotifyProgress progress{.told = 7, .sent_ns = 8, .heard_ns = 9};
  const std::uint32_t listener = enter(worker, 1).value();
  const std::uint32_t client = worker.take_notify_client(identity).value();
  const std::uint64_t serial = worker.serial(client);
  EXPECT_EQ(table.read(), (std::vector{status(1)}));
  EXPECT_EQ(inherit().adopt(client, serial), std::nullopt) << "it is no listener";
  EXPECT_EQ(inherit().adopt_notify_client(listener, worker.serial(listener)), std::nullopt);
  EXPECT_EQ(inherit().adopt_notify_client(client, serial + 1), std::nullopt);

  auto estate = inherit().adopt_notify_client(client, serial);
  ASSERT_TRUE(estate);
  EXPECT_EQ(estate->identity, identity);
  EXPECT_EQ(estate->progress, std::nullopt) << "it is not settled yet";
  worker.settle(client, progress);
  EXPECT_EQ(inherit().adopt_notify_client(client, serial)->progress, progress);
  worker.unsettle(client);
  EXPECT_EQ(inherit().adopt_notify_client(client, serial)->progress, std::nullopt);

  WorkerListenerTable next = inherit();
  EXPECT_TRUE(next.adopt_notify_client(client, serial));
  EXPECT_FALSE(next.adopt_notify_client(client, serial)) << "once";
  next.forget_estates();
  EXPECT_EQ(table.read().size(), 0U);
  next.give_back(client);
  const auto record = enter(next, 5);
  ASSERT_TRUE(record);
  EXPECT_EQ(table.read(), (std::vector{status(5)}));
}

TEST_F(ListenerTableTest, OfAnotherLayoutVersionIsRefused) {
  const MemoryFile file(descriptor());
  const auto region = file.map_writable(0, file.bytes());
  static_cast<ListenerTableHeader*>(region.get_address())->layout_version = 99;
  EXPECT_THROW(begin(), std::runtime_error);
  EXPECT_THROW(ListenerTable(MemoryFile::create("other", 8192).reopen_read_only()), std::exception);
}

TEST_F(ListenerTableTest, SaysWhenItsWorkerLastLived) {
  WorkerListenerTable worker = begin();
  worker.beat(17);
  table.put_right();
  EXPECT_EQ(table.heartbeat_ns(), 17);
}

TEST_F(ListenerTableTest, IsReadInPages) {
  WorkerListenerTable worker = begin();
  for (std::uint64_t id = 0; id < 6; ++id) {
    ASSERT_TRUE(enter(worker, id));
  }
  worker.give_back(1);
  const ListenerPage first = table.read_page(0, 2, records);
  EXPECT_EQ(first.listeners, (std::vector{status(0), status(2)}));
  EXPECT_EQ(first.next, 3U);
  EXPECT_EQ(first.records_read, 3U);
  const ListenerPage second = table.read_page(3, 10, 2);
  EXPECT_EQ(second.listeners, (std::vector{status(3), status(4)}));
  EXPECT_EQ(second.next, 5U);
  const ListenerPage last = table.read_page(5, 10, 10);
  EXPECT_EQ(last.listeners, (std::vector{status(5)}));
  EXPECT_EQ(last.next, std::nullopt);
  EXPECT_EQ(table.read_page(SIZE_MAX, 10, 10).next, std::nullopt);
}

}  // namespace
}  // namespace eradio
