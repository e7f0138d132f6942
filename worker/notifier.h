// Tells WebSockets and event streams what the stream's metadata are whenever they change, without
// holding up the stream: rounds over the clients go in short slices between which frames are sent,
// and when a round takes long the next one waits. Clients that have missed some get the newest
// only. Goes on with the clients of a worker that has ended, and does not tell them again what they
// know.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/event_loop.h"
#include "common/http/peer_address.h"
#include "common/rate_limit.h"
#include "shm/listener_table.h"
#include "shm/scoreboard.h"
#include "worker/notify_client.h"

namespace eradio {

// What is to be told.
struct News {
  // Grows with each change, and is the same in every worker: who was told one of a higher number
  // knows it. Never 0.
  std::uint64_t number = 0;
  std::string metadata_json;
};

// The same in each form in which it is sent; shared by all clients.
struct Notification {
  std::uint64_t number = 0;
  NotifyClient::Message websocket;  // a whole frame
  NotifyClient::Message event;      // a server-sent event
};

struct NotifyLimits {
  std::uint64_t message_bytes_max = std::uint64_t{100} * 1024;  // from a client, the contract
  std::uint64_t frames_max = 2000;  // from a WebSocket, in half a second; over it 1008
  std::chrono::milliseconds idle_time_max{10'000};  // without a message from a WebSocket; 1001
  std::chrono::milliseconds close_time_max{2'000};  // from our Close to the end of the connection
  std::size_t close_bytes_max = std::size_t{256} * 1024;  // of what comes meanwhile
  std::chrono::milliseconds comment_interval{10'000};     // of an event stream that has no news
  std::chrono::milliseconds stall_time_max{60'000};       // of an event stream that takes nothing
  std::chrono::microseconds slice{2'000};                 // then frames have their turn
  int round_rest = 20;  // after a round, and before the next of counts only: so many times its time
  int track_rounds_max = 20;  // that begin at once, in a period; the others wait for track_rest
  std::chrono::milliseconds track_rounds_period{100};
  std::chrono::milliseconds track_rest{10};
  std::chrono::milliseconds counts_interval{50};  // the contract; the master sees to it but for
                                                  // clients that are taken over
};

class Notifier {
 public:
  // Called for each client that has come, before anything is sent to it, and for each that has
  // gone.
  using Told = std::function<void(const NotifyClient&)>;

  // What is to be told now: asked for at most once in a round.
  using NewestNews = std::function<News()>;

  // Loop, counters and table are borrowed.
  Notifier(EventLoop& loop, WorkerCounters& counters, WorkerListenerTable& table,
           NewestNews newest_news, Told came, Told left, const NotifyLimits& limits = {});
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  // The metadata have changed. `at_once`: a new track, whose notification is not to wait.
  void publish(bool at_once);

  // The response's head goes with the connection, or has been sent; a WebSocket hears of the next
  // change, an event stream of what holds now.
  void add_websocket(TakenOver connection);
  void add_event_stream(TakenOver connection);
  // Goes on with a client of a worker that has ended. When that cannot be, the client is closed,
  // and the answer says why; otherwise it is empty.
  [[nodiscard]] std::string_view adopt(Descriptor socket, const PeerAddress& peer,
                                       std::uint32_t record, std::uint64_t serial);
  // There are no more: those hear the news that do not know it.
  void end_adoption();
  // Closes the connections of all clients at this address; returns how many.
  std::size_t close_those_from(const PeerAddress::Bytes& address);
  // All that are there.
  void for_each(const std::function<void(const NotifyClient&)>& look) const;
  // Closes all, as well as it can be done without waiting.
  void say_goodbye();

  [[nodiscard]] std::size_t clients() const noexcept { return clients_.size(); }
  // Those that another worker could not go on with just now.
  [[nodiscard]] std::size_t unsettled() const noexcept { return unsettled_; }

  // For the clients.
  [[nodiscard]] EventLoop& loop() noexcept { return loop_; }
  [[nodiscard]] const Notification& newest() const noexcept { return newest_; }
  [[nodiscard]] const NotifyLimits& limits() const noexcept { return limits_; }
  void count_notification() noexcept { counters_.notifications_total.add(1); }
  void on_unsettled(const NotifyClient& client);
  void on_settled(const NotifyClient& client, const NotifyProgress& progress);
  void let_go(NotifyClient& client);

 private:
  void set_newest();
  void add(std::unique_ptr<NotifyClient> client);
  void take_in(std::unique_ptr<NotifyClient> client);
  void begin_or_end(NotifyClient& client, const std::function<void()>& begin);
  void begin_round_at(std::int64_t when_ns);
  void begin_round();
  void run_slice();
  void end_round(std::int64_t now_ns);
  void begin_sweep();
  void run_sweep();

  EventLoop& loop_;
  WorkerCounters& counters_;
  WorkerListenerTable& table_;
  NewestNews newest_news_;
  Told came_;
  Told left_;
  NotifyLimits limits_;
  RateLimit track_rounds_;
  Notification newest_;
  bool outdated_ = false;  // newest_: the metadata have changed since
  std::vector<std::unique_ptr<NotifyClient>> clients_;
  std::size_t unsettled_ = 0;  // clients
  bool news_for_adopted_ = false;

  std::size_t next_in_round_ = 0;
  std::size_t left_in_round_ = 0;  // clients to be looked at still
  bool moved_in_round_ = false;    // a client has changed its place: look again
  std::int64_t round_took_ns_ = 0;
  std::int64_t not_before_ns_ = 0;  // no round for counts before this
  std::int64_t round_due_ns_ = 0;   // when round_timer_ runs
  std::size_t left_in_sweep_ = 0;
  EventLoop::TimerId slice_timer_ = EventLoop::no_timer;
  EventLoop::TimerId round_timer_ = EventLoop::no_timer;
  EventLoop::TimerId sweep_timer_ = EventLoop::no_timer;
};

}  // namespace eradio
