#include "tests/bench/guests.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "common/clock.h"

namespace eradio::testing {
namespace {

constexpr std::uint64_t frames_wanted = 3;
constexpr std::int64_t answer_time_max_ns = 10 * ns_per_second;

}  // namespace

Guests::Guests(ListenerCrowd& stayers, const Endpoint& endpoint, double per_second)
    : endpoint_(endpoint),
      interval_ns_(static_cast<std::int64_t>(ns_per_second / per_second)),
      next_ns_(monotonic_ns()) {
  stayers.also_serve(crowd_.descriptor(), [this] { crowd_.serve(); });
}

void Guests::attend() {
  const std::int64_t now_ns = monotonic_ns();
  for (; next_ns_ <= now_ns; next_ns_ += interval_ns_) {
    come(now_ns);
  }
  std::erase_if(present_, [&](const Guest& guest) { return attend(guest, now_ns); });
}

void Guests::come(std::int64_t now_ns) {
  try {
    present_.push_back({.listener = &crowd_.add({.endpoint = endpoint_}), .came_ns = now_ns});
  } catch (const std::system_error&) {
    ++counts_.refused;
  }
}

std::size_t& Guests::how_it_ended(const CrowdListener& listener) {
  switch (listener.reply().status) {
    case 0:
      return listener.end_error() == ECONNREFUSED ? counts_.refused : counts_.unanswered;
    case 200:
      return counts_.cut_off;
    default:
      return counts_.refused;
  }
}

bool Guests::attend(const Guest& guest, std::int64_t now_ns) {
  const CrowdListener& listener = *guest.listener;
  const StreamCheck& check = listener.check();
  if (check.frames() >= frames_wanted || !check.fault().empty()) {
    ++counts_.served;
    counts_.faults += check.fault().empty() ? 0U : 1U;
    counts_.longest_ms =
        std::max(counts_.longest_ms, static_cast<double>(now_ns - guest.came_ns) / 1e6);
  } else if (listener.state() == CrowdListener::State::ended) {
    ++how_it_ended(listener);
  } else if (now_ns - guest.came_ns > answer_time_max_ns) {
    ++counts_.given_up;
  } else {
    return false;
  }
  crowd_.close(*guest.listener);
  return true;
}

GuestCounts Guests::take_counts() { return std::exchange(counts_, {}); }

}  // namespace eradio::testing
