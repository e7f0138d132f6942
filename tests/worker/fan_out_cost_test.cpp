// What a pass does besides sending: nothing. A program of its own, since it counts all that is
// allocated in it.

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include "tests/worker/fan_out_fixture.h"

namespace {

std::atomic<std::uint64_t> allocations{0};

void* allocate(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory = std::malloc(bytes > 0 ? bytes : 1);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes); }
void* operator new[](std::size_t bytes) { return allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*bytes*/) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t /*bytes*/) noexcept { std::free(memory); }

namespace eradio {
namespace {

using test::Connection;
using test::test_time;

class FanOutCost : public test::FanOutTest {
 protected:
  static constexpr int passes = 200;

  // Who reads gets every frame; the others wait at the gate, and skip.
  void come(std::size_t reading, std::size_t not_reading) {
    reading_ = std::vector<Connection>(reading);
    not_reading_ = std::vector<Connection>(not_reading);
    for (auto* crowd : {&reading_, &not_reading_}) {
      for (Connection& connection : *crowd) {
        join(connection);
      }
    }
  }
  // Allocations in these passes, and nowhere else.
  std::uint64_t allocations_in_passes() {
    std::uint64_t count = 0;
    for (int i = 0; i < passes; ++i) {
      test_time += 26 * ns_per_ms;
      append();
      const std::uint64_t before = allocations.load();
      fan_out.pass();
      count += allocations.load() - before;
      for (const Connection& connection : reading_) {
        received_ += connection.read_all().size();
      }
    }
    return count;
  }

  std::vector<Connection> reading_;
  std::vector<Connection> not_reading_;
  std::uint64_t received_ = 0;
};

TEST_F(FanOutCost, IsNoAllocationWhileListenersGetEveryFrame) {
  come(20, 0);
  EXPECT_EQ(allocations_in_passes(), 0U);
  EXPECT_EQ(received_, 20U * passes * 418) << "nothing was sent";
}

TEST_F(FanOutCost, IsNoAllocationWhileListenersWaitAndSkip) {
  come(10, 10);
  allocations_in_passes();  // lists get as long as they have to be
  EXPECT_EQ(allocations_in_passes(), 0U);
  EXPECT_GT(totals().frames_skipped, 0U);
}

TEST_F(FanOutCost, IsOneSendForEachListenerAndFrameAndFewLooks) {
  constexpr std::uint64_t listeners = 20;
  come(listeners, 0);
  const std::uint64_t sends_before = counters.sends_total.get();
  const std::uint64_t calls_before = counters.send_calls_total.get();
  const std::uint64_t looks_before = counters.queue_looks_total.get();
  allocations_in_passes();
  EXPECT_EQ(counters.sends_total.get() - sends_before, listeners * passes);
#ifdef ERADIO_TEST_THROUGH_RING
  const std::uint64_t calls = passes;
#else
  const std::uint64_t calls = listeners * passes;
#endif
  // The pass moves on by one place each time, so it falls into two parts most times.
  EXPECT_GE(counters.send_calls_total.get() - calls_before, calls);
  EXPECT_LE(counters.send_calls_total.get() - calls_before,
            std::max(calls, std::uint64_t{2} * passes));
  EXPECT_LE(counters.queue_looks_total.get() - looks_before, listeners * passes / 4);
}

TEST_F(FanOutCost, CountsWhatIsAllocated) {
  const std::uint64_t before = allocations.load();
  const auto something = std::make_unique<std::uint64_t>(received_);
  EXPECT_EQ(allocations.load() - before, *something + 1);
}

}  // namespace
}  // namespace eradio
