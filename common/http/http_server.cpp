#include "common/http/http_server.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "common/http/byte_range.h"
#include "common/http/http_date.h"
#include "common/log.h"
#include "common/version.h"

namespace eradio {
namespace {

// RFC 9110, 9.1 and RFC 5789: what another server might do, and this one knows that it does not.
constexpr std::array<std::string_view, 8> known_methods{"GET",    "HEAD",    "POST",  "PUT",
                                                        "DELETE", "OPTIONS", "TRACE", "PATCH"};

bool is_known(std::string_view method) {
  return std::find(known_methods.begin(), known_methods.end(), method) != known_methods.end();
}

// RFC 9110, 8.6 and RFC 9112, 6.3: these never have a body, and no Content-Length.
bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

// What a client could have put a line break into must not become another header field.
bool is_clean(const HttpFields::Field& field) {
  constexpr std::string_view line_breaks("\r\n\0", 3);
  return !field.first.empty() && field.first.find_first_of(line_breaks) == std::string::npos &&
         field.second.find_first_of(line_breaks) == std::string::npos;
}

HttpFields clean_fields(const HttpFields& fields) {
  HttpFields clean;
  for (const auto& field : fields) {
    if (is_clean(field)) {
      clean.add(field.first, field.second);
    } else {
      log::error("left out a header field of an answer: a line break in it");
    }
  }
  return clean;
}

// '/' and NUL are never part of a file's or route's name, and ".." has no business in a target:
// clients resolve it themselves (RFC 3986, 5.2.4).
bool is_harmless(std::string_view target, std::string_view decoded_path) {
  const std::string_view encoded_path = target.substr(0, target.find('?'));
  return encoded_path.find("%2f") == std::string_view::npos &&
         encoded_path.find("%2F") == std::string_view::npos &&
         decoded_path.find('\0') == std::string_view::npos &&
         decoded_path.find("/../") == std::string_view::npos && !decoded_path.ends_with("/..");
}

void close_to_other_origins(HttpFields& fields) {
  for (const char* name : {"Access-Control-Allow-Origin", "Access-Control-Expose-Headers"}) {
    fields.erase(name);
  }
  fields.set("Cross-Origin-Resource-Policy", "same-origin");
}

// "example.org" of "example.org:80", "[::1]" of "[::1]:80".
std::string_view without_port(std::string_view host) {
  const auto colon = host.rfind(':');
  return colon == std::string_view::npos || host.ends_with(']') ? host : host.substr(0, colon);
}

}  // namespace

struct HttpServer::Exchange {
  HttpRequest request;
  std::optional<RequestError> refusal;
  std::optional<HttpResponse> late_response;  // what its handler has come up with later
  bool keep_alive = false;
  int minor_version = 1;
  FileSlice file;

