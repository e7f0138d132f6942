// Finds the listeners with the greatest lag, over all workers. It looks at every record, but only
// at so many in one turn of the loop that the source does not wait; whoever asks meanwhile, or soon
// after, gets the same answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/event_loop.h"
#include "master/status.h"
#include "shm/listener_table.h"

namespace eradio {

class SlowestListeners {
 public:
  using Done = std::function<void(const std::vector<ListenersPage::Entry>&)>;

  static constexpr std::size_t kept_max = 100;

  // Both are borrowed; `tables`: one for each worker, and there may come to be more or fewer.
  SlowestListeners(EventLoop& loop, const std::vector<ListenerTable>& tables);
  ~SlowestListeners();
  SlowestListeners(const SlowestListeners&) = delete;
  SlowestListeners& operator=(const SlowestListeners&) = delete;

  // `done` is called once, perhaps within this call; with the slowest first.
  void find(Done done);

 private:
  void look_on();
  void take(std::size_t slot, const std::vector<ListenerStatus>& listeners);
  void finish();

  EventLoop& loop_;
  const std::vector<ListenerTable>& tables_;
  std::vector<ListenersPage::Entry> found_;   // of the search under way: a heap, the least on top
  std::vector<ListenersPage::Entry> answer_;  // of the last one
  std::int64_t answered_ns_ = 0;              // CLOCK_MONOTONIC; 0: never
  std::vector<Done> waiting_;                 // none: no search is under way
  std::size_t slot_ = 0;
  std::size_t record_ = 0;
  EventLoop::TimerId timer_ = EventLoop::no_timer;
};

}  // namespace eradio
