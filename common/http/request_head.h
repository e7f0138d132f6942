// The grammar of a request's head (RFC 9112, 2 to 6) as one pure function: text in, values or an
// error out. Used by RequestReader. Strict where leniency has led to request smuggling: what two
// servers could read in two ways is refused.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/http/http_message.h"

namespace eradio {

struct RequestHead {
  std::string method;     // any token (RFC 9110, 5.6.2), known or not
  std::string target;     // origin form: "/path?query", or "*" for OPTIONS
  int minor_version = 1;  // HTTP/1.0 or HTTP/1.1
  HttpFields fields;
  std::size_t content_length = 0;  // 0 when there is none
  bool expects_continue = false;

  // Whether the client wants the connection kept after the answer (RFC 9112, 9.3).
  [[nodiscard]] bool keep_alive() const;
};

struct RequestError {
  int status = 400;
  std::string text;  // for people, in the JSON body of the answer
  std::optional<std::chrono::seconds> retry_after = std::nullopt;  // RFC 9110, 10.2.3
  bool operator==(const RequestError&) const = default;
};

using ParsedHead = std::variant<RequestHead, RequestError>;

// `text`: from the method to the last field's CRLF, without the empty line.
ParsedHead parse_request_head(std::string_view text);

}  // namespace eradio
