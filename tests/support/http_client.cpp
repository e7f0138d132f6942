#include "tests/support/http_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <stdexcept>

#include "common/clock.h"

namespace eradio::testing {
namespace {

std::int64_t deadline_after(std::chrono::milliseconds limit) {
  return monotonic_ns() + limit.count() * ns_per_ms;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

}  // namespace

std::string HttpReply::field(const std::string& name) const {
  const auto found = fields.find(name);
  return found == fields.end() ? "" : found->second;
}

std::optional<HttpReply> parse_reply_head(std::string_view head, std::string_view version) {
  HttpReply reply;
  reply.head = head;
  if (!head.starts_with(version) || head.size() < 12) {
    return std::nullopt;
  }
  std::from_chars(head.data() + 9, head.data() + 12, reply.status);
  while (true) {
    const auto line_end = head.find("\r\n");
    if (line_end == std::string_view::npos) {
      return reply;
    }
    head.remove_prefix(line_end + 2);
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const auto colon = line.find(": ");
    if (colon != std::string_view::npos) {
      std::string& value = reply.fields[lower_case(line.substr(0, colon))];
      value += (value.empty() ? "" : ", ") + std::string(line.substr(colon + 2));
    }
  }
}

HttpClient::HttpClient(const Endpoint& endpoint, const SocketOptions& options)
    : socket_(begin_connect(endpoint, options)) {
  int error = 0;
  socklen_t length = sizeof error;
  if (!wait_for(POLLOUT, deadline_after(patience)) ||
      ::getsockopt(socket_.number(), SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error != 0) {
    throw std::runtime_error("a test client cannot connect, error " + std::to_string(error));
  }
}

bool HttpClient::wait_for(short events, std::int64_t deadline_ns) const {
  pollfd wanted{.fd = socket_.number(), .events = events, .revents = 0};
  const std::int64_t ms = std::max<std::int64_t>(0, (deadline_ns - monotonic_ns()) / ns_per_ms);
  return ::poll(&wanted, 1, static_cast<int>(ms)) > 0;
}

bool HttpClient::send(std::string_view bytes) {
  const std::int64_t deadline_ns = deadline_after(patience);
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN || !wait_for(POLLOUT, deadline_ns)) {
      return false;
    }
  }
  return true;
}

bool HttpClient::request(const std::string& target, const std::string& method,
                         const std::string& more_fields) {
  return send(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + more_fields + "\r\n");
}

void HttpClient::finish_sending() { ::shutdown(socket_.number(), SHUT_WR); }

bool HttpClient::receive(std::int64_t deadline_ns) {
  std::array<char, 65536> bytes{};
  if (ended_ || !wait_for(POLLIN, deadline_ns)) {
    return false;
  }
  const ssize_t got = ::recv(socket_.number(), bytes.data(), bytes.size(), 0);
  if (got <= 0) {
    ended_ = true;
    return false;
  }
  buffer_.append(bytes.data(), static_cast<std::size_t>(got));
  return true;
}

std::optional<HttpReply> HttpClient::read_reply(bool head_only, std::chrono::milliseconds limit) {
  const std::int64_t deadline_ns = deadline_after(limit);
  std::size_t head_end = buffer_.find("\r\n\r\n");
  while (head_end == std::string::npos) {
    if (!receive(deadline_ns)) {
      return std::nullopt;
    }
    head_end = buffer_.find("\r\n\r\n");
  }
  auto reply = parse_reply_head(std::string_view(buffer_).substr(0, head_end + 2));
  buffer_.erase(0, head_end + 4);
  if (!reply) {
    return std::nullopt;
  }
  std::size_t length = 0;
  const std::string text = reply->field("content-length");
  std::from_chars(text.data(), text.data() + text.size(), length);
  if (!head_only && reply->status != 304) {
    while (buffer_.size() < length) {
      if (!receive(deadline_ns)) {
        return std::nullopt;
      }
    }
    reply->body = buffer_.substr(0, length);
    buffer_.erase(0, length);
  }
  return reply;
}

std::string HttpClient::read_bytes(std::size_t bytes, std::chrono::milliseconds limit) {
  const std::int64_t deadline_ns = deadline_after(limit);
  while (buffer_.size() < bytes && receive(deadline_ns)) {
  }
  return std::exchange(buffer_, {});
}

bool HttpClient::read_to_end(std::chrono::milliseconds limit) {
  const std::int64_t deadline_ns = deadline_after(limit);
  while (receive(deadline_ns)) {
    buffer_.clear();
  }
  return ended_;
}

std::optional<HttpReply> fetch(const Endpoint& endpoint, const std::string& target,
                               const std::string& method, const std::string& more_fields) {
  HttpClient client(endpoint);
  client.request(target, method, more_fields);
  return client.read_reply(method == "HEAD");
}

}  // namespace eradio::testing
