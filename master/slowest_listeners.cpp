#include "master/slowest_listeners.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/clock.h"

namespace eradio {
namespace {

// A record takes some 100 ns.
constexpr std::size_t records_per_turn = 2000;
// Workers write down once a second how their listeners are.
constexpr std::int64_t answer_holds_ns = ns_per_second / 2;

bool is_slower(const ListenersPage::Entry& one, const ListenersPage::Entry& other) {
  return one.listener.lag_ns > other.listener.lag_ns;
}

}  // namespace

SlowestListeners::SlowestListeners(EventLoop& loop, const std::vector<ListenerTable>& tables)
    : loop_(loop), tables_(tables) {}

SlowestListeners::~SlowestListeners() { loop_.cancel(timer_); }

void SlowestListeners::find(Done done) {
  if (!waiting_.empty()) {
    waiting_.push_back(std::move(done));
    return;
  }
  if (answered_ns_ > 0 && monotonic_ns() - answered_ns_ < answer_holds_ns) {
    done(answer_);
    return;
  }
  waiting_.push_back(std::move(done));
  found_.clear();
  slot_ = 0;
  record_ = 0;
  look_on();
}

void SlowestListeners::look_on() {
  std::size_t left = records_per_turn;
  while (slot_ < tables_.size() && left > 0) {
    const ListenerPage page = tables_[slot_].read_page(record_, left, left);
    take(slot_, page.listeners);
    left -= std::min(left, page.records_read);
    record_ = page.next.value_or(0);
    if (!page.next) {
      ++slot_;
    }
  }
  if (slot_ >= tables_.size()) {
    finish();
    return;
  }
  timer_ = loop_.call_after(std::chrono::nanoseconds(0), [this] {
    timer_ = EventLoop::no_timer;
    look_on();
  });
}

void SlowestListeners::take(std::size_t slot, const std::vector<ListenerStatus>& listeners) {
  for (const ListenerStatus& listener : listeners) {
    if (found_.size() == kept_max && listener.lag_ns <= found_.front().listener.lag_ns) {
      continue;
    }
    if (found_.size() == kept_max) {
      std::pop_heap(found_.begin(), found_.end(), is_slower);
      found_.pop_back();
    }
    found_.push_back({.slot = slot, .listener = listener});
    std::push_heap(found_.begin(), found_.end(), is_slower);
  }
}

void SlowestListeners::finish() {
  std::sort_heap(found_.begin(), found_.end(), is_slower);
  answer_ = std::exchange(found_, {});
  answered_ns_ = monotonic_ns();
  for (const Done& done : std::exchange(waiting_, {})) {
    done(answer_);
  }
}

}  // namespace eradio
