// A client of GET /v1/ws/notify once the handshake is done: gets notifications, has its empty
// messages and pings answered, is closed when it is silent for too long or breaks the rules (the
// contract, section 3; RFC 6455).
//
// States: open → closing (a Close is on its way) → lingering (it is out: waiting for the client to
// close) → ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "worker/notify_client.h"
#include "worker/websocket_session.h"

namespace eradio {

class WebSocketClient final : public NotifyClient, private WebSocketEvents {
 public:
  WebSocketClient(Notifier& notifier, TakenOver connection);

  // `early_bytes`: what the client sent behind its handshake.
  void begin_with(std::string_view early_bytes);

  void on_events(std::uint32_t events) override;
  void on_time(std::int64_t now_ns) override;
  void say_goodbye() override;
  void go_on(const NotifyProgress& progress) override;

 private:
  enum class State { open, closing, lingering };

  Message next_message() override;
  void on_sent() override;
  [[nodiscard]] bool is_settled() const override;
  [[nodiscard]] NotifyProgress progress() const override;

  void on_message(std::uint64_t bytes) override;
  void on_ping(std::string_view payload) override;
  void on_pong() override;
  void on_close(std::uint16_t code) override;
  void on_violation(CloseCode code, const char* reason) override;

  void reply(const std::string& frame);
  void receive();
  void take(std::span<const std::byte> bytes);
  void close(std::uint16_t code, std::string_view reason);

  WebSocketSession session_;
  State state_ = State::open;
  std::int64_t heard_ns_;  // when the client last sent a message or a control frame
  std::int64_t close_begun_ns_ = 0;
  std::size_t discarded_ = 0;  // bytes, since the Close
  std::string replies_;        // pongs and echoes that are due
  std::uint64_t frames_at_sweep_ = 0;
  Message close_;               // until it is its turn
  bool close_is_last_ = false;  // it is what is being sent, or was
};

}  // namespace eradio
