#include "worker/event_stream_client.h"

#include <sys/epoll.h>

#include <chrono>
#include <random>
#include <utility>

#include "worker/kernel_queue.h"
#include "worker/notifier.h"

namespace eradio {
namespace {

std::int64_t in_ns(std::chrono::milliseconds time) {
  return std::chrono::nanoseconds(time).count();
}

// From `low` to twice that: what many clients would do at the same moment is spread.
std::int64_t spread(std::int64_t low) {
  static std::minstd_rand random{std::random_device{}()};
  return std::uniform_int_distribution<std::int64_t>(low, 2 * low)(random);
}

// When to come back after a break.
std::string retry_field() {
  constexpr std::int64_t wait_min_ms = 1500;
  return "retry: " + std::to_string(spread(wait_min_ms)) + "\n\n";
}

}  // namespace

EventStreamClient::EventStreamClient(Notifier& notifier, TakenOver connection)
    : NotifyClient(notifier, ClientKind::event_stream, std::move(connection), EPOLLRDHUP),
      comment_after_ns_(spread(in_ns(notifier.limits().comment_interval))) {}

void EventStreamClient::go_on(const NotifyProgress& progress) {
  NotifyClient::go_on(progress);
  begun_ = true;
}

void EventStreamClient::on_events(std::uint32_t events) {
  // What it sends is not even read: it stays in its kernel's buffers.
  if ((events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0) {
    end();
  } else if ((events & EPOLLOUT) != 0) {
    flush();
  }
}

void EventStreamClient::on_time(std::int64_t now_ns) {
  const NotifyLimits& limits = notifier_.limits();
  // There would have been a comment at least; but when nothing is in its way, it was us who stood
  // still.
  if (now_ns - progress_ns_ > in_ns(limits.stall_time_max) &&
      (busy() || unsent_bytes(socket_.number()).value_or(0) > 0)) {
    end();
  } else if (now_ns - progress_ns_ > comment_after_ns_) {
    comment_due_ = true;
    flush();
  }
}

NotifyClient::Message EventStreamClient::next_message() {
  if (!std::exchange(begun_, true)) {
    return std::make_shared<const std::string>(retry_field());
  }
  if (seen_ < notifier_.newest().number) {
    seen_ = notifier_.newest().number;
    comment_due_ = false;
    notifier_.count_notification();
    return notifier_.newest().event;
  }
  if (std::exchange(comment_due_, false)) {
    static const Message comment = std::make_shared<const std::string>(":\n\n");
    return comment;
  }
  return nullptr;
}

}  // namespace eradio
