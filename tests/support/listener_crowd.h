// Thousands of listeners in one process and one epoll loop: they ask for the stream, read it (fast,
// slowly, or not at all for a while), and check every frame. For end-to-end tests and the
// benchmark; it works only while one of its run functions does.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/descriptor.h"
#include "tests/support/age_histogram.h"
#include "tests/support/endpoint.h"
#include "tests/support/http_client.h"
#include "tests/support/stream_check.h"

namespace eradio::testing {

struct ListenerOptions {
  Endpoint endpoint{};
  std::string target = "/stream.mp3";
  SocketOptions socket{};
  std::uint64_t bytes_per_second = 0;  // how fast it reads; 0: as fast as it can
  AgeHistogram* ages = nullptr;        // borrowed
  // Another server than eradio: it may answer with HTTP/1.0, and know nothing of frames.
  bool foreign = false;
};

class CrowdListener {
 public:
  enum class State { connecting, awaiting_head, listening, ended };

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] bool listening() const noexcept { return state_ == State::listening; }
  // How it ended: 0 for an orderly end of the stream, else an errno value.
  [[nodiscard]] int end_error() const noexcept { return end_error_; }
  [[nodiscard]] const HttpReply& reply() const noexcept { return reply_; }
  [[nodiscard]] const StreamCheck& check() const noexcept { return check_; }
  [[nodiscard]] int descriptor() const noexcept { return socket_.number(); }

 private:
  friend class ListenerCrowd;
  explicit CrowdListener(const ListenerOptions& options)
      : options_(options),
        check_(options.ages,
               options.foreign ? StreamCheck::Begin::anywhere : StreamCheck::Begin::at_a_frame) {}

  ListenerOptions options_;
  Descriptor socket_;
  State state_ = State::connecting;
  bool paused_ = false;
  double allowance_ = 0;  // bytes that a slow one may read now
  int end_error_ = 0;
  std::string head_;
  HttpReply reply_;
  StreamCheck check_;
};

class ListenerCrowd {
 public:
  ListenerCrowd();

  // Begins to connect. The listener belongs to the crowd.
  CrowdListener& add(const ListenerOptions& options);
  std::vector<CrowdListener*> add(const ListenerOptions& options, int count);
  // It stops reading, or goes on with it; its connection stays.
  void pause(CrowdListener& listener);
  void resume(CrowdListener& listener);
  // It closes its connection.
  void close(CrowdListener& listener);

  // Something else to be served by the same thread: `serve` is called whenever `descriptor` is
  // readable, and must not wait. One at most.
  void also_serve(int descriptor, std::function<void()> serve);

  void run_for(std::chrono::milliseconds time);
  // Until `done` says so, asked after each batch of events; false when the time is over.
  [[nodiscard]] bool run_until(const std::function<bool()>& done, std::chrono::milliseconds limit);
  // Until all that were added are listening and have a whole frame each, or one has ended.
  [[nodiscard]] bool run_until_all_listen(std::chrono::milliseconds limit);

  // For a crowd that another one also serves, such as those who come and go beside it: readable
  // when there is something to serve, and a batch of it.
  [[nodiscard]] int descriptor() const noexcept { return epoll_.number(); }
  void serve();

  [[nodiscard]] const std::vector<std::unique_ptr<CrowdListener>>& listeners() const noexcept {
    return listeners_;
  }
  // Over all of them:
  [[nodiscard]] std::size_t ended() const noexcept { return ended_; }
  [[nodiscard]] std::uint64_t frames() const;
  [[nodiscard]] std::uint64_t missed() const;
  // The first fault that one of them has found, if any.
  [[nodiscard]] std::string fault() const;

  // From now on everybody's longest pause is looked for (StreamCheck::begin_pauses).
  void begin_pauses();
  // Those of all who still listen.
  [[nodiscard]] AgeHistogram longest_pauses() const;

 private:
  void handle(CrowdListener& listener, std::uint32_t events);
  void send_request(CrowdListener& listener);
  // Reads at most `bytes_max`; how many there were.
  std::size_t receive(CrowdListener& listener, std::size_t bytes_max);
  void take(CrowdListener& listener, std::span<const std::byte> bytes);
  void end(CrowdListener& listener, int error);
  void watch(CrowdListener& listener, std::uint32_t events);
  // Lets slow listeners read what they may by now.
  void serve_slow();
  void turn(std::int64_t deadline_ns);

  Descriptor epoll_;
  std::vector<std::unique_ptr<CrowdListener>> listeners_;
  std::vector<CrowdListener*> slow_;
  std::int64_t slow_served_ns_ = 0;
  std::size_t ended_ = 0;
  std::vector<std::byte> buffer_;
  std::function<void()> serve_other_;
};

}  // namespace eradio::testing
