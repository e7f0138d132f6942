#include "worker/notify_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "common/clock.h"
#include "worker/notifier.h"

namespace eradio {
namespace {

// tcp(7), TCP_NOTSENT_LOWAT: while a single byte has not left for the network the socket takes no
// more. So what waits in the kernel is one message and not its buffer full of old ones.
void keep_kernel_queue_short(int socket) {
  const int bytes = 1;
  if (::setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes) != 0) {
    const int unix_buffer_bytes = 4096;  // a Unix socket has no such option
    ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &unix_buffer_bytes, sizeof unix_buffer_bytes);
  }
}

}  // namespace

NotifyClient::NotifyClient(Notifier& notifier, TakenOver connection, std::uint32_t events)
    : notifier_(notifier),
      socket_(std::move(connection.socket)),
      progress_ns_(monotonic_ns()),
      peer_(connection.peer),
      events_(events) {
  keep_kernel_queue_short(socket_.number());
  notifier_.loop().add(socket_.number(), events_, *this);
}

void NotifyClient::offer() {
  if (!ended_ && !busy() && seen_ != notifier_.newest().number) {
    flush();
  }
}

void NotifyClient::flush() {
  while (!ended_) {
    if (!sending_) {
      sending_ = next_message();
      sent_ = 0;
      if (!sending_) {
        want_write(false);
        return;
      }
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
    socket_.reset();
    notifier_.let_go(*this);
  }
}

}  // namespace eradio
