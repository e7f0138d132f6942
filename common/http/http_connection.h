// One connection that speaks HTTP: reads requests, lets the HttpServer answer them, writes the
// answers as fast as the client takes them, and hands the socket over when an answer says so. Made
// and owned by HttpConnections (included from here); never blocks.
//
// Invariants: (1) answers leave in the order of their requests; (2) no request is answered while
// unsent_bytes_max of earlier answers, or any part of a file, are unsent; (3) nothing is read while
// an answer is unsent, so a client that does not read cannot make memory grow; (4) after end() or
// hand_over() it is not called any more.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/http/http_connections.h"
#include "common/http/http_server.h"
#include "common/http/peer_address.h"
#include "common/http/request_reader.h"

namespace eradio {

enum class HttpConnectionState {
  reading_request,  // or waiting for one
  answering,        // the client has not taken all of it yet
  awaiting_answer,  // its handler answers later; nothing is read meanwhile
  closing,          // our side is shut; what still comes is thrown away (lingering close)
  gone,             // closed or taken over
};
const char* name_of(HttpConnectionState state) noexcept;

class HttpConnection final : public EventHandler {
 public:
  // Throws std::system_error when the socket cannot be watched.
  HttpConnection(HttpConnections& owner, Descriptor socket, const PeerAddress& peer);

  void on_events(std::uint32_t events) override;
  // Answers with `error` before any request has come, and closes.
  void refuse(const RequestError& error);
  // Closes it now.
  void end();
  // Whether it has been answered, and asks nothing more.
  [[nodiscard]] bool idle() const noexcept;
  // Its handler has not answered yet.
  [[nodiscard]] bool waits_for_us() const noexcept { return awaited_ != nullptr; }

  [[nodiscard]] const PeerAddress& peer() const noexcept { return peer_; }
  // Since when it has been waiting for, or busy with, the request that is next or now.
  [[nodiscard]] std::int64_t begun_ns() const noexcept { return begun_ns_; }
  // Among its owner's.
  [[nodiscard]] HttpConnections::Owned::iterator place() const noexcept { return place_; }
  void set_place(HttpConnections::Owned::iterator place) noexcept { place_ = place; }

 private:
  enum class WriteResult { all, blocked, failed };
  // What is waited for, and not for ever.
  enum class Deadline { none, next_request, whole_request, progress, late_answer, peer_close };
  // Shared with whoever is to bring a late answer, which may outlive the connection.
  struct Awaited {
    HttpConnection* connection = nullptr;  // nobody's any more: the answer comes for nothing
    bool being_asked = false;              // the handler has not returned yet
    std::optional<HttpAnswer> early;       // came while it was being asked
  };

  // Does what can be done now: answers, writes, and settles in the state that follows from it.
  void advance();
  void answer_requests();
  void take_answer(HttpAnswer answer);
  void await_answer(const HttpAnswer& promise);
  void on_late_answer(HttpAnswer answer);
  void stop_awaiting();
  [[nodiscard]] WriteResult write_answers(std::size_t budget_bytes);
  // Moves more of the file into the output; false when the file has become too short.
  [[nodiscard]] bool fill_from_file();
  // False when the connection is broken.
  [[nodiscard]] bool receive();
  void settle_reading();
  void begin_closing();
  void discard();
  void hand_over();

  void enter(HttpConnectionState state, std::uint32_t events);
  void set_deadline(Deadline deadline);
  void on_timer();
  void on_deadline();
  // Takes it out of the loop and from its owner.
  void leave();

  [[nodiscard]] std::size_t unsent() const noexcept { return output_.size() - sent_; }
  // Neither here nor in the kernel.
  [[nodiscard]] bool nothing_is_queued() const noexcept;
  [[nodiscard]] const ConnectionLimits& limits() const noexcept;
  [[nodiscard]] std::chrono::nanoseconds time_until(Deadline deadline) const noexcept;

  HttpConnections& owner_;
  HttpConnections::Owned::iterator place_;
  std::int64_t begun_ns_;
  Descriptor socket_;
  PeerAddress peer_;
  HttpConnectionState state_ = HttpConnectionState::reading_request;
  std::uint32_t events_ = 0;  // what the loop watches for

  RequestReader reader_;
  bool answered_ = false;       // at least once
  bool peer_finished_ = false;  // it will send no more

  std::string output_;
  std::size_t sent_ = 0;  // bytes of output_
  FileSlice file_;        // follows output_
  bool last_answer_ = false;
  std::function<void(TakenOver)> take_over_;
  std::string head_;  // left to whoever takes over

  std::shared_ptr<Awaited> awaited_;  // set while an answer is awaited

  std::size_t discarded_ = 0;  // bytes, while closing

  Deadline deadline_ = Deadline::none;
  std::int64_t deadline_ns_ = 0;
  EventLoop::TimerId timer_ = EventLoop::no_timer;  // at the deadline or before it
};

}  // namespace eradio
