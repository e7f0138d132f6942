#include "tests/faults/population.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/clock.h"
#include "tests/support/patience.h"

namespace eradio::testing {
namespace {

constexpr int small_buffer_bytes = 20'000;

std::string in_ms(std::int64_t ns) { return std::to_string(ns / ns_per_ms) + " ms"; }

}  // namespace

Population::Population(const PopulationOptions& options, std::uint64_t seed)
    : options_(options),
      dice_(seed),
      told_({options.ipv4, options.ipv6, options.unix_socket}, options.told, disturbances_,
            seed + 1),
      voters_(disturbances_),
      wanted_(options.listeners) {
  crowd_.also_serve(told_.crowd().descriptor(), [this] { told_.crowd().serve(); });
  fill_up();
}

void Population::fill_up() {
  auto staying = static_cast<std::size_t>(
      std::count_if(members_.begin(), members_.end(),
                    [](const Member& member) { return member.leaves_ns == 0; }));
  while (members_.size() < wanted_ && fault_.empty()) {
    const bool stays = 10 * staying < 7 * wanted_;
    staying += stays ? 1U : 0U;
    come_one(stays);
  }
}

void Population::come_one(bool stays) {
  const std::int64_t now_ns = monotonic_ns();
  Member member{.number = ++counts_.came, .came_ns = now_ns};
  const std::uint32_t where = dice_.below(8);
  member.on_unix_socket = where == 0;
  ListenerOptions listener{.endpoint = where == 0   ? options_.unix_socket
                                       : where <= 4 ? options_.ipv4
                                                    : options_.ipv6,
                           .target = "/stream.mp3?listener_id=" + std::to_string(member.number)};
  const std::uint32_t kind = dice_.below(10);
  if (kind < 4) {  // these are in the middle of a frame more often than others
    listener.socket.receive_buffer_bytes = small_buffer_bytes;
  }
  if (kind < 2) {
    listener.bytes_per_second = options_.slow_bytes_per_second;
  }
  if (!stays) {
    // Some do not even wait for the answer.
    const std::uint32_t longest_ms = dice_.below(10) == 0 ? 20 : 5'000;
    member.leaves_ns = now_ns + (1 + dice_.below(longest_ms)) * ns_per_ms;
  }
  try {
    member.listener = &crowd_.add(listener);
    members_.push_back(member);
  } catch (const std::system_error& error) {
    say_fault(member, std::string("could not connect: ") + error.what());
  }
}

void Population::listen_for(std::chrono::milliseconds time) {
  const std::int64_t end_ns = monotonic_ns() + time.count() * ns_per_ms;
  do {
    crowd_.run_for(std::chrono::milliseconds(3));
    attend();
  } while (monotonic_ns() < end_ns);
}

void Population::attend() {
  const std::int64_t now_ns = monotonic_ns();
  std::erase_if(members_, [&](Member& member) { return attend(member, now_ns); });
  told_.attend();
  voters_.attend();
  if (!settled_) {
    fill_up();
    let_one_vote(now_ns);
  }
}

// Against a track that soon gives way to another by itself: too few of them to skip it.
void Population::let_one_vote(std::int64_t now_ns) {
  constexpr std::size_t waiting_max = 4;
  if (now_ns < next_vote_ns_ || voters_.waiting() >= waiting_max || members_.empty()) {
    return;
  }
  next_vote_ns_ = now_ns + dice_.between(50, 300) * ns_per_ms;
  const Member& voter = members_[dice_.below(static_cast<std::uint32_t>(members_.size()))];
  // It may be that the server does not know somebody yet who has just come.
  if (voter.listener->check().frames() > 0 && now_ns - voter.came_ns > ns_per_second) {
    voters_.vote(dice_.below(2) == 0 ? options_.ipv4 : options_.unix_socket, voter.number);
  }
}

bool Population::attend(Member& member, std::int64_t now_ns) {
  const CrowdListener& listener = *member.listener;
  if (member.head_ns == 0 && listener.reply().status == 200) {
    member.head_ns = now_ns;
  }
  if (!listener.check().fault().empty()) {
    say_fault(member, listener.check().fault());
  }
  if (listener.state() == CrowdListener::State::ended) {
    judge_loss(member, now_ns);
    dismiss(member);
    return true;
  }
  if (member.stalled_until_ns != 0 && now_ns >= member.stalled_until_ns) {
    crowd_.resume(*member.listener);
    member.stalled_until_ns = 0;
  }
  if (!settled_ && member.leaves_ns != 0 && now_ns >= member.leaves_ns) {
    dismiss(member);
    ++counts_.left;
    return true;
  }
  // A server that answers nobody, or sends nothing, has stopped serving them.
  if (listener.check().frames() == 0 && member.stalled_until_ns == 0 &&
      now_ns - member.came_ns > patience_ns) {
    say_fault(member, "has had no frame for " + in_ms(now_ns - member.came_ns));
  }
  return false;
}

void Population::judge_loss(const Member& member, std::int64_t now_ns) {
  const CrowdListener& listener = *member.listener;
  const Loss loss{
      .answered = member.head_ns != 0, .ended_ns = now_ns, .fragile = member.on_unix_socket};
  if (listener.end_error() == ECONNREFUSED) {
    say_fault(member, "was refused a connection");
  } else if (listener.reply().status != 0 && listener.reply().status != 200) {
    say_fault(member, "was answered with " + std::to_string(listener.reply().status));
  } else if (disturbances_.excuse(loss)) {
    ++(loss.answered ? counts_.lost : counts_.unanswered);
    excused_.push_back(name_of(member) + describe_loss(member, now_ns));
  } else {
    say_fault(member, describe_loss(member, now_ns));
  }
}

std::string Population::describe_loss(const Member& member, std::int64_t now_ns) {
  const CrowdListener& listener = *member.listener;
  std::string what = "was disconnected (";
  what += listener.end_error() == 0 ? "end of the stream" : std::strerror(listener.end_error());
  what += ") " + in_ms(now_ns - member.came_ns) + " after it came, ";
  what += member.head_ns == 0 ? "without an answer"
                              : in_ms(now_ns - member.head_ns) + " after the head, with " +
                                    std::to_string(listener.check().frames()) + " frames";
  return what;
}

std::string Population::name_of(const Member& member) {
  return (member.on_unix_socket ? "listener on the Unix socket " : "listener ") +
         std::to_string(member.number) + " ";
}

void Population::say_fault(const Member& member, const std::string& what) {
  if (fault_.empty()) {
    fault_ = name_of(member) + what;
  }
}

void Population::dismiss(const Member& member) {
  counts_.frames += member.listener->check().frames();
  counts_.missed += member.listener->check().missed();
  crowd_.close(*member.listener);
  voters_.forget_listener(member.number);
}

void Population::stall(std::uint32_t percent, std::chrono::milliseconds time) {
  const std::int64_t until_ns = monotonic_ns() + time.count() * ns_per_ms;
  for (Member& member : members_) {
    if (dice_.below(100) < percent && member.listener->listening() &&
        member.stalled_until_ns == 0) {
      crowd_.pause(*member.listener);
      member.stalled_until_ns = until_ns;
    }
  }
}

void Population::come(std::uint32_t percent) {
  wanted_ = options_.listeners;
  for (std::size_t more = wanted_ * percent / 100; more > 0; --more) {
    come_one(false);
  }
}

void Population::leave(std::uint32_t percent) {
  wanted_ = options_.listeners - options_.listeners * percent / 100;
  const std::int64_t now_ns = monotonic_ns();
  for (Member& member : members_) {
    if (dice_.below(100) < percent) {
      member.leaves_ns = now_ns;
    }
  }
}

void Population::settle_down() {
  settled_ = true;
  told_.settle_down();
  for (Member& member : members_) {
    member.stalled_until_ns = std::min<std::int64_t>(member.stalled_until_ns, 1);
  }
}

void Population::leave_all() {
  for (const Member& member : members_) {
    dismiss(member);
    ++counts_.left;
  }
  members_.clear();
  told_.leave_all();
}

std::size_t Population::expect(Disturbance kind) { return disturbances_.add(kind, monotonic_ns()); }

void Population::end(std::size_t disturbance) { disturbances_.end(disturbance, monotonic_ns()); }

PopulationCounts Population::counts() const {
  PopulationCounts counts = counts_;
  for (const Member& member : members_) {
    counts.frames += member.listener->check().frames();
    counts.missed += member.listener->check().missed();
  }
  return counts;
}

bool Population::all_hear(std::chrono::milliseconds age) const {
  const std::int64_t since_ns = monotonic_ns() - age.count() * ns_per_ms;
  return std::all_of(members_.begin(), members_.end(), [&](const Member& member) {
    const StreamCheck& check = member.listener->check();
    return check.frames() > 0 && check.last().time_ns >= since_ns;
  });
}

}  // namespace eradio::testing
