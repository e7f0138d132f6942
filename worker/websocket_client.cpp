#include "worker/websocket_client.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "common/clock.h"
#include "worker/kernel_queue.h"
#include "worker/notifier.h"

namespace eradio {
namespace {

// So little at a time that a flood of small frames does not hold up the stream for long.
constexpr std::size_t receive_bytes = std::size_t{2} * 1024;
constexpr std::size_t replies_bytes_max = 1024;  // of what is due; over it the newest reply only

std::int64_t in_ns(std::chrono::milliseconds time) {
  return std::chrono::nanoseconds(time).count();
}

}  // namespace

WebSocketClient::WebSocketClient(Notifier& notifier, TakenOver connection)
    : NotifyClient(notifier, ClientKind::websocket, std::move(connection), EPOLLIN),
      session_(*this, notifier.limits().message_bytes_max),
      heard_ns_(monotonic_ns()) {
  seen_ = notifier.newest().number;  // it asks for what holds now by itself, or it does not care
}

void WebSocketClient::begin_with(std::string_view early_bytes) {
  take(std::as_bytes(std::span(early_bytes)));
}

void WebSocketClient::go_on(const NotifyProgress& progress) {
  NotifyClient::go_on(progress);
  // What it has said meanwhile has not been heard yet.
  heard_ns_ = std::clamp(progress.heard_ns, heard_ns_ - in_ns(notifier_.limits().idle_time_max) / 2,
                         heard_ns_);
}

bool WebSocketClient::is_settled() const {
  return NotifyClient::is_settled() && state_ == State::open && replies_.empty() &&
         session_.at_boundary();
}

NotifyProgress WebSocketClient::progress() const {
  NotifyProgress progress = NotifyClient::progress();
  progress.heard_ns = heard_ns_;
  return progress;
}

void WebSocketClient::on_events(std::uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    end();
    return;
  }
  if ((events & EPOLLIN) != 0) {
    receive();
  }
  if ((events & EPOLLOUT) != 0) {
    flush();
  }
}

// One piece for each event: the loop calls again when there is more, and others have their turn.
void WebSocketClient::receive() {
  std::array<std::byte, receive_bytes> buffer;  // NOLINT: recv(2) fills what is used
  unsettle();
  const ssize_t got = ::recv(socket_.number(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got > 0) {
    take(std::span(buffer).first(static_cast<std::size_t>(got)));
  } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    end();
  }
  settle();
}

void WebSocketClient::take(std::span<const std::byte> bytes) {
  if (state_ == State::open) {
    session_.receive(bytes);
    if (session_.frames() - frames_at_sweep_ > notifier_.limits().frames_max) {
      close(static_cast<std::uint16_t>(CloseCode::policy_violation), "too many frames");
    }
    flush();  // all that is due now, in one send
    return;
  }
  discarded_ += bytes.size();
  if (discarded_ > notifier_.limits().close_bytes_max) {
    end();
  }
}

void WebSocketClient::on_time(std::int64_t now_ns) {
  const NotifyLimits& limits = notifier_.limits();
  frames_at_sweep_ = session_.frames();
  if (state_ == State::open) {
    // What it has said while we stood still is still to be heard.
    if (now_ns - heard_ns_ > in_ns(limits.idle_time_max) &&
        unread_bytes(socket_.number()).value_or(0) == 0) {
      close(static_cast<std::uint16_t>(CloseCode::going_away), "no message for too long");
    }
  } else if (now_ns - close_begun_ns_ > in_ns(limits.close_time_max)) {
    end();
  }
}

void WebSocketClient::say_goodbye() {
  close(static_cast<std::uint16_t>(CloseCode::going_away), "the server stops");
}

void WebSocketClient::on_message(std::uint64_t bytes) {
  heard_ns_ = monotonic_ns();
  if (bytes == 0) {
    reply(encode_websocket_frame(WebSocketOpcode::text, ""));
  }
}

void WebSocketClient::on_ping(std::string_view payload) {
  heard_ns_ = monotonic_ns();
  reply(encode_websocket_frame(WebSocketOpcode::pong, payload));
}

// RFC 6455, 5.5.3: of several pings that could not be answered yet the newest will do.
void WebSocketClient::reply(const std::string& frame) {
  if (replies_.size() + frame.size() > replies_bytes_max) {
    replies_.clear();
  }
  replies_ += frame;
}

void WebSocketClient::on_pong() { heard_ns_ = monotonic_ns(); }

void WebSocketClient::on_close(std::uint16_t code) { close(code, ""); }

void WebSocketClient::on_violation(CloseCode code, const char* reason) {
  close(static_cast<std::uint16_t>(code), reason);
}

void WebSocketClient::close(std::uint16_t code, std::string_view reason) {
  if (state_ == State::open && !ended()) {
    state_ = State::closing;
    close_begun_ns_ = monotonic_ns();
    close_ = std::make_shared<const std::string>(encode_close_frame(code, reason));
    flush();
  }
}

NotifyClient::Message WebSocketClient::next_message() {
  if (!replies_.empty()) {
    return std::make_shared<const std::string>(std::exchange(replies_, {}));
  }
  if (close_) {
    close_is_last_ = true;
    return std::exchange(close_, nullptr);
  }
  if (state_ == State::open && seen_ < notifier_.newest().number) {
    seen_ = notifier_.newest().number;
    notifier_.count_notification();
    return notifier_.newest().websocket;
  }
  return nullptr;
}

// RFC 6455, 7.1.1: the Close must not be lost by a reset, so only our side is shut until the client
// has closed its own.
void WebSocketClient::on_sent() {
  if (state_ == State::closing && close_is_last_) {
    state_ = State::lingering;
    if (::shutdown(socket_.number(), SHUT_WR) != 0) {
      end();
    }
  }
}

}  // namespace eradio
