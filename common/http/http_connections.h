// Owns the connections that speak HTTP: takes accepted sockets, counts them, and can close them
// all. Workers and master own one each; the work on each socket is HttpConnection's. It outlives
// its connections, and must itself be outlived by the loop and the server.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>

#include "common/descriptor.h"
#include "common/event_loop.h"
#include "common/http/http_server.h"
#include "common/http/peer_address.h"
#include "common/http/request_reader.h"

namespace eradio {

struct ConnectionLimits {
  RequestLimits request;
  std::chrono::milliseconds request_time_max{10'000};  // first to last byte of a request; then 408
  std::chrono::milliseconds idle_time_max{15'000};     // between requests; then closed quietly
  std::chrono::milliseconds stall_time_max{30'000};    // an answer without progress; then dropped
  std::chrono::milliseconds late_answer_time_max{
      3'000};                                        // of a handler that answers later; then 503
  std::chrono::milliseconds linger_time_max{2'000};  // waiting for a refused client to close
  std::size_t linger_bytes_max = std::size_t{256} * 1024;     // thrown away while lingering
  std::size_t unsent_bytes_max = std::size_t{128} * 1024;     // then no further request is answered
  std::size_t read_bytes_per_event = std::size_t{32} * 1024;  // then the others' turn
  std::size_t write_bytes_per_event = std::size_t{256} * 1024;  // the same
};

struct ConnectionCounters {
  std::uint64_t adopted = 0;
  std::uint64_t taken_over = 0;
  std::uint64_t answers = 0;        // all of them
  std::uint64_t client_errors = 0;  // 4xx
  std::uint64_t server_errors = 0;  // 5xx
  std::uint64_t timed_out = 0;      // requests, answers and handlers too slow; not idle ones
};

class HttpConnection;

class HttpConnections {
 public:
  // Called for each connection that ends here, not for those that are taken over: for whoever
  // counts connections per address.
  using Closed = std::function<void(const PeerAddress&)>;

  HttpConnections(EventLoop& loop, HttpServer& server, const ConnectionLimits& limits = {},
                  Closed closed = {});
  // Closes all.
  ~HttpConnections();
  HttpConnections(const HttpConnections&) = delete;
  HttpConnections& operator=(const HttpConnections&) = delete;

  // Takes a connected stream socket and makes it non-blocking. When that fails, or epoll refuses
  // it, the socket is closed, `closed` is called, and it is logged.
  void adopt(Descriptor socket, const PeerAddress& peer);
  // The same for a connection that is over a limit: it is answered with `error` at once, whatever
  // it asks for, and closed in a way that the client sees the answer.
  void refuse(Descriptor socket, const PeerAddress& peer, const RequestError& error);
  // Connections that are still HTTP.
  [[nodiscard]] std::size_t count() const noexcept { return connections_.size(); }
  [[nodiscard]] const ConnectionCounters& counters() const noexcept { return counters_; }
  void close_all();
  // Those that have been answered and ask nothing more. Not those that have not asked yet: their
  // request may be on its way.
  void close_idle();
  // Closes the one whose request, or the wait for it, has lasted longest, and at least so long: for
  // when others have no room. Not one that waits for us: its client is not what is slow. False when
  // there is none.
  bool close_longest(std::chrono::milliseconds at_least);

 private:
  friend class HttpConnection;
  using Owned = std::list<std::unique_ptr<HttpConnection>>;

  // Makes a connection and lets `begin` do the first thing with it.
  void take_in(Descriptor socket, const PeerAddress& peer,
               const std::function<void(HttpConnection&)>& begin);
  // The connection has ended, or left HTTP: destroyed after the current batch of events.
  void let_go(HttpConnection& connection);
  // A request of it has been answered.
  void move_to_end(HttpConnection& connection);

  EventLoop& loop_;
  HttpServer& server_;
  ConnectionLimits limits_;
  Closed closed_;
  ConnectionCounters counters_;
  Owned connections_;  // those whose request began first are first
};

}  // namespace eradio
