#include "common/http/httplib_engine.h"

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

#include <httplib.h>

#include "common/log.h"

namespace eradio {
namespace {

// Reads from a string, writes to another.
class MemoryStream final : public httplib::Stream {
 public:
  explicit MemoryStream(std::string input) : text_(std::move(input)) {}

  [[nodiscard]] bool is_readable() const override { return true; }
  [[nodiscard]] bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t copied = text_.copy(to, size, read_);
    read_ += copied;
    return static_cast<ssize_t>(copied);
  }
  ssize_t write(const char* from, std::size_t size) override {
    output_.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
  void get_local_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
  // Must be below FD_SETSIZE, or process_request() answers 500.
  [[nodiscard]] socket_t socket() const override { return 0; }

  [[nodiscard]] std::string take_output() { return std::move(output_); }

 private:
  std::string text_;
  std::size_t read_ = 0;
  std::string output_;
};

// The target as cpp-httplib 0.11.4 must see it: there only the first '=' of a parameter and the
// first
// '?' of a target may stand for themselves (the grammar, RFC 3986, 3.4, allows them anywhere).
std::string plain_target(std::string_view target) {
  const auto query_begin = std::min(target.find('?'), target.size());
  std::string plain(target.substr(0, query_begin));
  bool in_value = false;
  for (std::size_t at = query_begin; at < target.size(); ++at) {
    const char c = target[at];
    if (c == '=' && in_value) {
      plain += "%3D";
    } else if (c == '?' && at > query_begin) {
      plain += "%3F";
    } else {
      plain += c;
    }
    in_value = c != '&' && (in_value || c == '=');
  }
  return plain;
}

std::string describe(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    return printable(error.what());
  } catch (...) {
    return "an exception of an unknown type";
  }
}

}  // namespace

class HttplibEngine::Server final : public httplib::Server {
 public:
  Server() {
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& to) {
      was_read_ = true;
      response_ = exchange_->respond(
          {.path = request.path, .query = {request.params.begin(), request.params.end()}});
      take_over_response(to);
      return HandlerResponse::Handled;
    });
    set_exception_handler(
        [this](const httplib::Request&, httplib::Response& to, const std::exception_ptr& thrown) {
          log::error("a request's handler failed: {}", describe(thrown));
          response_ = HttpResponse::error(500, "internal error");
          take_over_response(to);
        });
    set_post_routing_handler([this](const httplib::Request&, httplib::Response& to) {
      // cpp-httplib adds Keep-Alive, Accept-Ranges and a Content-Length of its own: all replaced.
      to.headers.clear();
      for (const auto& [name, value] : response_.fields) {
        to.headers.emplace(name, value);
      }
    });
  }

  Result run_exchange(const Exchange& exchange) {
    exchange_ = &exchange;
    was_read_ = false;
    MemoryStream stream(exchange.method + ' ' + plain_target(exchange.target) +
                        " HTTP/1.1\r\n\r\n");
    bool closed = false;
    process_request(stream, false, closed, nullptr);
    exchange_ = nullptr;
    return {was_read_, stream.take_output(), std::move(response_)};
  }

 private:
  void take_over_response(httplib::Response& to) {
    exchange_->complete(response_);
    to.status = response_.status;
    to.body = std::move(response_.body);
  }

  const Exchange* exchange_ = nullptr;  // while run_exchange() runs
  bool was_read_ = false;               // cpp-httplib has understood the request line
  HttpResponse response_;
};

HttplibEngine::HttplibEngine() : server_(std::make_unique<Server>()) {}
HttplibEngine::~HttplibEngine() = default;

HttplibEngine::Result HttplibEngine::run(const Exchange& exchange) {
  Result result = server_->run_exchange(exchange);
  if (!result.was_read) {  // its limits are narrower than ours in rare cases: "%3D" takes room
    Exchange refusal = exchange;
    refusal.target = "/";
    refusal.respond = [](const Target&) {
      return HttpResponse::error(414, "the request target is too long");
    };
    result = server_->run_exchange(refusal);
  }
  return result;
}

}  // namespace eradio
