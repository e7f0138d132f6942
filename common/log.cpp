#include "common/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <syslog.h>

#include "common/clock.h"
#include "common/descriptor.h"
#include "common/log_gate.h"
#include "common/system_error.h"

namespace eradio {
namespace {

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

// Whether standard error is the journal, or was when the service manager started the server.
bool journal_reads() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  return stream != nullptr && ::fstat(STDERR_FILENO, &status) == 0 &&
         fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

// syslog(3)
int priority_of(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return LOG_ERR;
    case LogLevel::warning:
      return LOG_WARNING;
    case LogLevel::info:
      return LOG_INFO;
    case LogLevel::debug:
    case LogLevel::trace:
    case LogLevel::off:
      break;
  }
  return LOG_DEBUG;
}

// Whole lines to standard error, and none at all while nobody takes them: a pipe that is not read
// must not stop the stream. What was dropped is counted and said before the next line that goes
// out.
class UnblockedStderr final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  [[nodiscard]] std::uint64_t take_dropped() { return std::exchange(dropped_, 0); }
  // POLLOUT promises room for PIPE_BUF bytes.
  [[nodiscard]] static bool is_taken() {
    pollfd wait_for{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    return ::poll(&wait_for, 1, 0) == 1;
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    // A log that cannot be written has nowhere to say so.
    if (!is_taken() || ::write(STDERR_FILENO, message.payload.data(), message.payload.size()) < 0) {
      ++dropped_;
    }
  }
  void flush_() override {}

  std::uint64_t dropped_ = 0;
};

struct Log {
  std::shared_ptr<UnblockedStderr> sink = std::make_shared<UnblockedStderr>();
  std::string process = "eradio";
  LogFormat format = LogFormat::logfmt;
  bool for_journal = journal_reads();
  LogGate gate;
};

Log& the_log() {
  static Log log;
  return log;
}

void write_line(LogLevel level, std::string_view message, std::span<const LogField> fields) {
  const Log& log = the_log();
  std::string line = log_line(
      log.format,
      {.time = log.for_journal ? std::nullopt : std::optional(std::chrono::system_clock::now()),
       .level = level,
       .process = log.process,
       .message = message,
       .fields = fields});
  if (log.for_journal) {
    line.insert(0, fmt::format("<{}>", priority_of(level)));
  }
  spdlog::default_logger_raw()->log(level_of(level), spdlog::string_view_t(line));
}

void write_admitted(LogLevel level, std::string_view message, std::span<const LogField> fields) {
  UnblockedStderr& sink = *the_log().sink;
  if (UnblockedStderr::is_taken()) {
    if (const std::uint64_t dropped = sink.take_dropped(); dropped > 0) {
      const LogField count("lines", dropped);
      write_line(LogLevel::warning, "lines were dropped here, since nobody read them", {&count, 1});
    }
  }
  write_line(level, message, fields);
}

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

void set_up_log(const std::string& process_name, std::string_view level, LogFormat format) {
  the_log().process = process_name;
  the_log().format = format;
  auto logger = std::make_shared<spdlog::logger>(process_name, the_log().sink);
  if (const auto known = log_level_of(level)) {
    logger->set_level(level_of(*known));
  }
  spdlog::set_default_logger(std::move(logger));
}

void set_log_level(LogLevel level) { spdlog::default_logger_raw()->set_level(level_of(level)); }

void set_log_format(LogFormat format) { the_log().format = format; }

void log_to_file(const std::filesystem::path& path) {
  constexpr mode_t mode = 0640;
  // O_NONBLOCK: to open a pipe would wait for its reader, and the stream with it.
  const Descriptor file(::open(
      path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode));
  if (!file) {
    throw_system_error(path.string() + (errno == ENXIO ? ", a pipe that nobody reads" : ""));
  }
  log_to_file(file.number());
}

void log_to_file(int descriptor) {
  // dup2() could do it as well, but is not what workers may call on every machine.
  if (descriptor != STDERR_FILENO) {
    check_syscall(::dup3(descriptor, STDERR_FILENO, 0), "dup3");
  }
  the_log().for_journal = false;
}

bool log::is_on(LogLevel level) { return spdlog::should_log(level_of(level)); }

void log::write_formatted(LogLevel level, const char* kind, fmt::format_args arguments) {
  if (the_log().gate.admit(kind, level, monotonic_ns())) {
    write_admitted(level, fmt::vformat(kind, arguments), {});
  }
}

void log::event(LogLevel level, const char* message, std::initializer_list<LogField> fields) {
  if (is_on(level) && the_log().gate.admit(message, level, monotonic_ns())) {
    write_admitted(level, message, {fields.begin(), fields.size()});
  }
}

void log::say_what_was_left_out(bool all) {
  the_log().gate.tell_left_out(
      monotonic_ns(), all, [](std::string_view kind, LogLevel level, std::uint64_t events) {
        const std::array fields{LogField("like", kind), LogField("events", events)};
        write_admitted(level, "more events of a kind were left out", fields);
      });
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
