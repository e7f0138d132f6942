// eradio-bench-hot-parts: what our own code costs where there is much of it, by Google Benchmark:
// ring, gate, and a pass over listeners whose kernel is none. Every figure is processor time of one
// thread; "per item" is per record, decision, or listener. run.sh hot-parts compares two runs.

#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/http/peer_address.h"
#include "shm/listener_table.h"
#include "shm/ring_reader.h"
#include "shm/ring_writer.h"
#include "shm/scoreboard.h"
#include "worker/fan_out.h"
#include "worker/frame_store.h"
#include "worker/gate.h"

// A kernel that takes everything at once, and has sent it when it is asked: what stands between our
// code and the real one, in this program only.
extern "C" {
ssize_t send(int /*socket*/, const void* /*buf*/, size_t n, int /*flags*/) {
  return static_cast<ssize_t>(n);
}
int ioctl(int /*descriptor*/, unsigned long request, ...) noexcept {
  std::va_list arguments;
  va_start(arguments, request);
  *va_arg(arguments, int*) = 0;
  va_end(arguments);
  return 0;
}
int getsockopt(int /*socket*/, int /*level*/, int /*option*/, void* optval,
               socklen_t* optlen) noexcept {
  std::memset(optval, 0, *optlen);
  return 0;
}
int setsockopt(int /*socket*/, int /*level*/, int /*option*/, const void* /*value*/,
               socklen_t /*length*/) noexcept {
  return 0;
}
}

namespace eradio {
namespace {

constexpr std::int64_t frame_ns = 26 * ns_per_ms;

std::int64_t now_ns = 1000 * ns_per_second;
std::int64_t clock_of_ours() noexcept { return now_ns; }

class RingMemory {
 public:
  explicit RingMemory(std::size_t data_bytes)
      : bytes_((RingWriter::memory_bytes(data_bytes) + alignment - 1) / alignment * alignment),
        memory_(static_cast<std::byte*>(std::aligned_alloc(alignment, bytes_))) {
    ERADIO_CHECK(memory_ != nullptr);
    std::memset(memory_.get(), 0, bytes_);
  }
  [[nodiscard]] std::span<std::byte> span() const { return {memory_.get(), bytes_}; }

 private:
  static constexpr std::size_t alignment = 64;
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::size_t bytes_;
  std::unique_ptr<std::byte, Free> memory_;
};

constexpr std::size_t ring_bytes = std::size_t{8} << 20U;

void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void ring_write(benchmark::State& state) {
  const std::vector<std::byte> frame(static_cast<std::size_t>(state.range(0)), std::byte{'x'});
  const RingMemory memory(ring_bytes);
  RingWriter writer = RingWriter::create(memory.span());
  for ([[maybe_unused]] auto _ : state) {
    writer.publish(RecordType::sync_point, now_ns, frame);
  }
  count_bytes(state, frame.size());
}
BENCHMARK(ring_write)->Arg(418)->Arg(16'384);

void ring_write_and_read(benchmark::State& state) {
  const std::vector<std::byte> frame(static_cast<std::size_t>(state.range(0)), std::byte{'x'});
  const RingMemory memory(ring_bytes);
  RingWriter writer = RingWriter::create(memory.span());
  RingReader reader(memory.span());
  std::vector<std::byte> payload(reader.payload_bytes_max());
  Record record;
  for ([[maybe_unused]] auto _ : state) {
    writer.publish(RecordType::sync_point, now_ns, frame);
    ERADIO_CHECK(reader.read(record, payload) == ReadResult::record);
  }
  count_bytes(state, frame.size());
}
BENCHMARK(ring_write_and_read)->Arg(418)->Arg(16'384);

void gate_decision(benchmark::State& state) {
  const GateLimits limits{.queue_bytes_max = 8000, .queue_follows_pace = false};
  const StreamPace pace;
  Gate gate;
  gate.looked(limits, pace, {.now_ns = now_ns, .path = NetworkPath{.min_rtt_ns = 0}});
  GateView view{.now_ns = now_ns,
                .lag_ns = 0,
                .lag_ns_max = 250 * ns_per_ms,
                .frame_bytes = 418,
                .batch_bytes = 418,
                .is_new = true};
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(view);
    benchmark::DoNotOptimize(gate.decide(limits, pace, view));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(gate_decision);

// Listeners on descriptors that are none of sockets: what happens to these, nobody asks.
class Crowd {
 public:
  explicit Crowd(std::size_t listeners) : table_(listeners) {
    for (std::size_t i = 0; i < listeners; ++i) {
      fan_out_.join(Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), PeerAddress(),
                    {.id = i, .lag_ns_max = 250 * ns_per_ms});
    }
  }

  void pass() {
    now_ns += frame_ns;
    store_.append(frame_bytes, now_ns, FrameKind::sync_point);
    fan_out_.pass();
  }
  [[nodiscard]] std::uint64_t sends() const { return counters_.sends_total.get(); }

  static constexpr std::size_t frame_bytes = 418;

 private:
  EventLoop loop_;
  FrameStore store_{std::size_t{256} * 1024};
  WorkerCounters counters_{};
  ListenerTable table_;
  WorkerListenerTable worker_table_{Descriptor(::dup(table_.descriptor())), 1};
  FanOut fan_out_{loop_,
                  store_,
                  counters_,
                  worker_table_,
                  {.queue_bytes_max = 8000, .queue_follows_pace = false},
                  std::chrono::seconds(30),
                  [](const Listener&, const ListenerIdentity&) {},
                  [](const Listener&, const ListenerIdentity&) {},
                  clock_of_ours};
};

void pass(benchmark::State& state) {
  Crowd crowd(static_cast<std::size_t>(state.range(0)));
  crowd.pass();
  const std::uint64_t sends_before = crowd.sends();
  for ([[maybe_unused]] auto _ : state) {
    crowd.pass();
  }
  const auto sent = static_cast<std::int64_t>(crowd.sends() - sends_before);
  if (sent != state.iterations() * state.range(0)) {
    state.SkipWithError("not everybody was sent every frame");
  }
  state.SetItemsProcessed(sent);
}
BENCHMARK(pass)->Arg(100)->Arg(1000)->Arg(10'000);

}  // namespace
}  // namespace eradio

BENCHMARK_MAIN();
