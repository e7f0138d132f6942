#include "tests/link/link_direction.h"

#include <algorithm>
#include <utility>

#include "common/clock.h"

namespace eradio::testing {

void LinkDirection::set(const LinkSettings& settings, std::int64_t now_ns) {
  advance(now_ns);
  settings_ = settings;
}

void LinkDirection::take(Packet packet, std::int64_t now_ns) {
  advance(now_ns);
  report_.taken += 1;
  if (on_line_ &&
      packet.size() > settings_.queue_bytes - std::min(settings_.queue_bytes, queued_bytes_)) {
    report_.dropped += 1;
    return;
  }
  queued_bytes_ += packet.size();
  queue_.push_back({.packet = std::move(packet), .since_ns = now_ns});
  advance(now_ns);
}

void LinkDirection::advance(std::int64_t now_ns) {
  if (!on_line_) {
    begin_next(0);
  }
  while (on_line_ && on_line_until_ns_ <= now_ns) {
    leave_line(std::move(*on_line_), on_line_until_ns_);
    on_line_.reset();
    begin_next(on_line_until_ns_);
  }
}

void LinkDirection::begin_next(std::int64_t line_free_ns) {
  if (queue_.empty()) {
    return;
  }
  Waiting& next = queue_.front();
  const std::int64_t begin_ns = std::max(line_free_ns, next.since_ns);
  const auto bits = static_cast<double>(next.packet.size()) * 8;
  const double takes_ns = settings_.bits_per_second == 0
                              ? 0
                              : bits * static_cast<double>(ns_per_second) /
                                    static_cast<double>(settings_.bits_per_second);
  on_line_until_ns_ = begin_ns + static_cast<std::int64_t>(takes_ns);
  queued_bytes_ -= next.packet.size();
  on_line_ = std::move(next.packet);
  queue_.pop_front();
}

void LinkDirection::leave_line(Packet packet, std::int64_t at_ns) {
  if (happens(settings_.loss)) {
    report_.lost += 1;
    return;
  }
  const std::int64_t arrival_ns = at_ns + settings_.delay_ns;
  if (happens(settings_.reorder)) {
    delayed_.emplace(arrival_ns + settings_.late_ns, std::move(packet));
    return;
  }
  last_arrival_ns_ = std::max(last_arrival_ns_, arrival_ns);  // a shorter delay overtakes nobody
  delayed_.emplace(last_arrival_ns_, std::move(packet));
}

void LinkDirection::deliver(std::int64_t now_ns, const std::function<void(const Packet&)>& to) {
  advance(now_ns);
  while (!delayed_.empty() && delayed_.begin()->first <= now_ns) {
    const auto first = delayed_.extract(delayed_.begin());
    report_.delivered += 1;
    report_.delivered_bytes += first.mapped().size();
    to(first.mapped());
  }
}

std::optional<std::int64_t> LinkDirection::next_ns() const {
  std::optional<std::int64_t> next;
  if (on_line_) {
    next = on_line_until_ns_;
  }
  if (!delayed_.empty() && (!next || delayed_.begin()->first < *next)) {
    next = delayed_.begin()->first;
  }
  return next;
}

}  // namespace eradio::testing
