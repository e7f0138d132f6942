#include "common/http/request_head.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace eradio {
namespace {

using MaybeError = std::optional<RequestError>;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 9110, 5.6.2: what methods and field names are made of.
bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alpha(c) || is_digit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// RFC 3986, 3.2 without userinfo, which RFC 9110, 4.2.4 tells us to treat as an error.
bool is_authority(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_alpha(c) || is_digit(c) ||
           std::string_view("-._~!$&'()*+,;=%:[]").find(c) != std::string_view::npos;
  });
}

bool is_hex_digit(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Whether every '%' stands before two hex digits (RFC 3986, 2.1).
bool has_whole_escapes(std::string_view text) noexcept {
  for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    if (text.size() - at < 3 || !is_hex_digit(text[at + 1]) || !is_hex_digit(text[at + 2])) {
      return false;
    }
  }
  return true;
}

// Visible ASCII without '#' (a fragment is never sent: RFC 9112, 3.2), and every '%' with its two
// hex digits. More than RFC 3986 allows, since browsers send "|" and the like as they are.
bool is_target(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7f && c != '#';
  }) && has_whole_escapes(text);
}

// Splits "http://host/path" (RFC 9112, 3.2.2) into host and origin form; false when it is not of
// that form.
bool split_absolute(std::string_view target, std::string_view& host, std::string& origin_form) {
  const auto scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos ||
      (!equals_ignoring_case(target.substr(0, scheme_end), "http") &&
       !equals_ignoring_case(target.substr(0, scheme_end), "https"))) {
    return false;
  }
  target.remove_prefix(scheme_end + 3);
  const auto host_end = std::min(target.find_first_of("/?"), target.size());
  host = target.substr(0, host_end);
  const std::string_view rest = target.substr(host_end);
  origin_form = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  return !host.empty() && is_authority(host);
}

// RFC 9112, 3.2. `authority`: from an absolute-form target, which then stands above Host.
MaybeError parse_target(std::string_view text, RequestHead& head, std::string_view& authority) {
  if (head.method == "CONNECT") {
    // Closes the connection, which is right: such a client would go on with its tunnel's bytes.
    return RequestError{501, "this server is not a proxy"};
  }
  if (!is_target(text)) {
    return RequestError{400, "malformed request target"};
  }
  if (text.front() == '/' || (text == "*" && head.method == "OPTIONS")) {
    head.target = text;
    return std::nullopt;
  }
  if (!split_absolute(text, authority, head.target)) {
    return RequestError{400, "malformed request target"};
  }
  return std::nullopt;
}

// RFC 9112, 2.3.
MaybeError parse_version(std::string_view text, RequestHead& head) {
  if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' ||
      !is_digit(text[7])) {
    return RequestError{400, "malformed HTTP version"};
  }
  if (text[5] != '1' || text[7] > '1') {
    return RequestError{505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  }
  head.minor_version = text[7] - '0';
  return std::nullopt;
}

// RFC 9112, 3: exactly one space between the parts. Leniency is allowed there and refused here.
MaybeError parse_request_line(std::string_view line, RequestHead& head,
                              std::string_view& authority) {
  const auto method_end = line.find(' ');
  const auto target_end = line.rfind(' ');
  if (method_end == std::string_view::npos || target_end == method_end) {
    return RequestError{400, "malformed request line"};
  }
  head.method = line.substr(0, method_end);
  if (!is_token(head.method)) {
    return RequestError{400, "malformed method"};
  }
  // The version first: what else would be malformed may be right in another version.
  if (auto error = parse_version(line.substr(target_end + 1), head)) {
    return error;
  }
  return parse_target(line.substr(method_end + 1, target_end - method_end - 1), head, authority);
}

// RFC 9112, 5.
MaybeError parse_field(std::string_view line, RequestHead& head) {
  if (line.front() == ' ' || line.front() == '\t') {  // 5.2
    return RequestError{400, "a header field is continued on the next line"};
  }
  const auto colon = line.find(':');
  // White space before the colon is no token either (5.1).
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return RequestError{400, "malformed header field"};
  }
  std::string_view value = line.substr(colon + 1);
  const auto begin = value.find_first_not_of(" \t");
  value = begin == std::string_view::npos
              ? std::string_view{}
              : value.substr(begin, value.find_last_not_of(" \t") - begin + 1);
  head.fields.add(std::string(line.substr(0, colon)), std::string(value));
  return std::nullopt;
}

// RFC 9112, 3.2; an absolute-form target stands above the field (3.2.2).
MaybeError check_host(RequestHead& head, std::string_view authority) {
  const auto count = head.fields.count("Host");
  if (count > 1 || (count == 0 && head.minor_version == 1)) {
    return RequestError{400, "there must be exactly one Host field"};
  }
  if (count == 1 && !is_authority(*head.fields.get("Host"))) {
    return RequestError{400, "malformed Host field"};
  }
  if (!authority.empty()) {
    head.fields.set("Host", std::string(authority));
  }
  return std::nullopt;
}

// RFC 9112, 6: how long the body is. One way to say it, said once.
MaybeError parse_framing(RequestHead& head) {
  if (head.fields.count("Transfer-Encoding") > 0) {
    return RequestError{501, "Transfer-Encoding is not accepted: send a Content-Length"};
  }
  const auto count = head.fields.count("Content-Length");
  if (count == 0) {
    return std::nullopt;
  }
  const std::string_view text = *head.fields.get("Content-Length");
  if (count > 1 || text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) {
    return RequestError{400, "malformed or repeated Content-Length"};
  }
  const auto result = std::from_chars(text.data(), text.data() + text.size(), head.content_length);
  if (result.ec != std::errc{}) {  // too large for the type, so for every limit
    head.content_length = std::numeric_limits<std::size_t>::max();
  }
  return std::nullopt;
}

// RFC 9110, 10.1.1; in HTTP/1.0 the field does not exist.
MaybeError parse_expectation(RequestHead& head) {
  const auto expectation = head.fields.get("Expect");
  if (!expectation || head.minor_version == 0) {
    return std::nullopt;
  }
  if (head.fields.count("Expect") > 1 || !equals_ignoring_case(*expectation, "100-continue")) {
    return RequestError{417, "the only expectation that is met is 100-continue"};
  }
  head.expects_continue = true;
  return std::nullopt;
}

}  // namespace

bool RequestHead::keep_alive() const {
  if (fields.has_token("Connection", "close")) {
    return false;
  }
  return minor_version == 1 || fields.has_token("Connection", "keep-alive");
}

ParsedHead parse_request_head(std::string_view text) {
  RequestHead head;
  std::string_view authority;
  bool first_line = true;
  while (!text.empty()) {
    const auto end = std::min(text.find("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    const MaybeError error = first_line     ? parse_request_line(line, head, authority)
                             : line.empty() ? RequestError{400, "an empty line among the fields"}
                                            : parse_field(line, head);
    if (error) {
      return *error;
    }
    first_line = false;
  }
  for (const auto& error :
       {first_line ? MaybeError(RequestError{400, "an empty request"}) : MaybeError(),
        check_host(head, authority), parse_framing(head), parse_expectation(head)}) {
    if (error) {
      return *error;
    }
  }
  return head;
}

}  // namespace eradio
