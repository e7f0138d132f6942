#include "master/replacement.h"

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/log.h"

namespace eradio {
namespace {

// How long each step may take, on a machine that is busy with other things.
constexpr std::chrono::milliseconds standby_time_max{10'000};
constexpr std::chrono::milliseconds hand_over_time_max{2'000};
constexpr std::chrono::milliseconds ready_time_max{10'000};

}  // namespace

Replacement::~Replacement() {
  if (round_) {
    loop_.cancel(round_->timer);
  }
}

void Replacement::replace_all(Replaced done) {
  if (round_ || stopping_) {
    done({.replaced = 0,
          .error = stopping_ ? "the server is stopping" : "workers are being replaced already"});
    return;
  }
  log::info("all workers are replaced, one after another");
  round_.emplace(Round{.begun_ns = monotonic_ns(), .done = std::move(done)});
  // First those that nobody is in: their listening sockets have nobody who accepts.
  for (std::size_t number = 0; number < slots_.wanted(); ++number) {
    WorkerSlot& slot = slots_[number];
    if (!slot.child && !slot.leaving) {
      loop_.cancel(slot.restart_timer);
      slot.distrusts_served = true;  // what is installed is what the operator wants
      keeper_.start(slot);
    }
  }
  replace_next();
}

void Replacement::replace_next() {
  for (; round_->slot < slots_.wanted(); ++round_->slot, ++round_->replaced) {
    const WorkerSlot& slot = slots_[round_->slot];
    if (!is_new(slot) || !slots_.surplus_of(slot).empty()) {
      break;
    }
    if (!slot.ready) {
      expect_ready(slot);
      return;
    }
  }
  if (round_->slot == slots_.wanted()) {
    slots_.drop_surplus(loop_);  // all of these are retired by now
    end_round("");
    return;
  }
  WorkerSlot& slot = slots_[round_->slot];
  loop_.cancel(slot.restart_timer);
  if (slot.successor) {
    slot.successor->kill();  // of a round that has failed
  }
  try {
    slot.successor = keeper_.start_program(slot);
  } catch (const std::system_error& error) {
    end_round("worker " + std::to_string(slot.number) +
              ": the new process could not be started: " + error.what());
    return;
  }
  expect_within(standby_time_max, [this, &slot] {
    const auto late = std::move(slot.successor);
    late->kill();
    on_successor_lost(slot, "the new process was not ready to take over in time");
  });
}

void Replacement::expect_within(std::chrono::milliseconds time, std::function<void()> otherwise) {
  if (!round_) {
    return;  // nobody waits for it any more
  }
  loop_.cancel(round_->timer);
  round_->timer = loop_.call_after(time, [this, otherwise = std::move(otherwise)] {
    round_->timer = EventLoop::no_timer;
    otherwise();
  });
}

void Replacement::stop() {
  stopping_ = true;
  if (round_) {
    end_round("the server is stopping");
  }
}

void Replacement::on_ready(const WorkerSlot& slot) {
  if (!is_turn_of(slot) || slot.successor) {
    return;
  }
  if (is_new(slot)) {
    replace_next();
  } else {  // it follows one that was
    end_round("worker " + std::to_string(slot.number) +
              ": the new process did not come to serve; one of the program before goes on");
  }
}

bool Replacement::is_new(const WorkerSlot& slot) const {
  const WorkerProgram program = slot.child ? slot.child->program() : nullptr;
  return program && program->opened_ns >= round_->begun_ns;
}

void Replacement::on_standby(WorkerSlot& slot) {
  const auto leaving = [&] {
    std::vector<WorkerSlot*> all = slots_.surplus_of(slot);
    all.push_back(&slot);
    return all;
  }();
  expect_within(2 * hand_over_time_max, [this, &slot] {
    end_round("worker " + std::to_string(slot.number) + " does not leave its slot");
  });
  for (WorkerSlot* one : leaving) {
    if (!one->leaving) {
      tell_to_hand_over(*one);
    }
  }
  promote_if_free(slot);
}

void Replacement::tell_to_hand_over(WorkerSlot& slot) {
  slot.leaving = true;
  loop_.cancel(slot.restart_timer);
  if (!slot.child) {
    return;
  }
  slot.leave_timer = loop_.call_after(hand_over_time_max, [&slot] {
    slot.leave_timer = EventLoop::no_timer;
    if (slot.child) {
      log::error("worker {}: process {} did not hand over in time; killed", slot.number,
                 slot.child->process());
      slot.child->kill();  // and another goes on where it was
    }
  });
  slot.child->hand_over();
}

void Replacement::promote_if_free(WorkerSlot& slot) {
  const auto surplus = slots_.surplus_of(slot);
  const auto is_taken = [](const WorkerSlot* one) { return one->child != nullptr; };
  if (stopping_ || slot.child || std::any_of(surplus.begin(), surplus.end(), is_taken)) {
    return;
  }
  for (WorkerSlot* one : surplus) {
    keeper_.move_listeners(*one, slot);
    one->retired = true;
  }
  keeper_.say_gone(slot);
  for (WorkerSlot* one : surplus) {
    keeper_.say_gone(*one);
  }
  if (slot.successor) {
    keeper_.give_slot(slot, std::move(slot.successor));
    expect_ready(slot);
  } else {
    keeper_.start(slot);  // the successor has died meanwhile
  }
}

void Replacement::expect_ready(const WorkerSlot& slot) {
  expect_within(ready_time_max, [this, &slot] {
    end_round("worker " + std::to_string(slot.number) + " does not come to serve");
  });
}

void Replacement::on_successor_lost(WorkerSlot& slot, const std::string& why) {
  slot.successor.reset();
  if (stopping_) {
    return;
  }
  const std::string text = "worker " + std::to_string(slot.number) + ": " + why +
                           (slot.child && !slot.leaving ? "; the old one goes on" : "");
  if (is_turn_of(slot)) {
    end_round(text);
  }
  if (!slot.child && slot.leaving) {
    promote_if_free(slot);
  } else if (!slot.child) {
    keeper_.start(slot);
  }
}

void Replacement::end_round(const std::string& error) {
  loop_.cancel(round_->timer);
  const Round round = std::move(*round_);
  round_.reset();
  if (error.empty()) {
    log::info("all workers have been replaced");
  } else {
    log::error("not all workers have been replaced: {}", error);
  }
  round.done({.replaced = round.replaced, .error = error});
}

}  // namespace eradio
