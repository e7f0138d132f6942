// The ring between real processes: one writer, several readers that map it read-only, a ring so
// small that readers are overtaken all the time. Any torn record, and any record that is neither
// handed out nor counted as lost, fails it. The random seed is printed; ERADIO_TEST_SEED replays
// it.

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ring_records.h"
#include "shm/memory_file.h"
#include "shm/ring_reader.h"
#include "shm/ring_writer.h"

namespace eradio {
namespace {

constexpr std::size_t readers = 3;
constexpr std::size_t ring_bytes = 8192;

std::uint64_t records_wanted() {
  return std::getenv("ERADIO_TEST_LONG") != nullptr ? 1'000'000'000 : 10'000'000;
}

// What lies in memory of its own, shared with the children: the ring, and what the readers saw.
struct Shared {
  MemoryFile ring =
      MemoryFile::create("test-ring", round_up_to_page(RingWriter::memory_bytes(ring_bytes)));
  MemoryFile results = MemoryFile::create("test-results", page_bytes);
  boost::interprocess::mapped_region ring_region = ring.map_writable(0, ring.bytes());
  boost::interprocess::mapped_region results_region = results.map_writable(0, page_bytes);

  std::span<test::Seen, readers> seen() {
    return std::span<test::Seen, readers>(static_cast<test::Seen*>(results_region.get_address()),
                                          readers);
  }
  std::atomic<std::uint64_t>& finished() {
    return *reinterpret_cast<std::atomic<std::uint64_t>*>(
        static_cast<std::byte*>(results_region.get_address()) + page_bytes / 2);
  }
};

// Runs `body` in a child and exits with 0, or with 1 if it throws.
pid_t fork_child(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "child: %s\n", error.what());
      ::_exit(1);
    }
    ::_exit(0);
  }
  return child;
}

void read_until_finished(Shared& shared, std::size_t number) {
  const MemoryFile file(shared.ring.reopen_read_only());
  const auto region = file.map_read_only(0, file.bytes());
  RingReader reader(readable_bytes(region));
  std::vector<std::byte> payload(reader.payload_bytes_max());
  test::Seen& seen = shared.seen()[number];
  for (bool finished = false; !finished;) {
    finished = shared.finished().load() != 0;
    while (test::read_and_check(reader, payload, seen)) {
    }
    ::sched_yield();
  }
}

// Publishes until the ring's last sequence is `last`.
void write_until(Shared& shared, std::uint64_t last, std::uint64_t seed) {
  RingWriter writer = RingWriter::attach(writable_bytes(shared.ring_region));
  std::vector<std::byte> payload(writer.payload_bytes_max());
  for (std::uint64_t sequence = writer.sequence() + 1; sequence <= last; ++sequence) {
    const auto used =
        std::span(payload).first(test::length_for(sequence, writer.payload_bytes_max()));
    test::fill_for(sequence, used);
    writer.publish(RecordType::sync_point, static_cast<std::int64_t>(test::mix(sequence) >> 1U),
                   used);
    if (test::mix(sequence + seed) % 32 == 0) {
      ::sched_yield();  // lets readers catch up: without it they would see next to nothing
    }
  }
}

std::uint64_t test_seed() {
  const char* given = std::getenv("ERADIO_TEST_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("ERADIO_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

std::vector<pid_t> start_readers(Shared& shared) {
  std::vector<pid_t> children;
  for (std::size_t number = 0; number < readers; ++number) {
    children.push_back(fork_child([&, number] { read_until_finished(shared, number); }));
  }
  return children;
}

void finish_readers(Shared& shared, const std::vector<pid_t>& children, std::uint64_t records) {
  shared.finished().store(1);
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  for (const test::Seen& seen : shared.seen()) {
    std::printf("reader: %llu records, %llu lost, overtaken %llu times\n",
                static_cast<unsigned long long>(seen.records),
                static_cast<unsigned long long>(seen.lost),
                static_cast<unsigned long long>(seen.overtaken));
    EXPECT_EQ(seen.torn, 0U);
    EXPECT_EQ(seen.damaged, 0U);
    EXPECT_EQ(seen.last_sequence, records);
    EXPECT_EQ(seen.records + seen.lost, records - seen.first_sequence + 1);
    EXPECT_GT(seen.overtaken, 0U) << "the test has not tested what it is for";
    EXPECT_GT(seen.records, records / 1000) << "the test has not tested what it is for";
  }
}

TEST(RingProcesses, NoReaderEverSeesATornRecordOrMissesAGap) {
  const std::uint64_t seed = test_seed();
  const std::uint64_t records = records_wanted();
  Shared shared;
  RingWriter::create(writable_bytes(shared.ring_region));
  const auto children = start_readers(shared);
  write_until(shared, records, seed);
  finish_readers(shared, children, records);
}

TEST(RingProcesses, AWriterKilledAtAnyPointLeavesNothingTornAndASuccessorGoesOn) {
  constexpr int kills = 500;
  std::mt19937_64 random(test_seed());
  Shared shared;
  RingWriter::create(writable_bytes(shared.ring_region));
  const auto children = start_readers(shared);
  for (int i = 0; i < kills; ++i) {
    const pid_t writer = fork_child([&] { write_until(shared, UINT64_MAX, 0); });
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 4000));
    ASSERT_EQ(::kill(writer, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(writer, &status, 0), writer);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        << "the writer could not attach to what its predecessor left";
  }
  const std::uint64_t records =
      RingWriter::attach(writable_bytes(shared.ring_region)).sequence() + 1;
  write_until(shared, records, 0);
  EXPECT_GT(records, static_cast<std::uint64_t>(kills)) << "hardly anything was written";
  finish_readers(shared, children, records);
}

}  // namespace
}  // namespace eradio
