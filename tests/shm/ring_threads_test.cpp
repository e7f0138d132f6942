// What is in shared memory, between threads of one process: what ThreadSanitizer can look at.

#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ring_records.h"
#include "shm/listener_table.h"
#include "shm/ring_reader.h"
#include "shm/ring_writer.h"
#include "shm/stream_state.h"

namespace eradio {
namespace {

TEST(RingThreads, OneWriterAndTwoReadersNeverTearARecord) {
  constexpr std::uint64_t records = 300'000;
  constexpr std::size_t readers = 2;
  struct alignas(64) Memory {
    std::array<std::byte, 8192> bytes{};
  };
  auto memory = std::make_unique<Memory>();
  RingWriter writer = RingWriter::create(memory->bytes);
  std::atomic<bool> done{false};

  std::array<test::Seen, readers> seen{};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < readers; ++i) {
    threads.emplace_back([&, i] {
      RingReader reader(memory->bytes);
      std::vector<std::byte> payload(reader.payload_bytes_max());
      for (bool finished = false; !finished;) {
        finished = done.load();
        while (test::read_and_check(reader, payload, seen.at(i))) {
        }
        std::this_thread::yield();
      }
    });
  }
  std::vector<std::byte> payload(writer.payload_bytes_max());
  for (std::uint64_t sequence = 1; sequence <= records; ++sequence) {
    const std::size_t length = test::length_for(sequence, writer.payload_bytes_max());
    test::fill_for(sequence, std::span(payload).first(length));
    writer.publish(RecordType::sync_point, static_cast<std::int64_t>(test::mix(sequence) >> 1U),
                   std::span(payload).first(length));
    if (test::mix(sequence) % 64 == 0) {
      std::this_thread::yield();
    }
  }
  done.store(true);
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (const test::Seen& one : seen) {
    EXPECT_EQ(one.torn, 0U);
    EXPECT_EQ(one.damaged, 0U);
    EXPECT_EQ(one.last_sequence, records);
    EXPECT_EQ(one.records + one.lost, records - one.first_sequence + 1);
  }
}

TEST(StreamStateThreads, AReaderGetsOneOfTheStatesThatWereWrittenOrNothing) {
  auto layout = std::make_unique<StreamStateLayout>();
  auto writer = StreamStateWriter::create(*layout);
  const StreamStateReader reader(*layout);
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> good{0};
  std::thread thread([&] {
    while (!done.load()) {
      const auto state = reader.read();
      if (state && state->metadata.now_playing.track) {
        const TrackName& track = *state->metadata.now_playing.track;
        EXPECT_EQ(track.uri, track.name);
        EXPECT_EQ(state->metadata.listeners, track.name.size());
        EXPECT_EQ(state->sequence, track.name.size());
        good.fetch_add(1);
      }
    }
  });
  for (int i = 0; i < 2000 || good.load() == 0; ++i) {
    const std::string text(static_cast<std::size_t>(i % 700), static_cast<char>('a' + i % 26));
    writer.write(text.size(),
                 {.now_playing = {.playing = true, .track = TrackName{.uri = text, .name = text}},
                  .listeners = text.size()});
  }
  done.store(true);
  thread.join();
}

TEST(ListenerTableThreads, AReaderGetsTotalsThatBelongTogetherAndProgressThatGoesOn) {
  constexpr std::uint64_t writes = 200'000;
  const auto progress = [](std::uint64_t number) {
    return ListenerProgress{.lag_ns = static_cast<std::int64_t>(number) * 1000,
                            .queued_bytes = 3 * number};
  };
  const auto totals = [](std::uint64_t number) {
    return ListenerTotals{
        .frames_sent = number, .bytes_sent = 418 * number, .frames_skipped = 7, .jumps = 3};
  };
  const ListenerTable table(1);
  WorkerListenerTable worker(Descriptor(::dup(table.descriptor())), 1);
  const std::uint32_t record = worker.take({.id = 5, .peer = {}}, {}).value();
  worker.write_progress(record, progress(1));
  std::thread writer([&] {
    for (std::uint64_t number = 1; number <= writes; ++number) {
      worker.write_progress(record, progress(number));
      worker.write_run(record, {}, {.stream_position = number, .totals = totals(number)});
    }
  });
  ListenerProgress last;
  while (last != progress(writes)) {
    for (const ListenerStatus& read : table.read()) {
      EXPECT_EQ(read.id, 5U);
      EXPECT_GE(read.lag_ns, last.lag_ns);
      EXPECT_EQ(static_cast<const ListenerProgress&>(read), progress(read.queued_bytes / 3));
      last = static_cast<const ListenerProgress&>(read);
      if (read.frames_sent > 0) {  // the writer was not faster than all attempts
        EXPECT_EQ(static_cast<const ListenerTotals&>(read), totals(read.frames_sent));
      }
    }
  }
  writer.join();
}

}  // namespace
}  // namespace eradio
