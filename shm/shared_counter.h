// A counter with one writing process. Readers get a value that is never torn, maybe a little old.
#pragma once

#include <atomic>
#include <cstdint>

namespace eradio {

class SharedCounter {
 public:
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void add(std::uint64_t value) noexcept { set(get() + value); }
  [[nodiscard]] std::uint64_t get() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace eradio
