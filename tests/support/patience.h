// How much slower this build may be than a release build, and whether the long versions of tests
// are asked for. End-to-end tests scale their numbers of listeners and their time limits with it.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <thread>

namespace eradio::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized_build = true;
#else
constexpr bool sanitized_build = false;
#endif

// ERADIO_TEST_LONG=1 in the environment.
inline bool long_tests() {
  const char* value = std::getenv("ERADIO_TEST_LONG");
  return value != nullptr && *value != '\0' && *value != '0';
}

// `in_release` listeners in a release build, fewer where each costs more.
constexpr int scaled_down(int in_release) { return sanitized_build ? in_release / 10 : in_release; }

// For waiting until something happens: long enough for a busy machine. A test that passes never
// waits for the whole of it.
constexpr std::chrono::milliseconds patience{sanitized_build ? 30'000 : 15'000};
constexpr std::int64_t patience_ns = std::chrono::nanoseconds(patience).count();

// For what nothing announces: asks every few milliseconds until `holds` says so; false when it does
// not within the limit.
template <typename Predicate>
bool comes_true(const Predicate& holds, std::chrono::milliseconds limit = patience) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace eradio::testing
