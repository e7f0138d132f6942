#include "worker/master_line.h"

#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <span>
#include <utility>

#include "common/clock.h"
#include "common/log.h"

namespace eradio {
namespace {

// So that a crowd that comes or goes at once makes few messages; far below what anybody notices.
constexpr std::chrono::milliseconds gather{5};
constexpr std::chrono::milliseconds retry_after_full{10};
constexpr std::size_t unanswered_votes_max = 4096;
constexpr std::size_t fold_at_min = 60'000;  // more than a crowd that comes at once
constexpr std::int64_t vote_forgotten_ns = 10 * ns_per_second;  // the voter has its 503 since long

}  // namespace

MasterLine::MasterLine(EventLoop& loop, Descriptor control, MasterOrders orders, bool escrows)
    : loop_(loop),
      control_(std::move(control)),
      orders_(std::move(orders)),
      escrows_(escrows),
      fold_at_(fold_at_min),
      watch_(loop, control_.number(), EPOLLIN, [this](std::uint32_t) { on_control(); }) {}

MasterLine::~MasterLine() { loop_.cancel(flush_timer_); }

bool MasterLine::say_ready(std::uint64_t generation) {
  return send_worker_message(control_.number(), WorkerMessageType::ready, generation) ==
         SendResult::sent;
}

void MasterLine::joined(std::uint64_t listener_id) {
  tell({.listener_id = listener_id, .type = AudienceEventType::joined});
}

void MasterLine::left(std::uint64_t listener_id) {
  tell({.listener_id = listener_id, .type = AudienceEventType::left});
}

void MasterLine::escrow(const EscrowItem& item, int socket) {
  if (!escrows_) {
    return;
  }
  escrow_changes_.push_back({.item = item, .socket = socket});
  ++gives_waiting_;
  flush_escrow();  // with what waits before it
}

void MasterLine::release(const EscrowItem& item) {
  if (!escrows_) {
    return;
  }
  if (kept_for_later_.erase(item.serial) > 0) {
    return;  // the master does not have it
  }
  if (gives_waiting_ > 0) {  // hardly ever; thousands may leave at once
    const auto given = std::find_if(
        escrow_changes_.begin(), escrow_changes_.end(), [&](const EscrowChange& change) {
          return change.socket >= 0 && change.item.serial == item.serial;
        });
    if (given != escrow_changes_.end()) {
      escrow_changes_.erase(given);  // the master has never had it
      --gives_waiting_;
      return;
    }
  }
  escrow_changes_.push_back({.item = item});
  expect_flush(gather);
}

void MasterLine::keep_for_later(const EscrowItem& item, int socket) {
  kept_for_later_.insert_or_assign(item.serial, EscrowChange{.item = item, .socket = socket});
}

void MasterLine::offer_again(std::uint64_t clients_max) {
  for (; clients_max > 0 && !kept_for_later_.empty(); --clients_max) {
    escrow_changes_.push_back(kept_for_later_.begin()->second);
    ++gives_waiting_;
    kept_for_later_.erase(kept_for_later_.begin());
  }
  flush_escrow();
}

bool MasterLine::vote(std::uint64_t listener_id, std::uint64_t track_number, Voted voted) {
  const std::int64_t now_ns = monotonic_ns();
  forget_old_votes(now_ns);
  if (votes_.size() >= unanswered_votes_max) {
    return false;
  }
  const std::uint64_t token = ++tokens_;
  votes_.emplace(token, UnansweredVote{.voted = std::move(voted), .asked_ns = now_ns});
  tell({.listener_id = listener_id,
        .token = token,
        .track_number = track_number,
        .type = AudienceEventType::vote});
  return true;
}

void MasterLine::forget_old_votes(std::int64_t now_ns) {
  while (!votes_.empty() && now_ns - votes_.begin()->second.asked_ns > vote_forgotten_ns) {
    votes_.erase(votes_.begin());
  }
}

void MasterLine::tell(const AudienceEvent& event) {
  untold_.push_back(event);
  if (untold_.size() >= fold_at_) {
    fold();
  }
  expect_flush(gather);
}

// The master has taken nothing for long: joins and leaves of one id cancel out, votes are too old.
void MasterLine::fold() {
  std::map<std::uint64_t, std::int64_t> changes;  // connections by id
  for (const AudienceEvent& event : untold_) {
    changes[event.listener_id] += event.type == AudienceEventType::joined ? 1 : 0;
    changes[event.listener_id] -= event.type == AudienceEventType::left ? 1 : 0;
  }
  untold_.clear();
  for (const auto& [id, change] : changes) {
    const auto type = change > 0 ? AudienceEventType::joined : AudienceEventType::left;
    untold_.insert(untold_.end(), static_cast<std::size_t>(std::abs(change)),
                   {.listener_id = id, .type = type});
  }
  fold_at_ = std::max(fold_at_min, 2 * untold_.size());
}

void MasterLine::expect_flush(std::chrono::milliseconds delay) {
  if (flush_timer_ == EventLoop::no_timer) {
    flush_timer_ = loop_.call_after(delay, [this] {
      flush_timer_ = EventLoop::no_timer;
      flush();
    });
  }
}

bool MasterLine::hand_over() {
  constexpr std::int64_t patience_ns = ns_per_second;
  const std::int64_t begin_ns = monotonic_ns();
  fold();  // votes: nobody waits for their outcome any more
  offer_again(kept_for_later_.size());
  while (monotonic_ns() - begin_ns < patience_ns) {
    flush();
    if (escrow_changes_.empty() && untold_.empty()) {
      const SendResult result =
          send_worker_message(control_.number(), WorkerMessageType::handed_over);
      if (result != SendResult::full) {
        return result == SendResult::sent;
      }
    }
    pollfd room{.fd = control_.number(), .events = POLLOUT, .revents = 0};
    ::poll(&room, 1, static_cast<int>(retry_after_full.count()));
  }
  log::error("the master does not take what it must know before another can go on");
  return false;
}

void MasterLine::flush() {
  flush_escrow();
  flush_audience();
}

void MasterLine::flush_escrow() {
  while (!escrow_changes_.empty()) {
    const bool gives = escrow_changes_.front().socket >= 0;
    std::vector<EscrowItem> items;
    std::vector<int> sockets;
    for (const EscrowChange& change : escrow_changes_) {
      if ((change.socket >= 0) != gives || items.size() == worker_message_descriptors_max) {
        break;
      }
      items.push_back(change.item);
      if (gives) {
        sockets.push_back(change.socket);
      }
    }
    const auto type = gives ? WorkerMessageType::escrow : WorkerMessageType::release;
    const SendResult result = send_worker_message(control_.number(), type, items, sockets);
    if (result == SendResult::gone) {
      escrow_changes_.clear();  // on_control() hears of it, too
      gives_waiting_ = 0;
    } else if (result == SendResult::full) {
      expect_flush(retry_after_full);
      return;
    } else {
      escrow_changes_.erase(escrow_changes_.begin(),
                            escrow_changes_.begin() + static_cast<std::ptrdiff_t>(items.size()));
      gives_waiting_ -= sockets.size();
    }
  }
}

void MasterLine::flush_audience() {
  std::span<const AudienceEvent> left = untold_;
  while (!left.empty()) {
    const auto some = left.first(std::min(left.size(), worker_message_items_max));
    const SendResult result = send_worker_message(control_.number(), some);
    if (result == SendResult::gone) {
      left = {};  // on_control() hears of it, too
    } else if (result == SendResult::full) {
      expect_flush(retry_after_full);
      break;
    } else {
      left = left.subspan(some.size());
    }
  }
  untold_.erase(untold_.begin(), untold_.end() - static_cast<std::ptrdiff_t>(left.size()));
}

void MasterLine::on_control() {
  for (;;) {
    WorkerMessage message;
    switch (receive_worker_message(control_.number(), message)) {
      case ReceiveResult::nothing:
        return;
      case ReceiveResult::closed:
        log::error("the master has gone; this worker ends");
        orders_.stop();
        return;
      case ReceiveResult::malformed:
        log::error("a message of the master's cannot be understood; ignored");
        break;
      case ReceiveResult::unknown:
        break;  // what a later master can do without
      case ReceiveResult::message:
        if (message.type == WorkerMessageType::stop) {
          log::debug("told to stop");
          orders_.stop();
          return;
        }
        if (message.type == WorkerMessageType::hand_over) {
          orders_.hand_over();
          return;  // it may have been the last thing that this worker does
        }
        on_message(std::move(message));
        break;
    }
  }
}

void MasterLine::on_message(WorkerMessage message) {
  for (const VoteAnswer& answer : message.vote_answers) {
    on_vote_answer(answer);
  }
  if (message.type == WorkerMessageType::offer) {
    offer_again(message.value);
  }
  if (message.type == WorkerMessageType::not_held) {
    if (orders_.not_held) {
      orders_.not_held(message.escrow);
    }
    return;  // these are no items to adopt
  }
  for (std::size_t i = 0; i < message.escrow.size(); ++i) {
    orders_.adopt(message.escrow[i], i < message.descriptors.size()
                                         ? std::move(message.descriptors[i])
                                         : Descriptor());
  }
  if (message.type == WorkerMessageType::adopt_end) {
    orders_.adopt_end();
  }
  for (const KickOrder& order : message.kick_orders) {
    carry_out(order);
  }
  if (message.type == WorkerMessageType::log_level && orders_.set_log_level) {
    orders_.set_log_level(message.log_level);
  }
  if (message.type == WorkerMessageType::log_file && orders_.set_log_file &&
      !message.descriptors.empty()) {
    orders_.set_log_file(message.descriptors.front().number());
  }
}

void MasterLine::carry_out(const KickOrder& order) {
  const KickAnswer answer{.token = order.token,
                          .connections = orders_.kick ? orders_.kick(order) : 0};
  // The operator waits for the answer no longer than the master stays busy: there is no second try.
  if (send_worker_message(control_.number(), std::span(&answer, 1)) == SendResult::full) {
    log::warning("the master was not told how many were kicked: it does not read its messages");
  }
}

void MasterLine::on_vote_answer(const VoteAnswer& answer) {
  if (auto vote = votes_.extract(answer.token)) {
    vote.mapped().voted(answer.outcome);
  }
}

}  // namespace eradio
