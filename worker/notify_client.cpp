#include "worker/notify_client.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/clock.h"
#include "worker/kernel_queue.h"
#include "worker/notifier.h"

namespace eradio {

NotifyClient::NotifyClient(Notifier& notifier, ClientKind kind, TakenOver connection,
                           std::uint32_t events)
    : notifier_(notifier),
      socket_(std::move(connection.socket)),
      progress_ns_(monotonic_ns()),
      kind_(kind),
      peer_(connection.peer),
      events_(events) {
  if (!connection.head.empty()) {
    sending_ = std::make_shared<const std::string>(std::move(connection.head));
  }
  prepare_message_socket(socket_.number());
  notifier_.loop().add(socket_.number(), events_, *this);
}

void NotifyClient::go_on(const NotifyProgress& progress) {
  seen_ = progress.told;
  progress_ns_ = std::clamp<std::int64_t>(progress.sent_ns, 0, progress_ns_);
}

NotifyProgress NotifyClient::progress() const { return {.told = seen_, .sent_ns = progress_ns_}; }

void NotifyClient::unsettle() {
  if (!std::exchange(unsettled_, true)) {
    notifier_.on_unsettled(*this);
  }
}

void NotifyClient::settle() {
  if (unsettled_ && !ended_ && is_settled()) {
    unsettled_ = false;
    notifier_.on_settled(*this, progress());
  }
}

void NotifyClient::offer() {
  if (!ended_ && !busy() && seen_ < notifier_.newest().number) {
    flush();
  }
}

void NotifyClient::flush() {
  while (!ended_) {
    if (!sending_) {
      if (unsent_bytes(socket_.number()).value_or(0) > 0) {
        want_write(true);  // what is in the kernel first: then whatever is the newest
        break;
      }
      sending_ = next_message();
      sent_ = 0;
      if (!sending_) {
        want_write(false);
        break;
      }
      unsettle();
    }
    const ssize_t result = ::send(socket_.number(), sending_->data() + sent_,
                                  sending_->size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (result >= 0) {
      progress_ns_ = monotonic_ns();
      sent_ += static_cast<std::size_t>(result);
      if (sent_ == sending_->size()) {
        sending_.reset();
        on_sent();
      }
    } else if (errno == EAGAIN || errno == ENOBUFS) {
      want_write(true);
      return;
    } else if (errno != EINTR) {
      end();
    }
  }
  settle();
}

void NotifyClient::watch(std::uint32_t events) {
  if (!ended_ && events != events_) {
    events_ = events;
    notifier_.loop().modify(socket_.number(), events_, *this);
  }
}

void NotifyClient::want_write(bool wanted) {
  watch(wanted ? events_ | EPOLLOUT : events_ & ~static_cast<std::uint32_t>(EPOLLOUT));
}

void NotifyClient::end() {
  if (!std::exchange(ended_, true)) {
    notifier_.loop().remove(socket_.number(), *this);
    // The master holds a duplicate: closing this one alone would tell the client nothing.
    ::shutdown(socket_.number(), SHUT_RDWR);
    socket_.reset();
    notifier_.let_go(*this);
  }
}

}  // namespace eradio
