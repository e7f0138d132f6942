// Answers requests: exact routes to handlers, and static files below a directory. One request in,
// the bytes of one answer out; the worker and the master each own one. It never touches a socket,
// never blocks but for reading a file, and no exception of a handler ever leaves it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/descriptor.h"
#include "common/http/http_message.h"
#include "common/http/httplib_engine.h"
#include "common/http/peer_address.h"
#include "common/http/request_reader.h"
#include "common/http/static_files.h"

namespace eradio {

// The part of an open file that is to follow an answer's bytes. Sent in pieces as the client takes
// them, so that a slow client of a large file costs a descriptor and not the file's size in memory.
struct FileSlice {
  Descriptor file;
  std::uint64_t offset = 0;  // bytes
  std::uint64_t length = 0;  // bytes; 0: there is no file
};

// What goes to the client.
struct HttpAnswer {
  int status = 0;
  std::string bytes;  // head, and the body if there is no file
  FileSlice file;     // the body, when it is a file
  bool keep_alive = false;
  // Set: call it with `bytes`, or once they are in the kernel.
  std::function<void(TakenOver)> take_over;
  // Set: nothing else is, there is no answer yet. Called with where the answer is to go.
  std::function<void(std::function<void(HttpAnswer)>)> later;
};

class HttpServer {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  HttpServer() = default;
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // `path` is compared with the decoded path, byte by byte. A GET route answers HEAD too: its
  // handler runs, the body is left out. A later route for the same method and path replaces it.
  void route(const std::string& method, const std::string& path, Handler handler);

  // Serves regular, not hidden files below `directory` to GET and HEAD, with these fields beside
  // their own; "/" is index.html. Throws std::system_error when it is no directory.
  void serve_files(const std::filesystem::path& directory, HttpFields fields = {},
                   StaticFiles::Reach reach = StaticFiles::Reach::any_file);

  // For what pages of this server's own origin alone may read: no answer is open to others, and
  // OPTIONS, with which they would ask, is not allowed. `is_own_host` is given the Host field
  // without its port; a request that it does not know gets 421: where a name of somebody else's
  // leads to this server (DNS rebinding), browsers take his page for one of ours.
  void keep_to_own_origin(std::function<bool(std::string_view)> is_own_host);

  // Asked at each request: whether its connection may stay when it is answered, or is closed, since
  // others wait for its descriptor.
  void keep_connections_while(std::function<bool()> there_is_room);

  // Never throws.
  [[nodiscard]] HttpAnswer answer(ReceivedRequest request, const PeerAddress& peer);
  // The answer to what is no request, or came too late: JSON error, connection closed after it.
  [[nodiscard]] HttpAnswer refuse(const RequestError& error);

 private:
  using Methods = std::map<std::string, Handler, std::less<>>;

  // One request on its way to an answer.
  struct Exchange;

  HttpResponse respond(Exchange& exchange) const;
  HttpResponse serve_file(Exchange& exchange, OpenFile file) const;
  HttpResponse answer_options(const HttpRequest& request) const;
  HttpResponse refuse_method(const HttpRequest& request) const;
  // The value of Allow; empty for a path that nothing is known about.
  [[nodiscard]] std::string allowed_methods(const HttpRequest& request) const;
  [[nodiscard]] bool is_for_another_host(const HttpRequest& request) const;
  // Sets exchange.late_response, and the answer counts for nothing, when its handler answers later.
  HttpAnswer run(Exchange& exchange);
  HttpAnswer answer_later(std::shared_ptr<Exchange> exchange);

  std::map<std::string, Methods, std::less<>> routes_;  // by path
  std::optional<StaticFiles> files_;
  HttpFields file_fields_;                             // sent with each of them
  std::function<bool(std::string_view)> is_own_host_;  // set: for its own origin alone
  std::function<bool()> there_is_room_;                // not set: always
  HttplibEngine engine_;
};

}  // namespace eradio
