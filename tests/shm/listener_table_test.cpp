#include "shm/listener_table.h"

#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace eradio {
namespace {

class ListenerTableTest : public testing::Test {
 protected:
  static constexpr std::size_t records = 10;

  static ListenerStatus status(std::uint64_t id) {
    ListenerStatus status{.id = id, .peer = {.high = 1, .low = id}, .lag_ns = -5};
    status.jumps = 3 * id;
    return status;
  }
  Descriptor descriptor() const { return Descriptor(::dup(table.descriptor())); }

  ListenerTable table{records};
};

TEST_F(ListenerTableTest, HasWhatTheWorkerHasWritten) {
  WorkerListenerTable worker(descriptor());
  EXPECT_EQ(table.read().size(), 0U);
  const auto first = worker.take();
  const auto second = worker.take();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(table.read().size(), 0U) << "nothing was written yet";
  worker.write(*first, status(1));
  worker.write(*second, status(2));
  EXPECT_EQ(table.read(), (std::vector{status(1), status(2)}));
  EXPECT_EQ(ListenerTable(descriptor()).read(), table.read());
  worker.give_back(*first);
  EXPECT_EQ(table.read(), (std::vector{status(2)}));
  EXPECT_EQ(worker.take(), first) << "free again";
}

TEST_F(ListenerTableTest, HasAsManyAsItWasMadeForAndNoMore) {
  WorkerListenerTable worker(descriptor());
  for (std::uint64_t id = 0; id < records; ++id) {
    const auto record = worker.take();
    ASSERT_TRUE(record);
    worker.write(*record, status(id));
  }
  EXPECT_EQ(worker.take(), std::nullopt);
  EXPECT_EQ(table.read().size(), records);
}

TEST_F(ListenerTableTest, OfAWorkerThatHasGoneIsEmpty) {
  {
    WorkerListenerTable worker(descriptor());
    worker.write(worker.take().value(), status(1));
  }
  table.clear();
  EXPECT_EQ(table.read().size(), 0U);
  WorkerListenerTable next(descriptor());
  next.write(next.take().value(), status(2));
  EXPECT_EQ(table.read(), (std::vector{status(2)}));
  const WorkerListenerTable another(descriptor());
  EXPECT_EQ(table.read().size(), 0U) << "each worker begins with an empty one";
}

TEST_F(ListenerTableTest, NumbersThatMakeNoSenseAreNotBelieved) {
  WorkerListenerTable worker(descriptor());
  worker.write(worker.take().value(), status(1));
  const MemoryFile file(descriptor());
  const auto region = file.map_writable(0, file.bytes());
  auto& header = *static_cast<ListenerTableHeader*>(region.get_address());
  header.used = UINT64_MAX;
  EXPECT_EQ(table.read(), (std::vector{status(1)}));
  auto* first = reinterpret_cast<ListenerRecord*>(&header + 1);
  first->lock.bytes = UINT64_MAX;
  EXPECT_EQ(table.read().size(), 0U);
  first->lock.bytes = 8;
  EXPECT_EQ(table.read().size(), 0U);
  header.records = UINT64_MAX;
  EXPECT_THROW(WorkerListenerTable{descriptor()}, std::runtime_error);
  EXPECT_THROW(ListenerTable{descriptor()}, std::runtime_error);
  header.records = records;
  header.record_bytes = 64;
  EXPECT_THROW(ListenerTable{descriptor()}, std::runtime_error);
}

TEST_F(ListenerTableTest, OfAWorkerThatHasDestroyedItCanBeUsedByTheNext) {
  {
    const MemoryFile file(descriptor());
    const auto region = file.map_writable(0, file.bytes());
    auto bytes = writable_bytes(region);
    std::fill(bytes.begin(), bytes.end(), std::byte{0xff});
  }
  EXPECT_EQ(table.read().size(), 0U);
  table.clear();
  WorkerListenerTable next(descriptor());
  next.write(next.take().value(), status(2));
  EXPECT_EQ(table.read(), (std::vector{status(2)}));
}

TEST_F(ListenerTableTest, OfAnotherLayoutVersionIsRefused) {
  const MemoryFile file(descriptor());
  const auto region = file.map_writable(0, file.bytes());
  static_cast<ListenerTableHeader*>(region.get_address())->layout_version = 99;
  EXPECT_THROW(WorkerListenerTable{descriptor()}, std::runtime_error);
  EXPECT_THROW(ListenerTable(MemoryFile::create("other", 8192).reopen_read_only()), std::exception);
}

}  // namespace
}  // namespace eradio
