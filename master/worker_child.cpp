#include "master/worker_child.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <utility>

#include "common/clock.h"
#include "common/system_error.h"

namespace eradio {
namespace {

constexpr std::ptrdiff_t unsent_answers_max = 8192;  // twice what a worker can wait for
constexpr std::size_t untold_not_held_max = 65'536;  // more: it does not mean well

}  // namespace

WorkerChild::WorkerChild(EventLoop& loop, ChildProgram program, WorkerProgram file,
                         std::uint64_t generation, Heard heard)
    : loop_(loop),
      heard_(std::move(heard)),
      program_(std::move(file)),
      generation_(generation),
      started_ns_(monotonic_ns()) {
  std::array<int, 2> ends{};
  check_syscall(
      ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()),
      "socketpair");
  control_ = Descriptor(ends[0]);
  const Descriptor theirs(ends[1]);
  program.descriptors.push_back({theirs.number(), worker_descriptor::control});
  watch_ = std::make_unique<Watch>(loop, control_.number(), EPOLLIN,
                                   [this](std::uint32_t) { on_control(); });
  process_ = start_child(program);
}

WorkerChild::WorkerChild(EventLoop& loop, const SavedWorker& saved, Heard heard)
    : loop_(loop),
      heard_(std::move(heard)),
      control_(take_descriptor(saved.control_descriptor, "the line to a worker")),
      process_(saved.process),
      generation_(saved.generation),
      started_ns_(saved.started_ns),
      protocol_(saved.protocol),
      stands_by_(true),
      log_level_told_(true),
      adopt_end_told_(true),
      watch_(std::make_unique<Watch>(loop, control_.number(), EPOLLIN,
                                     [this](std::uint32_t) { on_control(); })) {}

WorkerChild::~WorkerChild() {
  loop_.cancel(order_timer_);
  loop_.cancel(answer_timer_);
}

void WorkerChild::kill() const noexcept { ::kill(process_, SIGKILL); }

// Its session's processes; it should have none.
void WorkerChild::kill_what_it_left() const noexcept { ::kill(-process_, SIGKILL); }

void WorkerChild::on_control() { hear_one(); }

bool WorkerChild::hear_one() {
  WorkerMessage message;
  switch (receive_worker_message(control_.number(), message)) {
    case ReceiveResult::nothing:
      return false;
    case ReceiveResult::closed:
      watch_.reset();  // it is dying: SIGCHLD will tell how
      return false;
    case ReceiveResult::malformed:
      heard_(*this, nullptr);
      return true;
    case ReceiveResult::unknown:
      return true;  // what a later worker can do without
    case ReceiveResult::message:
      stands_by_ = stands_by_ || message.type == WorkerMessageType::standby;
      protocol_ = message.sender;
      heard_(*this, &message);
      return true;
  }
  return false;
}

void WorkerChild::hear_last_words() {
  constexpr int messages_max = 1024;  // more than a socket holds: somebody else writes to it
  for (int i = 0; i < messages_max && watch_ && hear_one(); ++i) {
  }
  forget();
}

void WorkerChild::forget() {
  watch_.reset();
  loop_.cancel(order_timer_);
  loop_.cancel(answer_timer_);
}

void WorkerChild::bequeath(const Escrow& escrow, std::vector<EscrowItem> items,
                           LogLevel log_level) {
  escrow_ = &escrow;
  inheritance_ = std::move(items);
  log_level_ = log_level;
  send_orders();
}

void WorkerChild::forget_given() noexcept {
  if (bequeathed_ == inheritance_.size()) {
    inheritance_ = {};
    bequeathed_ = 0;
  }
}

void WorkerChild::hand_over() {
  hand_over_wanted_ = true;
  send_orders();
}

void WorkerChild::send_orders() {
  constexpr std::chrono::milliseconds retry_after_full{1};
  constexpr int messages_per_turn = 32;  // the source's frames come first
  loop_.cancel(order_timer_);
  if (!is_heir()) {
    return;  // it has not been given the slot yet: everything comes after that
  }
  for (int i = 0; i < messages_per_turn; ++i) {
    if (adopt_end_told_ && !hand_over_wanted_) {
      return;
    }
    const SendResult result = send_next_order();
    if (result == SendResult::gone) {
      return;
    }
    if (result == SendResult::full) {
      break;
    }
  }
  order_timer_ = loop_.call_after(retry_after_full, [this] {
    order_timer_ = EventLoop::no_timer;
    send_orders();
  });
}

