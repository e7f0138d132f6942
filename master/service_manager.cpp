#include "master/service_manager.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "common/clock.h"
#include "common/log.h"
#include "common/system_error.h"

namespace eradio {
namespace {

constexpr std::chrono::seconds news_interval{1};

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

// Nothing, with a line in the log, when it is no number.
std::optional<std::int64_t> number_in_environment(const char* name) {
  const std::string_view text = environment(name);
  if (text.empty()) {
    return std::nullopt;
  }
  std::int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || rest != text.data() + text.size() || number <= 0) {
    log::warning("the service manager's {} is no number: \"{}\"", name, printable(text));
    return std::nullopt;
  }
  return number;
}

// Nothing: it wants none, or from another process.
std::optional<std::chrono::microseconds> sign_of_life_interval() {
  const auto deadline = number_in_environment("WATCHDOG_USEC");
  const auto process = number_in_environment("WATCHDOG_PID");
  if (!deadline || (process && *process != ::getpid())) {
    return std::nullopt;
  }
  // A sign may come late twice.
  return std::max(std::chrono::microseconds(*deadline / 3), std::chrono::microseconds(1000));
}

}  // namespace

ServiceManager::ServiceManager(EventLoop& loop, std::function<std::string()> status_text)
    : loop_(loop), status_text_(std::move(status_text)) {
  const std::string_view path = environment("NOTIFY_SOCKET");
  if (path.empty()) {
    return;
  }
  sockaddr_un address{};
  const bool abstract = path.front() == '@';  // without a file
  if ((path.front() != '/' && !abstract) || path.size() < 2 ||
      path.size() >= sizeof address.sun_path) {
    log::warning("the service manager's NOTIFY_SOCKET is no path of a Unix socket: \"{}\"",
                 printable(path));
    return;
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (abstract) {
    address.sun_path[0] = '\0';
  }
  address_ = address;
  // The length is a part of an abstract name; a path ends with a zero.
  address_bytes_ =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
  socket_ = Descriptor(
      check_syscall(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
  tell_news_each_second();
  if (const auto interval = sign_of_life_interval()) {
    give_signs_of_life(*interval);
  }
}

ServiceManager::~ServiceManager() {
  loop_.cancel(news_timer_);
  loop_.cancel(life_timer_);
}

void ServiceManager::enter(Phase phase) {
  if (phase_ != Phase::stopping) {
    phase_ = phase;
    tell_news();
  }
}

std::string ServiceManager::message_of(Phase phase) {
  switch (phase) {
    case Phase::starting:
      return "";
    case Phase::ready:
      return "READY=1\n";
    case Phase::reloading:
      return "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_ns() / 1000) + "\n";
    case Phase::stopping:
      return "STOPPING=1\n";
  }
  return "";
}

// What could not be sent before is sent in the next second, as it is then.
void ServiceManager::tell_news() {
  if (!address_) {
    return;
  }
  std::string message = phase_ == phase_told_ ? "" : message_of(phase_);
  std::string status = phase_ == Phase::starting ? "" : status_text_();
  if (status != status_told_) {
    message += "STATUS=" + status + "\n";
  }
  if (!message.empty() && send(message)) {
    phase_told_ = phase_;
    status_told_ = std::move(status);
  }
}

void ServiceManager::tell_news_each_second() {
  tell_news();
  news_timer_ = loop_.call_after(news_interval, [this] { tell_news_each_second(); });
}

void ServiceManager::give_signs_of_life(std::chrono::microseconds interval) {
  static_cast<void>(send("WATCHDOG=1\n"));  // the next one is due anyway
  life_timer_ = loop_.call_after(interval, [this, interval] { give_signs_of_life(interval); });
}

bool ServiceManager::send(std::string_view message) {
  const ssize_t sent = ::sendto(socket_.number(), message.data(), message.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&*address_), address_bytes_);
  if (sent < 0 && !complained_) {
    log::warning("the service manager cannot be told how the server is: {}",
                 std::generic_category().message(errno));
  }
  complained_ = sent < 0;
  return sent >= 0;
}

std::string service_status(const StreamMetadata& metadata) {
  std::string text = std::to_string(metadata.listeners) +
                     (metadata.listeners == 1 ? " listener; " : " listeners; ");
  if (!metadata.now_playing.playing) {
    return text + "stopped";
  }
  const auto& track = metadata.now_playing.track;
  constexpr std::size_t name_bytes_max = 200;
  const bool named = track && !(track->name.empty() && track->uri.empty());
  return text + (named ? printable(track->name.empty() ? track->uri : track->name, name_bytes_max)
                       : "playing");
}

}  // namespace eradio
