// A client of GET /v1/events: notifications as server-sent events (HTML standard, 9.2), the first
// at once, with a comment now and then so that proxies and the dead are noticed.
#pragma once

#include <cstdint>

#include "worker/notify_client.h"

namespace eradio {

class EventStreamClient final : public NotifyClient {
 public:
  EventStreamClient(Notifier& notifier, TakenOver connection);

  void on_events(std::uint32_t events) override;
  void on_time(std::int64_t now_ns) override;
  void say_goodbye() override { end(); }
  void go_on(const NotifyProgress& progress) override;

 private:
  Message next_message() override;

  std::int64_t comment_after_ns_;
  bool begun_ = false;
  bool comment_due_ = false;
};

}  // namespace eradio