SendResult WorkerChild::send_next_order() {
  const int control = control_.number();
  if (!log_level_told_) {  // it may have changed while the process waited
    const SendResult result = send_worker_message(control, log_level_);
    log_level_told_ = result == SendResult::sent;
    return result;
  }
  if (bequeathed_ < inheritance_.size()) {
    return send_next_items();
  }
  if (!adopt_end_told_) {
    const SendResult result = send_worker_message(control, WorkerMessageType::adopt_end);
    adopt_end_told_ = result == SendResult::sent;
    return result;
  }
  const SendResult result = send_worker_message(control, WorkerMessageType::hand_over);
  hand_over_wanted_ = result != SendResult::sent;
  return result;
}

SendResult WorkerChild::send_next_items() {
  std::vector<EscrowItem> items;
  std::vector<int> descriptors;
  std::size_t next = bequeathed_;
  for (; next < inheritance_.size() && items.size() < worker_message_descriptors_max; ++next) {
    if (const int socket = escrow_->descriptor(inheritance_[next]); socket >= 0) {
      items.push_back(inheritance_[next]);
      descriptors.push_back(socket);
    }
  }
  const SendResult result =
      items.empty()
          ? SendResult::sent
          : send_worker_message(control_.number(), WorkerMessageType::adopt, items, descriptors);
  if (result == SendResult::sent) {
    bequeathed_ = next;
  }
  return result;
}

void WorkerChild::tell_not_held(std::span<const EscrowItem> items) {
  const std::size_t room = untold_not_held_max - untold_not_held_.size();
  const auto some = items.first(std::min(items.size(), room));
  untold_not_held_.insert(untold_not_held_.end(), some.begin(), some.end());
  while (!untold_not_held_.empty()) {
    const auto next = std::span<const EscrowItem>(untold_not_held_)
                          .first(std::min(untold_not_held_.size(), worker_message_items_max));
    if (send_worker_message(control_.number(), WorkerMessageType::not_held, next, {}) !=
        SendResult::sent) {
      return;  // ask_again() tries again
    }
    untold_not_held_.erase(untold_not_held_.begin(), untold_not_held_.begin() + std::ssize(next));
  }
}

void WorkerChild::ask_again(std::size_t clients_max) {
  tell_not_held({});
  // When it does not read, it will be asked again, too.
  static_cast<void>(send_worker_message(control_.number(), WorkerMessageType::offer, clients_max));
}

bool WorkerChild::answer_vote(const VoteAnswer& answer) {
  const bool reads = std::ssize(unsent_answers_) < unsent_answers_max;
  if (!reads) {
    unsent_answers_.erase(unsent_answers_.begin(),
                          unsent_answers_.begin() + unsent_answers_max / 2);
  }
  unsent_answers_.push_back(answer);
  expect_answers(std::chrono::milliseconds(0));
  return reads;
}

void WorkerChild::expect_answers(std::chrono::milliseconds delay) {
  if (answer_timer_ == EventLoop::no_timer) {
    answer_timer_ = loop_.call_after(delay, [this] {
      answer_timer_ = EventLoop::no_timer;
      send_answers();
    });
  }
}

void WorkerChild::send_answers() {
  constexpr std::chrono::milliseconds retry_after_full{10};
  std::span<const VoteAnswer> left = unsent_answers_;
  while (!left.empty()) {
    const auto some = left.first(std::min(left.size(), worker_message_items_max));
    const SendResult result = send_worker_message(control_.number(), some);
    if (result == SendResult::full) {
      expect_answers(retry_after_full);
      break;
    }
    left = result == SendResult::gone ? left.last(0) : left.subspan(some.size());
  }
  unsent_answers_.erase(unsent_answers_.begin(),
                        unsent_answers_.end() - static_cast<std::ptrdiff_t>(left.size()));
}

}  // namespace eradio
