#include "common/http/httplib_engine.h"

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

#include <httplib.h>
#include <spdlog/spdlog.h>

#include "common/log.h"

namespace eradio {
namespace {

// Reads from a string, writes to another.
class MemoryStream final : public httplib::Stream {
 public:
  explicit MemoryStream(std::string_view input) : input_(input) {}

  [[nodiscard]] bool is_readable() const override { return true; }
  [[nodiscard]] bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t copied = input_.copy(to, size);
    input_.remove_prefix(copied);
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
  std::string_view input_;
  std::string output_;
};

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
    set_pre_routing_handler([this](const httplib::Request&, httplib::Response& to) {
      response_ = exchange_->respond();
      take_over_response(to);
      return HandlerResponse::Handled;
    });
    set_exception_handler(
        [this](const httplib::Request&, httplib::Response& to, const std::exception_ptr& thrown) {
          spdlog::error("a request's handler failed: {}", describe(thrown));
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
    response_ = HttpResponse::error(500, "internal error");
    MemoryStream stream(exchange.head_only ? "HEAD / HTTP/1.1\r\n\r\n" : "GET / HTTP/1.1\r\n\r\n");
    bool closed = false;
    process_request(stream, false, closed, nullptr);
    exchange_ = nullptr;
    return {stream.take_output(), std::move(response_)};
  }

 private:
  void take_over_response(httplib::Response& to) {
    exchange_->complete(response_);
    to.status = response_.status;
    to.body = std::move(response_.body);
  }

  const Exchange* exchange_ = nullptr;  // while run_exchange() runs
  HttpResponse response_;
};

HttplibEngine::HttplibEngine() : server_(std::make_unique<Server>()) {}
HttplibEngine::~HttplibEngine() = default;

HttplibEngine::Result HttplibEngine::run(const Exchange& exchange) {
  return server_->run_exchange(exchange);
}

}  // namespace eradio
