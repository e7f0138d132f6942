#include "worker/listener_id.h"

#include <sys/random.h>

#include <charconv>

#include "common/system_error.h"
#include "common/worker_protocol.h"

namespace eradio {

std::optional<std::uint64_t> parse_listener_id(std::string_view text) {
  std::uint64_t id = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, id);
  if (text.empty() || error != std::errc{} || rest != end || id > listener_id_max) {
    return std::nullopt;
  }
  return id;
}

std::optional<std::uint64_t> listener_id_of(const HttpRequest& request) {
  const auto text = request.parameter("listener_id");
  if (!text || request.is_repeated("listener_id")) {
    return std::nullopt;
  }
  return parse_listener_id(*text);
}

std::uint64_t random_listener_id() {
  std::uint64_t id = 0;
  check_syscall(::getrandom(&id, sizeof id, 0), "getrandom");
  return id & listener_id_max;
}

}  // namespace eradio
