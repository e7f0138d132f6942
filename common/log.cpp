#include "common/log.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <memory>

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "common/check.h"

namespace eradio {
namespace {

struct LevelName {
  std::string_view name;
  LogLevel level;
};

constexpr std::array level_names{
    LevelName{"error", LogLevel::error}, LevelName{"warning", LogLevel::warning},
    LevelName{"info", LogLevel::info},   LevelName{"debug", LogLevel::debug},
    LevelName{"trace", LogLevel::trace}, LevelName{"off", LogLevel::off},
};

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return spdlog::level::trace;
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::off:
      break;
  }
  return spdlog::level::off;
}

// Whole lines to standard error, and none at all while nobody takes them: a pipe that is not read
// must not stop the stream. What was dropped is counted and said with the next line that goes out.
class UnblockedStderr final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 private:
  // pipe(7): so much is written in one piece, and POLLOUT promises room for it.
  static constexpr std::size_t line_bytes_max = 4096;

  void sink_it_(const spdlog::details::log_msg& message) override {
    pollfd wait_for{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (::poll(&wait_for, 1, 0) != 1) {
      ++dropped_;
      return;
    }
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (dropped_ > 0) {
      line.resize(line.size() - 1);
      fmt::format_to(std::back_inserter(line),
                     " ({} lines before it were dropped: nobody read them)\n",
                     std::exchange(dropped_, 0));
    }
    if (line.size() > line_bytes_max) {
      line.resize(line_bytes_max);
      line[line_bytes_max - 1] = '\n';
    }
    // A log that cannot be written has nowhere to say so.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  }
  void flush_() override {}

  std::uint64_t dropped_ = 0;
};

// Bytes of the UTF-8 character at the front of `text` (RFC 3629), 0 if there is none.
std::size_t utf8_character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto in = [&](std::size_t i, unsigned low, unsigned high) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first >= 0x20 && first < 0x7f) {
    return 1;
  }
  if (first >= 0xc2 && first <= 0xdf) {
    // U+0080..U+009F are control characters too.
    return in(1, first == 0xc2 ? 0xa0 : 0x80, 0xbf) ? 2 : 0;
  }
  if (first >= 0xe0 && first <= 0xef) {
    const bool second =
        in(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);  // no surrogates
    return second && in(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool second = in(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
    return second && in(2, 0x80, 0xbf) && in(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

}  // namespace

void set_up_log(const std::string& process_name, std::string_view level) {
  auto logger = std::make_shared<spdlog::logger>(process_name, std::make_shared<UnblockedStderr>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l [%n] %v");
  if (const auto known = log_level_of(level)) {
    logger->set_level(level_of(*known));
  }
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

std::optional<LogLevel> log_level_of(std::string_view name) {
  for (const LevelName& known : level_names) {
    if (known.name == name) {
      return known.level;
    }
  }
  return std::nullopt;
}

std::string_view name_of(LogLevel level) {
  for (const LevelName& known : level_names) {
    if (known.level == level) {
      return known.name;
    }
  }
  return "off";
}

bool is_log_level(std::string_view level) { return log_level_of(level).has_value(); }

void set_log_level(LogLevel level) { spdlog::default_logger_raw()->set_level(level_of(level)); }

bool log::is_on(LogLevel level) { return spdlog::should_log(level_of(level)); }

void log::write_formatted(LogLevel level, fmt::string_view format, fmt::format_args arguments) {
  const std::string text = fmt::vformat(format, arguments);
  spdlog::default_logger_raw()->log(level_of(level), spdlog::string_view_t(text));
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t bytes = first < 0x80 ? 1 : utf8_character_bytes(text);
    if (bytes == 0) {
      return false;
    }
    text.remove_prefix(bytes);
  }
  return true;
}

std::string printable(std::string_view text, std::size_t bytes_max) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    if (out.size() >= bytes_max) {
      out += "… (" + std::to_string(text.size()) + " bytes more)";
      break;
    }
    const std::size_t bytes = utf8_character_bytes(text);
    if (bytes > 0) {
      out += text.substr(0, bytes);
      text.remove_prefix(bytes);
    } else {
      const auto byte = static_cast<unsigned char>(text.front());
      out += {'\\', 'x', hex[byte >> 4U], hex[byte & 0xfU]};
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace eradio
