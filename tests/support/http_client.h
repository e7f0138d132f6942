// A blocking HTTP client that sends exactly the bytes a test wants, for requests no proper client
// would make. Every call is bounded in time.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/descriptor.h"
#include "tests/support/endpoint.h"
#include "tests/support/patience.h"

namespace eradio::testing {

struct HttpReply {
  int status = 0;
  // Names in lower case; the values of a repeated one are joined by ", ".
  std::map<std::string, std::string> fields;
  std::string body;
  std::string head;  // as it came

  [[nodiscard]] std::string field(const std::string& name) const;
};

// Parses what stands before the empty line; nothing when it is no response head of that version.
std::optional<HttpReply> parse_reply_head(std::string_view head,
                                          std::string_view version = "HTTP/1.1");

class HttpClient {
 public:
  // Connects; throws std::system_error or std::runtime_error when that fails.
  explicit HttpClient(const Endpoint& endpoint, const SocketOptions& options = {});

  // False when the server has closed the connection.
  bool send(std::string_view bytes);
  // A GET, or another method, with Host and nothing else.
  bool request(const std::string& target, const std::string& method = "GET",
               const std::string& more_fields = "");
  // We will send no more.
  void finish_sending();

  // The head of the next reply, and its body as long as Content-Length says (`head_only`: without
  // one). Nothing when there is none in time or the connection ends within it.
  std::optional<HttpReply> read_reply(bool head_only = false,
                                      std::chrono::milliseconds limit = patience);
  // At least `bytes` of what comes next, fewer if the connection ends or the time is over.
  std::string read_bytes(std::size_t bytes, std::chrono::milliseconds limit = patience);
  // True when the server closes (or resets) the connection; what comes before that is dropped.
  bool read_to_end(std::chrono::milliseconds limit = patience);

  // Whether the server's end of the stream, or of the connection, has been read.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  [[nodiscard]] int descriptor() const noexcept { return socket_.number(); }

 private:
  // More bytes into buffer_; false at the end of the stream, or of the time.
  bool receive(std::int64_t deadline_ns);
  bool wait_for(short events, std::int64_t deadline_ns) const;

  Descriptor socket_;
  std::string buffer_;
  bool ended_ = false;
};

// One request on a connection of its own.
std::optional<HttpReply> fetch(const Endpoint& endpoint, const std::string& target,
                               const std::string& method = "GET",
                               const std::string& more_fields = "");

}  // namespace eradio::testing
