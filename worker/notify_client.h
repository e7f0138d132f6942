// One client that is told when the stream's metadata changes: what WebSockets and event streams
// have in common. Owned by the Notifier.
//
// Nothing is queued for a client: while its socket takes no more, it keeps the message that was
// begun, and after that it gets the newest notification, whatever it has missed.
//
// A client outlives its worker if it is settled: in the middle of no message, in either direction.
// Its record says so (shm/listener_table.h), and no longer from before the first byte is read or
// written that can change it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/client_kind.h"
#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/http/http_message.h"
#include "common/http/peer_address.h"
#include "shm/listener_table.h"

namespace eradio {

class Notifier;

class NotifyClient : public EventHandler {
 public:
  using Message = std::shared_ptr<const std::string>;

  // Sends the response's head, if that is left to us, and what is due then. Once somebody else
  // would know of the client if this process died: whoever has an answer is not lost.
  void begin() { flush(); }
  // Sends the newest notification, unless the client has it or is busy with an earlier message.
  void offer();
  // Called about twice a second.
  virtual void on_time(std::int64_t now_ns) = 0;
  // The server stops.
  virtual void say_goodbye() = 0;
  // It was another worker's, and this is how far it is.
  virtual void go_on(const NotifyProgress& progress);

  [[nodiscard]] ClientKind kind() const noexcept { return kind_; }
  [[nodiscard]] int socket() const noexcept { return socket_.number(); }
  [[nodiscard]] const PeerAddress& peer() const noexcept { return peer_; }
  // In the listener table, if there was room.
  [[nodiscard]] std::optional<std::uint32_t> record() const noexcept { return record_; }
  [[nodiscard]] std::uint64_t serial() const noexcept { return serial_; }  // of the record

 protected:
  // Throws std::system_error when the socket cannot be watched.
  NotifyClient(Notifier& notifier, ClientKind kind, TakenOver connection, std::uint32_t events);

  // What is to be sent after the message before; nothing when nothing is.
  virtual Message next_message() = 0;
  // A message is out, as far as the kernel.
  virtual void on_sent() {}

  // Whether it is in the middle of nothing just now.
  [[nodiscard]] virtual bool is_settled() const { return !busy(); }
  [[nodiscard]] virtual NotifyProgress progress() const;

  // Sends as far as the socket takes it, and settles. A broken socket ends the client.
  void flush();
  // Before anything is read or written.
  void unsettle();
  // If it is so.
  void settle();
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

  ClientKind kind_;
  PeerAddress peer_;
  std::optional<std::uint32_t> record_;
  std::uint64_t serial_ = 0;
  bool unsettled_ = true;
  std::size_t place_ = 0;  // in the notifier's list
  std::uint32_t events_;
  Message sending_;
  std::size_t sent_ = 0;  // bytes of it
  bool ended_ = false;
};

}  // namespace eradio
