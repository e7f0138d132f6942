#include "common/http/http_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <string_view>
#include <utility>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"

namespace eradio {
namespace {

constexpr std::size_t receive_bytes = std::size_t{16} * 1024;
constexpr std::size_t file_piece_bytes = std::size_t{64} * 1024;
constexpr std::size_t idle_buffer_bytes_max =
    std::size_t{4} * 1024;  // what an idle connection may hold on to

bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

const char* name_of(HttpConnectionState state) noexcept {
  switch (state) {
    case HttpConnectionState::reading_request:
      return "reading request";
    case HttpConnectionState::answering:
      return "answering";
    case HttpConnectionState::awaiting_answer:
      return "awaiting answer";
    case HttpConnectionState::closing:
      return "closing";
    case HttpConnectionState::gone:
      return "gone";
  }
  return "?";
}

HttpConnection::HttpConnection(HttpConnections& owner, Descriptor socket, const PeerAddress& peer)
    : owner_(owner),
      begun_ns_(monotonic_ns()),
      socket_(std::move(socket)),
      peer_(peer),
      reader_(owner.limits_.request) {
  set_nonblocking(socket_.number());
  const int on = 1;  // answers leave in whole pieces; no use in waiting. Fails for Unix sockets.
  ::setsockopt(socket_.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  events_ = EPOLLIN;
  owner_.loop_.add(socket_.number(), events_, *this);
  set_deadline(Deadline::next_request);
}

const ConnectionLimits& HttpConnection::limits() const noexcept { return owner_.limits_; }

void HttpConnection::on_events(std::uint32_t events) {
  switch (state_) {
    case HttpConnectionState::reading_request:
      if (receive()) {
        advance();
      } else {
        end();
      }
      return;
    case HttpConnectionState::answering:
      // EPOLLHUP: both directions are shut, nobody is there to take the rest.
      if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        end();
      } else {
        advance();
      }
      return;
    case HttpConnectionState::awaiting_answer:
      end();  // only errors are watched for: nobody is there any more
      return;
    case HttpConnectionState::closing:
      discard();
      return;
    case HttpConnectionState::gone:
      return;
  }
}

bool HttpConnection::receive() {
  std::array<char, receive_bytes> buffer;  // NOLINT: recv(2) fills what is used
  for (std::size_t total = 0; total < limits().read_bytes_per_event;) {
    const ssize_t got = ::recv(socket_.number(), buffer.data(), buffer.size(), 0);
    if (got > 0) {
      const auto bytes = static_cast<std::size_t>(got);
      reader_.append(std::string_view(buffer.data(), bytes));
      total += bytes;
      if (bytes < buffer.size()) {
        return true;  // most likely all there is; if not, the loop will say so
      }
    } else if (got == 0) {
      peer_finished_ = true;
      return true;
    } else if (errno != EINTR) {
      return would_block(errno);
    }
  }
  return true;
}

void HttpConnection::advance() {
  std::size_t budget = limits().write_bytes_per_event;
  do {
    answer_requests();
    const std::size_t before = unsent() + file_.length;
    const WriteResult result = write_answers(budget);
    const std::size_t written = before - (unsent() + file_.length);
    budget -= std::min(budget, written);
    if (result == WriteResult::failed) {
      end();
      return;
    }
    if (result == WriteResult::blocked) {
      if (written > 0 || deadline_ != Deadline::progress) {
        set_deadline(Deadline::progress);
      }
      enter(HttpConnectionState::answering, EPOLLOUT);
      return;
    }
  } while (!last_answer_ && !awaited_ && reader_.read() != ReadProgress::incomplete);

  if (awaited_) {
    set_deadline(Deadline::late_answer);
    enter(HttpConnectionState::awaiting_answer, 0);
  } else if (take_over_) {
    hand_over();
  } else if (last_answer_) {
    begin_closing();
  } else if (peer_finished_) {
    end();
  } else {
    settle_reading();
  }
}

void HttpConnection::answer_requests() {
  while (!last_answer_ && !awaited_ && file_.length == 0 && unsent() < limits().unsent_bytes_max) {
    switch (reader_.read()) {
      case ReadProgress::complete:
        if (auto answer = owner_.server_.answer(reader_.take_request(), peer_); answer.later) {
          await_answer(answer);
        } else {
          take_answer(std::move(answer));
        }
        break;
      case ReadProgress::bad:
        take_answer(owner_.server_.refuse(reader_.error()));
        break;
      case ReadProgress::incomplete:
        if (reader_.take_continue_wish()) {
          output_ += "HTTP/1.1 100 Continue\r\n\r\n";
        }
        return;
    }
  }
}

void HttpConnection::take_answer(HttpAnswer answer) {
  auto& counters = owner_.counters_;
  ++counters.answers;
  answered_ = true;
  if (state_ != HttpConnectionState::gone) {  // the handler may have closed it
    begun_ns_ = monotonic_ns();
    owner_.move_to_end(*this);
  }
  counters.client_errors += answer.status >= 400 && answer.status < 500 ? 1U : 0U;
  counters.server_errors += answer.status >= 500 ? 1U : 0U;
  if (answer.take_over && nothing_is_queued()) {
    head_ = std::move(answer.bytes);
  } else {
    output_ += answer.bytes;
  }
  file_ = std::move(answer.file);
  take_over_ = std::move(answer.take_over);
  last_answer_ = !answer.keep_alive;
  deadline_ = Deadline::none;  // what comes next has its full time
}

void HttpConnection::await_answer(const HttpAnswer& promise) {
  auto awaited = std::make_shared<Awaited>();
  awaited->connection = this;
  awaited->being_asked = true;
  awaited_ = awaited;
  promise.later([awaited](HttpAnswer answer) {
    if (awaited->connection == nullptr) {
      return;
    }
    if (awaited->being_asked) {
      awaited->early = std::move(answer);
    } else {
      awaited->connection->on_late_answer(std::move(answer));
    }
  });
  awaited->being_asked = false;
  if (awaited->early) {
    stop_awaiting();
    take_answer(std::move(*awaited->early));
  }
}

void HttpConnection::on_late_answer(HttpAnswer answer) {
  stop_awaiting();
  take_answer(std::move(answer));
  advance();
}

void HttpConnection::stop_awaiting() {
  if (awaited_) {
    awaited_->connection = nullptr;
    awaited_.reset();
  }
}

HttpConnection::WriteResult HttpConnection::write_answers(std::size_t budget_bytes) {
  for (std::size_t written = 0;;) {
    if (file_.length > 0 && unsent() < file_piece_bytes && !fill_from_file()) {
      return WriteResult::failed;
    }
    if (unsent() == 0) {
      output_.clear();
      sent_ = 0;
      return WriteResult::all;
    }
    if (written >= budget_bytes) {
      return WriteResult::blocked;  // the others' turn; the loop calls again at once
    }
    const std::size_t piece = std::min(unsent(), budget_bytes - written);
    const ssize_t sent = ::send(socket_.number(), output_.data() + sent_, piece, MSG_NOSIGNAL);
    if (sent >= 0) {
      sent_ += static_cast<std::size_t>(sent);
      written += static_cast<std::size_t>(sent);
    } else if (would_block(errno)) {
      return WriteResult::blocked;
    } else if (errno != EINTR) {
      return WriteResult::failed;
    }
  }
}

// Together with what is still unsent, so that a small file leaves in one piece with its head.
bool HttpConnection::fill_from_file() {
  output_.erase(0, std::exchange(sent_, 0));
  const std::size_t old_size = output_.size();
  const std::size_t wanted = std::min<std::uint64_t>(file_.length, file_piece_bytes);
  output_.resize(old_size + wanted);
  const ssize_t got = ::pread(file_.file.number(), output_.data() + old_size, wanted,
                              static_cast<off_t>(file_.offset));
  if (got <= 0) {
    log::warning("a file became shorter, or unreadable, while it was being sent");
    return false;
  }
  const auto bytes = static_cast<std::size_t>(got);
  output_.resize(old_size + bytes);
  file_.offset += bytes;
  file_.length -= bytes;
  if (file_.length == 0) {
    file_.file.reset();
  }
  return true;
}

void HttpConnection::settle_reading() {
  if (output_.capacity() > idle_buffer_bytes_max) {
    output_ = std::string();
  }
  const auto deadline = reader_.in_request() ? Deadline::whole_request : Deadline::next_request;
  if (deadline != deadline_) {  // more bytes of the same request do not buy more time
    set_deadline(deadline);
  }
  enter(HttpConnectionState::reading_request, EPOLLIN);
}

// RFC 9112, 9.6: closing while the client's bytes are unread would reset the connection, and the
// client might never see the answer. So only our side is shut until the client has closed its own.
void HttpConnection::begin_closing() {
  if (peer_finished_ || ::shutdown(socket_.number(), SHUT_WR) != 0) {
    end();
    return;
  }
  set_deadline(Deadline::peer_close);
  enter(HttpConnectionState::closing, EPOLLIN);
}

void HttpConnection::discard() {
  std::array<char, receive_bytes> buffer;  // NOLINT: recv(2) fills it
  const ssize_t got = ::recv(socket_.number(), buffer.data(), buffer.size(), 0);
  if (got > 0) {
    discarded_ += static_cast<std::size_t>(got);
  }
  const bool closed = got == 0 || (got < 0 && !would_block(errno) && errno != EINTR);
  if (closed || discarded_ > limits().linger_bytes_max) {
    end();
  }
}

void HttpConnection::hand_over() {
  auto take_over = std::move(take_over_);
  leave();
  ++owner_.counters_.taken_over;
  TakenOver taken;
  taken.socket = std::move(socket_);
  taken.peer = peer_;
  taken.early_bytes = reader_.take_rest();
  taken.head = std::move(head_);
  try {
    take_over(std::move(taken));
  } catch (const std::exception& error) {
    log::error("a connection could not be taken over: {}", error.what());
    if (owner_.closed_) {
      owner_.closed_(peer_);
    }
  }
}

bool HttpConnection::nothing_is_queued() const noexcept {
  int queued = 0;
  return unsent() == 0 && ::ioctl(socket_.number(), TIOCOUTQ, &queued) == 0 &&
         queued == 0;  // SIOCOUTQ of tcp(7), unix(7)
}

void HttpConnection::refuse(const RequestError& error) {
  take_answer(owner_.server_.refuse(error));
  advance();
}

bool HttpConnection::idle() const noexcept {
  int unread = 0;
  const bool nothing_has_come =
      ::ioctl(socket_.number(), FIONREAD, &unread) != 0 || unread == 0;  // tcp(7), unix(7)
  return answered_ && state_ == HttpConnectionState::reading_request && !reader_.in_request() &&
         nothing_has_come;
}

void HttpConnection::end() {
  if (state_ == HttpConnectionState::gone) {
    return;
  }
  leave();
  socket_.reset();
  if (owner_.closed_) {
    owner_.closed_(peer_);
  }
}

void HttpConnection::leave() {
  ERADIO_CHECK(state_ != HttpConnectionState::gone);
  stop_awaiting();
  state_ = HttpConnectionState::gone;
  owner_.loop_.cancel(timer_);
  owner_.loop_.remove(socket_.number(), *this);
  owner_.let_go(*this);
}

void HttpConnection::enter(HttpConnectionState state, std::uint32_t events) {
  state_ = state;
  if (events != events_) {
    events_ = events;
    owner_.loop_.modify(socket_.number(), events_, *this);
  }
}

std::chrono::nanoseconds HttpConnection::time_until(Deadline deadline) const noexcept {
  switch (deadline) {
    case Deadline::whole_request:
      return limits().request_time_max;
    case Deadline::progress:
      return limits().stall_time_max;
    case Deadline::late_answer:
      return limits().late_answer_time_max;
    case Deadline::peer_close:
      return limits().linger_time_max;
    case Deadline::none:
    case Deadline::next_request:
      break;
  }
  return limits().idle_time_max;
}

// Deadlines move with every request, the timer only when it would come too late: most of the time
// nothing is to be done here.
void HttpConnection::set_deadline(Deadline deadline) {
  const auto from_now = time_until(deadline);
  deadline_ = deadline;
  deadline_ns_ = monotonic_ns() + from_now.count();
  if (timer_ != EventLoop::no_timer && timer_.first <= deadline_ns_) {
    return;
  }
  owner_.loop_.cancel(timer_);
  timer_ = owner_.loop_.call_after(from_now, [this] { on_timer(); });
}

void HttpConnection::on_timer() {
  timer_ = EventLoop::no_timer;
  const std::int64_t left_ns = deadline_ns_ - monotonic_ns();
  if (left_ns > 0) {
    timer_ = owner_.loop_.call_after(std::chrono::nanoseconds(left_ns), [this] { on_timer(); });
  } else {
    on_deadline();
  }
}

void HttpConnection::on_deadline() {
  owner_.counters_.timed_out += deadline_ == Deadline::whole_request ||
                                        deadline_ == Deadline::progress ||
                                        deadline_ == Deadline::late_answer
                                    ? 1U
                                    : 0U;
  if (deadline_ == Deadline::whole_request) {
    refuse({408, "the request took too long to arrive", {}});
  } else if (deadline_ == Deadline::late_answer) {
    stop_awaiting();
    refuse({503, "the answer took too long to find", std::chrono::seconds(1)});
  } else {
    end();
  }
}

}  // namespace eradio
