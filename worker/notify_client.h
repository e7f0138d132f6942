// One client that is told when the stream's metadata changes: what WebSockets and event streams
// have in common. Owned by the Notifier.
//
// Nothing is queued for a client: while its socket takes no more, it keeps the message that was
// begun, and after that it gets the newest notification, whatever it has missed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/http/http_message.h"
#include "common/http/peer_address.h"

namespace eradio {

class Notifier;

class NotifyClient : public EventHandler {
 public:
  using Message = std::shared_ptr<const std::string>;

  // Sends the newest notification, unless the client has it or is busy with an earlier message.
  void offer();
  // Called about twice a second.
  virtual void on_time(std::int64_t now_ns) = 0;
  // The server stops.
  virtual void say_goodbye() = 0;

 protected:
  // Throws std::system_error when the socket cannot be watched.
  NotifyClient(Notifier& notifier, TakenOver connection, std::uint32_t events);

  // What is to be sent after the message before; nothing when nothing is.
  virtual Message next_message() = 0;
  // A message is out, as far as the kernel.
  virtual void on_sent() {}

  // Sends as far as the socket takes it. A broken socket ends the client.
  void flush();
  // Stops watching for `events`; for a client that is being closed.
  void watch(std::uint32_t events);
  // Gives the client back to the notifier, which frees it after the batch of events.
  void end();

  [[nodiscard]] bool busy() const noexcept { return sending_ != nullptr; }
  [[nodiscard]] bool ended() const noexcept { return ended_; }

  Notifier& notifier_;
  Descriptor socket_;
  std::uint64_t seen_ = 0;        // number of the notification that was sent last
  std::int64_t progress_ns_ = 0;  // when the socket last took something

 private:
  friend class Notifier;

  void want_write(bool wanted);

  PeerAddress peer_;
  std::size_t place_ = 0;  // in the notifier's list
  std::uint32_t events_;
  Message sending_;
  std::size_t sent_ = 0;  // bytes of it
  bool ended_ = false;
};

}  // namespace eradio
