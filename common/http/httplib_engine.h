// Runs one exchange through cpp-httplib without its threads and sockets: Server::process_request()
// over a stream in memory. Used by HttpServer only, and the only place that knows cpp-httplib.
//
// Request bytes never get to cpp-httplib. The packaged 0.11.4 percent-decodes field values, so that
// "%0d%0a" gets past any check; drops repeated query parameters; matches Range with a recursive
// std::regex and answers overlapping ranges in full; inflates request bodies without a limit and
// answers with brotli at full strength; and throws on files that it cannot read. RequestReader has
// read the request already, so what is left for cpp-httplib is what it does well: calling the
// handler, catching its exceptions, writing the answer.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/http/http_message.h"

namespace eradio {

class HttplibEngine {
 public:
  struct Exchange {
    bool head_only = false;                 // the request was HEAD
    std::function<HttpResponse()> respond;  // may throw
    // Sees the response last, whether `respond` made it or an exception did: completes its fields.
    std::function<void(HttpResponse&)> complete;
  };
  struct Result {
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
