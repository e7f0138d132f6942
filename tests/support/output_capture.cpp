#include "tests/support/output_capture.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/system_error.h"

namespace eradio::testing {
namespace {

// Where `part` stands for the `times`th time, npos if it does not.
std::size_t find_nth(const std::string& text, const std::string& part, std::size_t times) {
  std::size_t at = text.find(part);
  for (std::size_t i = 1; i < times && at != std::string::npos; ++i) {
    at = text.find(part, at + 1);
  }
  return at;
}

}  // namespace

OutputCapture::OutputCapture() : stop_(make_wakeup()) {
  std::array<int, 2> ends{};
  check_syscall(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  read_end_ = Descriptor(ends[0]);
  write_end_ = Descriptor(ends[1]);
  thread_ = std::thread([this] { collect(); });
}

OutputCapture::~OutputCapture() {
  wake(stop_.number());
  thread_.join();
}

void OutputCapture::collect() {
  std::array<char, 65536> buffer{};
  for (;;) {
    std::array<pollfd, 2> wait_for{pollfd{.fd = read_end_.number(), .events = POLLIN, .revents = 0},
                                   pollfd{.fd = stop_.number(), .events = POLLIN, .revents = 0}};
    ::poll(wait_for.data(), wait_for.size(), -1);
    if (wait_for[1].revents != 0) {
      return;
    }
    const ssize_t got = ::read(read_end_.number(), buffer.data(), buffer.size());
    const std::lock_guard lock(mutex_);
    if (got > 0) {
      text_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    ended_ = got == 0;
    changed_.notify_all();
    if (ended_) {
      return;
    }
  }
}

std::string OutputCapture::text() const {
  const std::lock_guard lock(mutex_);
  return text_;
}

std::size_t OutputCapture::count(const std::string& part) const {
  const std::string all = text();
  std::size_t found = 0;
  for (auto at = all.find(part); at != std::string::npos; at = all.find(part, at + 1)) {
    ++found;
  }
  return found;
}

std::optional<std::string> OutputCapture::wait_for(const std::string& part,
                                                   std::chrono::milliseconds limit,
                                                   std::size_t times) const {
  std::unique_lock lock(mutex_);
  std::size_t at = std::string::npos;
  std::size_t line_end = std::string::npos;
  changed_.wait_for(lock, limit, [&] {
    at = find_nth(text_, part, times);
    line_end = at == std::string::npos ? at : text_.find('\n', at);
    return line_end != std::string::npos || ended_;
  });
  if (at == std::string::npos) {
    return std::nullopt;
  }
  const auto before = text_.rfind('\n', at);
  const std::size_t line_begin = before == std::string::npos ? 0 : before + 1;
  return text_.substr(line_begin, std::min(line_end, text_.size()) - line_begin);
}

bool OutputCapture::wait_for_end(std::chrono::milliseconds limit) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return ended_; });
}

}  // namespace eradio::testing
