// eradio-link COUNT [SEED]: emulates COUNT links between network namespaces that it makes, and goes
// with its standard input. link_protocol.h says how it is talked to. A stream can be listened to
// through a link like this:
//
//   mkfifo link; tests/link/eradio-link 1 <link & exec 3>link      (prints: ready NEAR FAR)
//   echo 'set 0 down rate 96000 delay 50000 loss 0.01 queue 65536' >&3
//   nsenter --net=NEAR eradiod … & nsenter --net=FAR curl http://10.77.0.1:8080/stream.mp3

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/system_error.h"
#include "tests/link/link_direction.h"
#include "tests/link/link_protocol.h"
#include "tests/link/tun_device.h"
#include "tests/support/network_namespace.h"

namespace eradio::testing {
namespace {

constexpr std::size_t packet_bytes_max = 65536;

// Anything else (router solicitations and the like of IPv6) would only take the line's time.
bool is_ipv4(const std::byte* packet) { return std::to_integer<int>(packet[0]) >> 4U == 4; }

// The two devices of a link, and what is on its way between them.
class Link {
 public:
  Link(EventLoop& loop, int number, int near_namespace, std::uint64_t seed,
       const std::function<void()>& packet_came)
      : far_namespace_(make_network_namespace()),
        far_{.out = device(number, far_namespace_.number(), far_address(number)),
             .direction = LinkDirection(2 * seed)},
        near_{.out = device(number, near_namespace, near_address(number)),
              .direction = LinkDirection(2 * seed + 1)},
        far_watch_(loop, far_.out.number(), EPOLLIN,
                   [this, packet_came](std::uint32_t) {
                     read_all(far_, near_);
                     packet_came();
                   }),
        near_watch_(loop, near_.out.number(), EPOLLIN, [this, packet_came](std::uint32_t) {
          read_all(near_, far_);
          packet_came();
        }) {}

  [[nodiscard]] int far_namespace() const noexcept { return far_namespace_.number(); }
  LinkDirection& to(LinkEnd end) { return end == LinkEnd::far ? far_.direction : near_.direction; }

  // Delivers what is due; returns when something will be.
  std::optional<std::int64_t> deliver(std::int64_t now_ns) {
    std::optional<std::int64_t> next_ns;
    for (End* end : {&far_, &near_}) {
      end->direction.deliver(now_ns, [&](const LinkDirection::Packet& packet) {
        // A device that takes no more is an end that drops packets: so do real ones.
        [[maybe_unused]] const ssize_t written =
            ::write(end->out.number(), packet.data(), packet.size());
      });
      const auto next = end->direction.next_ns();
      if (next && (!next_ns || *next < *next_ns)) {
        next_ns = next;
      }
    }
    return next_ns;
  }

 private:
  struct End {
    Descriptor out;
    LinkDirection direction;  // to here
  };

  static Descriptor device(int number, int name_space, const std::string& address) {
    const InNetworkNamespace inside(name_space);
    return make_tun_device("link" + std::to_string(number), address);
  }

  static void read_all(const End& from, End& to) {
    std::array<std::byte, packet_bytes_max> buffer;
    ssize_t got = 0;
    while ((got = ::read(from.out.number(), buffer.data(), buffer.size())) > 0) {
      if (is_ipv4(buffer.data())) {
        to.direction.take({buffer.begin(), buffer.begin() + got}, monotonic_ns());
      }
    }
  }

  Descriptor far_namespace_;
  End far_;
  End near_;
  Watch far_watch_;
  Watch near_watch_;
};

class Emulator {
 public:
  Emulator(int links, std::uint64_t seed)
      : near_namespace_(make_network_namespace()),
        timer_(check_syscall(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
                             "timerfd_create")),
        timer_watch_(loop_, timer_.number(), EPOLLIN,
                     [this](std::uint32_t) {
                       std::uint64_t times = 0;
                       [[maybe_unused]] const ssize_t got =
                           ::read(timer_.number(), &times, sizeof times);
                       deliver();
                     }),
        input_watch_(loop_, STDIN_FILENO, EPOLLIN, [this](std::uint32_t) { read_commands(); }) {
    for (int i = 0; i < links; ++i) {
      links_.push_back(std::make_unique<Link>(loop_, i, near_namespace_.number(),
                                              seed + static_cast<std::uint64_t>(i),
                                              [this] { deliver(); }));
    }
  }

  void run() {
    std::string ready = "ready " + path_of(near_namespace_.number());
    for (const auto& link : links_) {
      ready += " " + path_of(link->far_namespace());
    }
    say(ready);
    loop_.run();
  }

 private:
  static std::string path_of(int name_space) {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(name_space);
  }

  static void say(const std::string& line) {
    std::puts(line.c_str());
    std::fflush(stdout);
  }

  void deliver() {
    const std::int64_t now_ns = monotonic_ns();
    std::optional<std::int64_t> next_ns;
    for (const auto& link : links_) {
      const auto next = link->deliver(now_ns);
      if (next && (!next_ns || *next < *next_ns)) {
        next_ns = next;
      }
    }
    itimerspec when{};
    if (next_ns) {
      when.it_value = {.tv_sec = *next_ns / ns_per_second, .tv_nsec = *next_ns % ns_per_second};
    }
    check_syscall(::timerfd_settime(timer_.number(), TFD_TIMER_ABSTIME, &when, nullptr),
                  "timerfd_settime");
  }

  void read_commands() {
    std::array<char, 4096> buffer;
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got <= 0) {
      loop_.stop();
      return;
    }
    input_.append(buffer.data(), static_cast<std::size_t>(got));
    for (auto end = input_.find('\n'); end != std::string::npos; end = input_.find('\n')) {
      say(obey(input_.substr(0, end)));
      input_.erase(0, end + 1);
    }
  }

  std::string obey(const std::string& line) {
    std::string error;
    const auto command = parse_link_command(line, error);
    if (!command) {
      return "error " + error;
    }
    if (command->link >= static_cast<int>(links_.size())) {
      return "error there is no link " + std::to_string(command->link);
    }
    LinkDirection& direction = links_[static_cast<std::size_t>(command->link)]->to(command->to);
    if (command->kind == LinkCommand::Kind::report) {
      return to_line(direction.report());
    }
    direction.set(command->settings, monotonic_ns());
    deliver();
    return "ok";
  }

  EventLoop loop_;
  Descriptor near_namespace_;
  Descriptor timer_;
  Watch timer_watch_;
  Watch input_watch_;
  std::vector<std::unique_ptr<Link>> links_;
  std::string input_;
};

std::optional<std::uint64_t> parse_number(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number)
                                                                  : std::nullopt;
}

int run(const std::vector<std::string>& arguments) {
  const auto links = arguments.empty() ? std::nullopt : parse_number(arguments[0]);
  const auto seed =
      arguments.size() < 2 ? std::optional<std::uint64_t>(1) : parse_number(arguments[1]);
  if (!links || *links < 1 || *links > links_max || !seed || arguments.size() > 2) {
    std::fprintf(stderr, "usage: eradio-link COUNT [SEED]   (1 to %d links)\n", links_max);
    return 2;
  }
  std::optional<Emulator> emulator;
  try {
    emulator.emplace(static_cast<int>(*links), *seed);
  } catch (const std::system_error& error) {
    std::fprintf(stderr, "no links can be emulated here: %s\n", error.what());
    return links_unavailable_status;
  }
  emulator->run();
  return 0;
}

}  // namespace
}  // namespace eradio::testing

int main(int argc, char** argv) {
  try {
    return eradio::testing::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "eradio-link: %s\n", error.what());
    return 1;
  }
}
