// Runs one request through cpp-httplib without its threads and sockets: Server::process_request()
// over a stream in memory reads the request line, takes path and query apart and decodes them,
// calls the handler, catches its exceptions, and writes the answer. Used by HttpServer only, and
// the only place that knows cpp-httplib.
//
// Some of what the packaged 0.11.4 does must not be reached with bytes from outside, so it gets the
// request line that RequestReader has checked, and no more: it percent-decodes field values, so
// that
// "%0d%0a" gets past any check; matches Range with a recursive std::regex and answers overlapping
// ranges in full; inflates request bodies without a limit and answers with brotli at full strength;
// reads files into memory whole, through links out of the directory too.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/http/http_message.h"

namespace eradio {

class HttplibEngine {
 public:
  // What cpp-httplib has read out of the target.
  struct Target {
    std::string path;  // decoded
    QueryParameters query;
  };
  struct Exchange {
    std::string method = "GET";                          // one that cpp-httplib knows
    std::string target = "/";                            // as RequestReader accepts it
    std::function<HttpResponse(const Target&)> respond;  // may throw
    // Sees the response last, whether `respond` made it or an exception did: completes its fields.
    std::function<void(HttpResponse&)> complete;
  };
  struct Result {
    bool was_read = false;  // always true for callers
    std::string bytes;
    HttpResponse response;  // as it was sent, but for the body
  };

  HttplibEngine();
  ~HttplibEngine();
  HttplibEngine(const HttplibEngine&) = delete;
  HttplibEngine& operator=(const HttplibEngine&) = delete;

  // An exception of `respond` is logged and becomes a 500. Throws only when memory runs out.
  [[nodiscard]] Result run(const Exchange& exchange);

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace eradio
