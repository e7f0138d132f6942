#include "tests/faults/voters.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/clock.h"
#include "tests/support/http_client.h"
#include "tests/support/patience.h"

namespace eradio::testing {

void Voters::vote(const Endpoint& endpoint, std::uint64_t listener_id) {
  votes_.push_back({.socket = begin_connect(endpoint),
                    .listener_id = listener_id,
                    .begun_ns = monotonic_ns(),
                    .reply = {}});
}

void Voters::forget_listener(std::uint64_t listener_id) {
  for (Vote& vote : votes_) {
    vote.listens = vote.listens && vote.listener_id != listener_id;
  }
}

void Voters::attend() {
  const std::int64_t now_ns = monotonic_ns();
  std::erase_if(votes_, [&](Vote& vote) { return attend(vote, now_ns); });
}

bool Voters::attend(Vote& vote, std::int64_t now_ns) {
  const auto would_block = [] {
    return errno == EAGAIN || errno == EINTR || errno == ENOTCONN || errno == EINPROGRESS;
  };
  if (!vote.sent) {
    const std::string request = "PUT /v1/veto?listener_id=" + std::to_string(vote.listener_id) +
                                " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const ssize_t sent =
        ::send(vote.socket.number(), request.data(), request.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    vote.sent = sent == static_cast<ssize_t>(request.size());
    if (sent < 0 && !would_block()) {
      judge(vote, now_ns);
      return true;
    }
  }
  std::array<char, 4096> bytes{};
  const ssize_t got = ::recv(vote.socket.number(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got > 0) {
    vote.reply.append(bytes.data(), static_cast<std::size_t>(got));
  }
  if (got == 0 || (got < 0 && !would_block())) {
    judge(vote, now_ns);
    return true;
  }
  if (now_ns - vote.begun_ns > patience_ns && fault_.empty()) {
    fault_ = "a vote is not answered";
  }
  return false;
}

void Voters::judge(const Vote& vote, std::int64_t now_ns) {
  const bool disturbed =
      disturbances_.excuse({.answered = false, .ended_ns = now_ns, .fragile = true});
  const auto head_end = vote.reply.find("\r\n\r\n");
  const auto reply = head_end == std::string::npos
                         ? std::nullopt
                         : parse_reply_head(std::string_view(vote.reply).substr(0, head_end + 2));
  const int status = reply ? reply->status : 0;
  constexpr int nothing_plays = 409;
  constexpr int not_in_time = 503;
  constexpr int no_such_listener = 404;
  if (status == 200) {
    ++counts_.counted;
  } else if (status == nothing_plays || (status == not_in_time && disturbed) ||
             (status == no_such_listener && !vote.listens)) {
    ++counts_.not_counted;
  } else if (status == 0 && disturbed) {
    ++counts_.dropped;
  } else if (fault_.empty()) {
    fault_ = "a vote of listener " + std::to_string(vote.listener_id) + " was answered with " +
             (status == 0 ? "nothing" : std::to_string(status)) + ": " + vote.reply;
  }
}

}  // namespace eradio::testing