  static Exchange from(ReceivedRequest received, const PeerAddress& peer);
  // Everything about a response's fields that is not its handler's business.
  void complete(HttpResponse& response);
};

HttpServer::Exchange HttpServer::Exchange::from(ReceivedRequest received, const PeerAddress& peer) {
  Exchange exchange;
  exchange.keep_alive = received.head.keep_alive();
  exchange.minor_version = received.head.minor_version;
  auto& request = exchange.request;
  request.method = std::move(received.head.method);
  request.minor_version = received.head.minor_version;
  request.target = std::move(received.head.target);
  request.fields = std::move(received.head.fields);
  request.body = std::move(received.body);
  request.peer = peer;
  return exchange;
}

void HttpServer::Exchange::complete(HttpResponse& response) {
  if (response.status >= 400 && response.body.empty()) {  // its handler gave no reason
    auto error = HttpResponse::error(response.status, "the request failed");
    response.body = std::move(error.body);
    for (const auto& [name, value] : error.fields) {
      response.fields.set(name, value);
    }
  }
  HttpFields fields = clean_fields(response.fields);
  fields.set("Server", "eradio/" ERADIO_VERSION);
  fields.set("Date", format_http_date(std::time(nullptr)));
  fields.set("X-Content-Type-Options", "nosniff");
  if (fields.count("Retry-After") > 0) {  // pages of other origins are to heed it, too
    fields.set("Access-Control-Expose-Headers", "Retry-After");
  }
  if (response.take_over) {
    response.body.clear();
    keep_alive = false;
    fields.erase("Content-Length");
    if (fields.count("Connection") == 0) {
      fields.set("Connection", "close");
    }
  } else {
    const auto length = file.length > 0 ? file.length : response.body.size();
    if (has_no_body(response.status)) {
      response.body.clear();
    } else {
      fields.set("Content-Length", std::to_string(length));
    }
    fields.erase("Connection");
    std::string connection;
    if (!keep_alive) {
      connection = "close";
    } else if (minor_version == 0) {  // RFC 9112, C.2.2: it has to be said
      connection = "keep-alive";
    }
    if (fields.count("Upgrade") > 0) {  // RFC 9110, 7.8: it must be said with Upgrade
      connection += connection.empty() ? "Upgrade" : ", Upgrade";
    }
    if (!connection.empty()) {
      fields.set("Connection", connection);
    }
  }
  response.fields = std::move(fields);
}

void HttpServer::route(const std::string& method, const std::string& path, Handler handler) {
  routes_[path].insert_or_assign(method, std::move(handler));
}

void HttpServer::serve_files(const std::filesystem::path& directory, HttpFields fields,
                             StaticFiles::Reach reach) {
  files_.emplace(directory, reach);
  file_fields_ = std::move(fields);
}

void HttpServer::keep_to_own_origin(std::function<bool(std::string_view)> is_own_host) {
  is_own_host_ = std::move(is_own_host);
}

void HttpServer::keep_connections_while(std::function<bool()> there_is_room) {
  there_is_room_ = std::move(there_is_room);
}

HttpAnswer HttpServer::answer(ReceivedRequest request, const PeerAddress& peer) {
  try {
    auto exchange = std::make_shared<Exchange>(Exchange::from(std::move(request), peer));
    exchange->keep_alive = exchange->keep_alive && (!there_is_room_ || there_is_room_());
    HttpAnswer answer = run(*exchange);
    return exchange->late_response ? answer_later(std::move(exchange)) : std::move(answer);
  } catch (const std::exception& error) {  // memory has run out, in all likelihood
    log::error("a request could not be answered: {}", error.what());
    return {};
  }
}

HttpAnswer HttpServer::answer_later(std::shared_ptr<Exchange> exchange) {
  HttpAnswer answer;
  answer.later = [this, exchange = std::move(exchange)](std::function<void(HttpAnswer)> take) {
    auto later = std::move(exchange->late_response->later);
    later([this, exchange, take = std::move(take)](HttpResponse response) {
      try {
        response.later = {};
        exchange->late_response = std::move(response);
        take(run(*exchange));
      } catch (const std::exception& error) {
        log::error("a request could not be answered: {}", error.what());
        take({});
      }
    });
  };
  return answer;
}

HttpAnswer HttpServer::refuse(const RequestError& error) {
  try {
    Exchange exchange;
    exchange.request.method = "GET";
    exchange.refusal = error;
    return run(exchange);
  } catch (const std::exception& failure) {
    log::error("a request could not be refused: {}", failure.what());
    return {};
  }
}

HttpAnswer HttpServer::run(Exchange& exchange) {
  HttplibEngine::Exchange steps;
  if (!exchange.refusal) {
    if (is_known(exchange.request.method)) {
      steps.method = exchange.request.method;
    }
    steps.target = exchange.request.target;
  }
  steps.respond = [&](const HttplibEngine::Target& target) {
    exchange.request.path = target.path;
    exchange.request.query = target.query;
    return respond(exchange);
  };
  steps.complete = [&](HttpResponse& response) {
    exchange.complete(response);
    if (is_own_host_) {
      close_to_other_origins(response.fields);
    }
  };
  auto result = engine_.run(steps);

  HttpAnswer answer;
  if (result.response.later) {
    exchange.late_response = std::move(result.response);
    return answer;
  }
  answer.status = result.response.status;
  answer.bytes = std::move(result.bytes);
  answer.keep_alive = exchange.keep_alive;
  if (exchange.request.method != "HEAD") {
    answer.file = std::move(exchange.file);
    answer.take_over = std::move(result.response.take_over);
  }
  return answer;
}

HttpResponse HttpServer::respond(Exchange& exchange) const {
  const HttpRequest& request = exchange.request;
  if (exchange.late_response) {
    return *std::exchange(exchange.late_response, std::nullopt);
  }
  if (exchange.refusal) {
    auto response = HttpResponse::error(exchange.refusal->status, exchange.refusal->text);
    if (exchange.refusal->retry_after) {
      response.fields.set("Retry-After", std::to_string(exchange.refusal->retry_after->count()));
    }
    return response;
  }
  if (!is_harmless(request.target, request.path)) {
    return HttpResponse::error(400, "malformed request target");
  }
  if (is_for_another_host(request)) {
    return HttpResponse::error(421, "this server is not known by that name");
  }
  if (request.method == "OPTIONS" && !is_own_host_) {
    return answer_options(request);
  }
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (const auto methods = routes_.find(request.path); methods != routes_.end()) {
    const auto exact = methods->second.find(request.method);
    const auto found =
        exact == methods->second.end() && reads ? methods->second.find("GET") : exact;
    return found == methods->second.end() ? refuse_method(request) : found->second(request);
  }
  if (!reads) {
    return refuse_method(request);
  }
  auto lookup = files_ ? files_->open(request.path) : NoSuchFile{};
  if (auto* file = std::get_if<OpenFile>(&lookup)) {
    return serve_file(exchange, std::move(*file));
  }
  if (std::holds_alternative<DirectoryWithoutSlash>(lookup)) {
    auto response = HttpResponse::error(301, "this is a directory: its address ends in a slash");
    std::string location = request.target;
    location.insert(std::min(location.find('?'), location.size()), "/");
    response.fields.set("Location", std::move(location));
    return response;
  }
  return HttpResponse::error(404, "there is nothing at " + request.path);
}

HttpResponse HttpServer::serve_file(Exchange& exchange, OpenFile file) const {
  const auto decision = decide_file_part(exchange.request.fields, file);
  HttpResponse response;
  if (decision.part == FilePart::precondition_failed) {
    return HttpResponse::error(412, "the file is in another state");
  }
  if (decision.part == FilePart::unsatisfiable) {
    response = HttpResponse::error(416, "the file has no such bytes");
    response.fields.set("Content-Range", content_range(std::nullopt, file.size));
    return response;
  }
  response.fields.set("Content-Type", file.content_type);
  response.fields.set("Cache-Control", "no-cache");
  response.fields.set("Last-Modified", format_http_date(file.modified));
  response.fields.set("ETag", file.etag);
  response.fields.set("Accept-Ranges", "bytes");
  // So that a page of another origin can load the client library.
  response.fields.set("Access-Control-Allow-Origin", "*");
  for (const auto& [name, value] : file_fields_) {
    response.fields.set(name, value);
  }
  if (decision.part == FilePart::nothing_new) {
    response.status = 304;
    response.fields.erase("Content-Type");
    return response;
  }
  if (decision.part == FilePart::slice) {
    response.status = 206;
    response.fields.set("Content-Range",
                        content_range(ByteSlice{decision.offset, decision.length}, file.size));
  }
  if (decision.length > 0) {
    exchange.file = {std::move(file.file), decision.offset, decision.length};
  }
  return response;
}

std::string HttpServer::allowed_methods(const HttpRequest& request) const {
  std::string allowed;
  const auto allow = [&](const std::string& method) {
    allowed += (allowed.empty() ? "" : ", ") + method;
  };
  if (const auto methods = routes_.find(request.path); methods != routes_.end()) {
    for (const auto& [method, handler] : methods->second) {
      allow(method == "GET" ? "GET, HEAD" : method);
    }
  } else if (files_ && std::holds_alternative<OpenFile>(files_->open(request.path))) {
    allow("GET, HEAD");
  }
  if (!allowed.empty() && !is_own_host_) {
    allow("OPTIONS");
  }
  return allowed;
}

bool HttpServer::is_for_another_host(const HttpRequest& request) const {
  const auto host = request.fields.get("Host");  // HTTP/1.0 has none, and is no browser's
  return is_own_host_ && host && !is_own_host_(without_port(*host));
}

// RFC 9110, 9.3.7, and the answer to what browsers ask before a request to another origin.
HttpResponse HttpServer::answer_options(const HttpRequest& request) const {
  std::string allowed = allowed_methods(request);
  if (allowed.empty()) {  // "*", or a path that nobody knows: what there is at all
    allowed = "GET, HEAD, PUT, OPTIONS";
  }
  HttpResponse response;
  response.status = 204;
  response.fields.set("Allow", allowed);
  response.fields.set("Access-Control-Allow-Origin", "*");
  response.fields.set("Access-Control-Allow-Methods", allowed);
  response.fields.set("Access-Control-Allow-Headers", "Content-Type, Range");
  response.fields.set("Access-Control-Max-Age", "86400");
  return response;
}

// RFC 9110, 15.5.6 and 15.6.2.
HttpResponse HttpServer::refuse_method(const HttpRequest& request) const {
  if (const std::string allowed = allowed_methods(request); !allowed.empty()) {
    auto response = HttpResponse::error(405, request.method + " is not allowed here");
    response.fields.set("Allow", allowed);
    return response;
  }
  if (!is_known(request.method)) {
    return HttpResponse::error(501, "unknown method " + request.method);
  }
  return HttpResponse::error(404, "there is nothing at " + request.path);
}

}  // namespace eradio
