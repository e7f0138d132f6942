// What started this process and watches over it, such as systemd: is told whether the server
// serves, and how many listen to what, and is given signs of life; by the protocol of sd_notify(3).
// That library's function waits while nobody reads the socket; this class never does, and the
// server serves whatever becomes of its service manager.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "shm/stream_metadata.h"

namespace eradio {

class ServiceManager {
 public:
  // Who it is, and how often it wants a sign of life, stands in the environment (NOTIFY_SOCKET,
  // WATCHDOG_USEC, WATCHDOG_PID), which stays as it is for the program of an upgrade. Without
  // NOTIFY_SOCKET nothing is done here, ever. `status_text` is asked once a second. The loop is
  // borrowed.
  ServiceManager(EventLoop& loop, std::function<std::string()> status_text);
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  // What the server is doing from now on. After stopping() nothing else counts.
  void ready() { enter(Phase::ready); }
  void reloading() { enter(Phase::reloading); }
  void stopping() { enter(Phase::stopping); }

 private:
  enum class Phase { starting, ready, reloading, stopping };
  static std::string message_of(Phase phase);

  void enter(Phase phase);
  void tell_news();
  void tell_news_each_second();
  void give_signs_of_life(std::chrono::microseconds interval);
  // False when it could not be sent just now; says why in the log, once until it can again.
  bool send(std::string_view message);

  EventLoop& loop_;
  std::function<std::string()> status_text_;
  std::optional<sockaddr_un> address_;  // nothing: there is no service manager
  socklen_t address_bytes_ = 0;
  Descriptor socket_;
  Phase phase_ = Phase::starting;
  Phase phase_told_ = Phase::starting;
  std::string status_told_;
  bool complained_ = false;
  EventLoop::TimerId news_timer_ = EventLoop::no_timer;
  EventLoop::TimerId life_timer_ = EventLoop::no_timer;
};

// "2 listeners; Artist – Title": one line.
std::string service_status(const StreamMetadata& metadata);

}  // namespace eradio
