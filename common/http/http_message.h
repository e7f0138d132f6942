// A request and a response as handlers see them: plain values of our own, so that nobody but
// http_server.cpp has to know cpp-httplib. What is in a request has passed the RequestReader; what
// is put into a response must not carry request bytes into a header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/descriptor.h"
#include "common/http/peer_address.h"

namespace eradio {

// Header fields in the order in which they came. Names compare without case (RFC 9110, 5.1).
class HttpFields {
 public:
  using Field = std::pair<std::string, std::string>;

  HttpFields() = default;
  HttpFields(std::initializer_list<Field> fields) : fields_(fields) {}

  void add(std::string name, std::string value);
  // Replaces every field of that name.
  void set(std::string_view name, std::string value);
  void erase(std::string_view name);
  // The first value, without white space around it.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  // Whether one of the comma-separated members of the field's values is `token`, without case, as
  // in "Connection: keep-alive, Upgrade" (RFC 9110, 5.6.1).
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;

  [[nodiscard]] auto begin() const { return fields_.begin(); }
  [[nodiscard]] auto end() const { return fields_.end(); }

 private:
  std::vector<Field> fields_;
};

// Decoded name and value pairs of the part after '?'; of a name with several values, all of them.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;     // "GET"; case matters (RFC 9110, 9.1)
  int minor_version = 1;  // of HTTP/1
  std::string path;       // percent-decoded, starts with '/', no NUL; may be no UTF-8
  std::string target;     // path and query as they were sent
  QueryParameters query;
  HttpFields fields;
  std::string body;
  PeerAddress peer;

  // The first value of a query parameter; nothing when it is not there.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
  // Whether it is there with several values: ambiguous, so most handlers refuse it.
  [[nodiscard]] bool is_repeated(std::string_view name) const;
};

// A connection that leaves HTTP.
struct TakenOver {
  Descriptor socket;  // non-blocking, no longer in the loop
  PeerAddress peer;
  std::string early_bytes;  // what the client has sent after its request
  // The response's head, which is left to whoever takes over: so he can do what has to be done
  // before the client knows. The socket's queue is empty, and takes it. Empty, if the queue was
  // not: then the head has gone into it.
  std::string head;
};

struct HttpResponse;
// Takes the response to a request, once; more are ignored, and so is one for a client that has
// gone.
using HttpReply = std::function<void(HttpResponse)>;

struct HttpResponse {
  int status = 200;
  // Content-Length, Connection, Date and Server are the server's business.
  HttpFields fields;
  std::string body;

  // When set, there is no body from here: the socket is handed over, with the head or after it
  // (without Content-Length; with "Connection: close" unless the handler set Connection, as a
  // WebSocket's 101 does). Not called for HEAD, nor when the peer goes before: so a handler
  // registers nothing before this is called.
  std::function<void(TakenOver)> take_over;

  // When set, nothing else of the response counts: it is not known yet. Called with where it is to
  // go, at any later time; the connection answers nothing else meanwhile. One that takes too long
  // is answered with 503.
  std::function<void(HttpReply)> later;

  // {"error": message} with the API's fields; bytes in `message` that are not UTF-8 are replaced.
  static HttpResponse error(int status, std::string_view message);
  // A body that is JSON already, with the API's fields: not to be cached, open to all origins.
  static HttpResponse json(std::string body, int status = 200);
};

// Cache-Control, Pragma and Expires that keep an answer out of every cache, and the CORS field:
// what API answers and the stream carry.
void add_api_fields(HttpFields& fields);

// Without regard to case, ASCII only.
bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

}  // namespace eradio
