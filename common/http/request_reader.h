// Collects the bytes of HTTP/1 requests and refuses what is malformed, ambiguous or too large,
// before anything else looks at it (RFC 9112). Used by HttpConnection for every byte from a client;
// never does I/O, never looks at a byte twice in search of the end of the head.
//
// Invariants: (1) how the bytes were cut into append() calls makes no difference; (2) once bad,
// always bad: where the next request would begin is not known any more; (3) what follows a request
// stays in the reader.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/http_message.h"
#include "common/http/request_head.h"

namespace eradio {

struct RequestLimits {
  std::size_t request_line_bytes_max = 8000;            // RFC 9112, 3: at least that; over it 414
  std::size_t head_bytes_max = std::size_t{16} * 1024;  // request line and fields; over it 431
  std::size_t body_bytes_max = std::size_t{16} * 1024;  // over it 413
  std::size_t leading_empty_lines_max = 4;              // RFC 9112, 2.2: at least one
};

// One whole request.
struct ReceivedRequest {
  RequestHead head;
  std::string body;
  std::size_t bytes = 0;  // taken from the connection, leading empty lines included
};

enum class ReadProgress {
  incomplete,  // needs more bytes
  complete,    // take_request() has one
  bad,         // error() says why: answer it and close
};

class RequestReader {
 public:
  explicit RequestReader(const RequestLimits& limits = {}) : limits_(limits) {}

  void append(std::string_view bytes);
  // Looks for the end of the next request in what has come so far.
  [[nodiscard]] ReadProgress read();
  // After `complete`: the request; the reader then stands at the next one.
  [[nodiscard]] ReceivedRequest take_request();
  // After `bad`.
  [[nodiscard]] const RequestError& error() const { return *error_; }

  // True once per request: the client waits for "100 Continue" before it sends the body (RFC 9110,
  // 10.1.1), and what is known of the request so far is in order.
  [[nodiscard]] bool take_continue_wish();
  // Whether a request has begun that is not complete: what the time limit is for.
  [[nodiscard]] bool in_request() const noexcept;
  // Gives up everything not taken yet: for a connection that leaves HTTP.
  [[nodiscard]] std::string take_rest();

 private:
  void skip_empty_lines();
  void find_head();
  void accept_head(std::string_view text);
  void fail(RequestError error);

  RequestLimits limits_;
  std::string buffer_;
  std::size_t begin_ = 0;       // of this request, in buffer_; what is before it is done with
  std::size_t scanned_ = 0;     // in buffer_: there is no end of a head before this
  std::size_t line_begin_ = 0;  // in buffer_: of the line in which the scan stands
  std::size_t empty_lines_ = 0;
  std::size_t skipped_ = 0;          // bytes of leading empty lines
  std::optional<RequestHead> head_;  // set while the body is awaited
  std::size_t body_begin_ = 0;       // in buffer_
  bool continue_wished_ = false;
  std::optional<RequestError> error_;
};

}  // namespace eradio
