#include "master/source_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "common/child_process.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pipe.h"
#include "common/system_error.h"

namespace eradio {

// What the source says, for the log: made printable when it is written, and not when it is one of
// a flood that is left out.
struct SourceText {
  std::string_view text;
};

}  // namespace eradio

template <>
struct fmt::formatter<eradio::SourceText> : fmt::formatter<fmt::string_view> {
  template <typename Context>
  auto format(const eradio::SourceText& said, Context& context) const {
    return fmt::formatter<fmt::string_view>::format(eradio::printable(said.text), context);
  }
};

namespace eradio {
namespace {

constexpr std::chrono::milliseconds broken_grace{5000};  // the contract, section 2
constexpr int reads_per_turn = 8;                        // then the others' turn
constexpr std::size_t error_line_bytes_max = 2000;
constexpr int pipe_bytes = 1 << 20;

LogLevel log_level(SourceLogLevel level) {
  switch (level) {
    case SourceLogLevel::error:
      return LogLevel::error;
    case SourceLogLevel::warning:
      return LogLevel::warning;
    case SourceLogLevel::info:
      return LogLevel::info;
    case SourceLogLevel::debug:
      return LogLevel::debug;
  }
  return LogLevel::debug;
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

SourceProcess::SourceProcess(EventLoop& loop, SourceOutput& output, SourceSettings settings)
    : loop_(loop),
      output_(output),
      settings_(std::move(settings)),
      respawn_(source_respawn_settings(settings_.restart_delay)) {}

SourceProcess::~SourceProcess() {
  loop_.cancel(kill_timer_);
  loop_.cancel(restart_timer_);
}

void SourceProcess::start() {
  started_ns_ = monotonic_ns();
  try {
    start_program();
  } catch (const std::system_error& error) {
    // Descriptors, memory or processes can be short for a while: the server goes on without.
    log::error("source: {}", error.what());
    if (running()) {
      signal_group(SIGKILL);  // and SIGCHLD will have it started again
    } else {
      restart_after(respawn_.on_death(std::chrono::milliseconds(0)));
    }
    return;
  }
  log::info("source: process {} runs {}", process_, settings_.command_line.front());
  if (playback_.was_playing()) {
    command(SourceCommand::play);
  }
}

void SourceProcess::start_program() {
  Pipe commands = make_pipe();
  Pipe frames = make_pipe();
  Pipe errors = make_pipe();
  // A larger pipe rides out a busy moment of ours; if the kernel refuses, the default will do.
  ::fcntl(frames.read_end.number(), F_SETPIPE_SZ, pipe_bytes);
  for (const int ours :
       {commands.write_end.number(), frames.read_end.number(), errors.read_end.number()}) {
    set_nonblocking(ours);
  }
  parser_.emplace(settings_.frame_bytes_max, static_cast<SourceFrameSink&>(*this));
  error_line_.clear();
  process_ = start_child({.arguments = settings_.command_line,
                          .environment = settings_.environment,
                          .descriptors = {{commands.read_end.number(), STDIN_FILENO},
                                          {frames.write_end.number(), STDOUT_FILENO},
                                          {errors.write_end.number(), STDERR_FILENO}},
                          .own_session = true});
  ++starts_;
  commands_ = std::move(commands.write_end);
  frames_ = std::move(frames.read_end);
  errors_ = std::move(errors.read_end);
  watch_output();
}

void SourceProcess::watch_output() {
  frames_watch_.emplace(loop_, frames_.number(), EPOLLIN, [this](std::uint32_t) { on_output(); });
  errors_watch_.emplace(loop_, errors_.number(), EPOLLIN,
                        [this](std::uint32_t) { on_error_output(false); });
}

SavedSource SourceProcess::save() const {
  SavedSource saved{.process = process_,
                    .started_ns = started_ns_,
                    .starts = starts_,
                    .commands_descriptor = commands_.number(),
                    .frames_descriptor = frames_.number(),
                    .errors_descriptor = errors_.number(),
                    .error_line = error_line_,
                    .partial_frame = {},
                    .header_holds = header_holds_,
                    .said = playback_.said(),
                    .was_playing = playback_.was_playing(),
                    .told_to_pause = told_to_pause_,
                    .last_frame_ns = last_frame_ns_,
                    .counters = counters_,
                    .now_playing = text_of(encode_now_playing(playback_.now()))};
  if (running()) {
    const SourceFramePosition& position = parser_->position();
    saved.partial_frame = text_of(position.partial);
    saved.frame_offset = position.offset;
    saved.frames = position.frames;
    saved.broken_frames = position.broken_frames;
  }
  return saved;
}

void SourceProcess::resume(const SavedSource& saved) {
  starts_ = saved.starts;
  told_to_pause_ = saved.told_to_pause;
  last_frame_ns_ = saved.last_frame_ns;
  counters_ = saved.counters;
  playback_.resume(decode_now_playing(bytes_of(saved.now_playing)).value_or(NowPlaying{}),
                   saved.said, saved.was_playing);
  if (saved.process <= 0) {
    restart_after(settings_.restart_delay);
    return;
  }
  process_ = saved.process;
  started_ns_ = saved.started_ns;
  header_holds_ = saved.header_holds;
  error_line_ = saved.error_line;
  const auto partial = bytes_of(saved.partial_frame);
  parser_.emplace(settings_.frame_bytes_max, static_cast<SourceFrameSink&>(*this),
                  SourceFramePosition{.partial = {partial.begin(), partial.end()},
                                      .offset = saved.frame_offset,
                                      .frames = saved.frames,
                                      .broken_frames = saved.broken_frames});
  commands_ = take_descriptor(saved.commands_descriptor, "the source's commands");
  frames_ = take_descriptor(saved.frames_descriptor, "the source's frames");
  errors_ = take_descriptor(saved.errors_descriptor, "the source's messages");
  watch_output();
}

SourceStatus SourceProcess::status() const {
  return {.process = process_,
          .ending = ending(),
          .restarts = starts_ > 0 ? starts_ - 1 : 0,
          .started_ns = started_ns_,
          .has_stopped = running() && playback_.said() && !playback_.now().playing,
          .told_to_pause = told_to_pause_,
          .last_frame_ns = last_frame_ns_,
          .counters = counters_};
}

bool SourceProcess::command(SourceCommand command) {
  const auto byte = static_cast<std::uint8_t>(command);
  if (!commands_ || ::write(commands_.number(), &byte, sizeof byte) != sizeof byte) {
    log::warning("source: command {} could not be delivered", static_cast<int>(byte));
    return false;
  }
  told_to_pause_ = command == SourceCommand::pause;
  return true;
}

void SourceProcess::change(SourceSettings settings) {
  const bool another = settings.command_line != settings_.command_line;
  settings_ = std::move(settings);
  respawn_ = RespawnPolicy(source_respawn_settings(settings_.restart_delay));
  if (another) {
    replace();
  }
}

void SourceProcess::replace() {
  constexpr std::chrono::milliseconds grace{2000};
  if (running()) {
    log::info("source: it is ended, since another is wanted");
    changing_ = true;
    end(grace);
  } else {
    loop_.cancel(restart_timer_);
    restart_after(std::chrono::milliseconds(0));
  }
}

void SourceProcess::stop_for_good(std::chrono::milliseconds grace) {
  for_good_ = true;
  loop_.cancel(restart_timer_);
  if (running()) {
    end(grace);
  }
}

bool SourceProcess::on_exited(pid_t process, int wait_status) {
  if (process != process_ || process_ == 0) {
    return false;
  }
  constexpr int rest_reads_max = 64;  // more than a full pipe; a child of its may go on writing
  if (frames_watch_) {
    read_output(rest_reads_max);
    parser_->finish();
  }
  on_error_output(true);
  signal_group(SIGKILL);  // whatever it has started and left behind
  loop_.cancel(kill_timer_);
  frames_watch_.reset();
  errors_watch_.reset();
  commands_.reset();
  frames_.reset();
  errors_.reset();
  process_ = 0;
  if (std::exchange(header_holds_, false)) {
    output_.frame(FrameKind::header, {});  // what comes next is another stream
  }
  publish(playback_.on_source_exit());
  output_.flush();

  const std::chrono::milliseconds lifetime{(monotonic_ns() - started_ns_) / ns_per_ms};
  const std::string ended = describe_exit(wait_status) + " after " +
                            std::to_string(lifetime.count()) + " ms, " +
                            std::to_string(parser_->frames()) + " frames and " +
                            std::to_string(parser_->broken_frames()) + " broken ones";
  if (for_good_) {
    log::info("source: {}", ended);
  } else if (std::exchange(changing_, false)) {
    log::info("source: {}", ended);
    restart_after(std::chrono::milliseconds(0));
  } else {
    const auto delay = respawn_.on_death(lifetime);
    log::warning("source: {}; starting it again in {} ms", ended, delay.count());
    restart_after(delay);
  }
  return true;
}

void SourceProcess::restart_after(std::chrono::milliseconds delay) {
  restart_timer_ = loop_.call_after(delay, [this] {
    restart_timer_ = EventLoop::no_timer;
    start();
  });
}

void SourceProcess::on_output() {
  const bool more_to_come = read_output(reads_per_turn);
  output_.flush();
  if (parser_->framing_lost()) {
    frames_watch_.reset();
    log::error("source: its frames cannot be told apart any more; it is stopped");
    end(broken_grace);
  } else if (!more_to_come) {
    frames_watch_.reset();
    parser_->finish();
    end(broken_grace);  // without its output it is of no use
  }
}

bool SourceProcess::read_output(int reads_max) {
  for (int i = 0; i < reads_max && !parser_->framing_lost(); ++i) {
    const ssize_t got = ::read(frames_.number(), buffer_.data(), buffer_.size());
    if (got == 0) {
      return false;
    }
    if (got < 0) {
      if (errno == EINTR) {
        continue;
      }
      return errno == EAGAIN;
    }
    counters_.bytes_read += static_cast<std::uint64_t>(got);
    parser_->feed(std::span(buffer_).first(static_cast<std::size_t>(got)));
  }
  return true;
}

void SourceProcess::on_error_output(bool all) {
  if (!errors_watch_) {
    return;
  }
  std::array<char, 4096> bytes{};
  for (int i = 0; i < (all ? reads_per_turn * 4 : 1); ++i) {
    const ssize_t got = ::read(errors_.number(), bytes.data(), bytes.size());
    if (got <= 0) {
      if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        errors_watch_.reset();
      }
      break;
    }
    error_line_.append(bytes.data(), static_cast<std::size_t>(got));
    log_error_lines();
  }
  if (all && !error_line_.empty()) {
    log_error_text(std::exchange(error_line_, {}));
  }
}

void SourceProcess::log_error_lines() {
  std::size_t begin = 0;
  for (std::size_t end = error_line_.find('\n'); end != std::string::npos;
       end = error_line_.find('\n', begin)) {
    log_error_text(std::string_view(error_line_).substr(begin, end - begin));
    begin = end + 1;
  }
  error_line_.erase(0, begin);
  if (error_line_.size() > error_line_bytes_max) {
    log_error_text(std::exchange(error_line_, {}));
  }
}

void SourceProcess::log_error_text(std::string_view text) {
  if (text.ends_with('\r')) {
    text.remove_suffix(1);
  }
  log::info("source: stderr: {}", SourceText{text});
}

void SourceProcess::end(std::chrono::milliseconds grace) {
  // Its commands pipe stays open: a source may take the end of its input for an order to end, but
  // one that is suspended by its terminal or debugger must get SIGTERM all the same.
  signal_group(SIGTERM);
  signal_group(SIGCONT);
  loop_.cancel(kill_timer_);
  kill_timer_ = loop_.call_after(grace, [this] {
    kill_timer_ = EventLoop::no_timer;
    log::warning("source: did not end after SIGTERM; killed");
    signal_group(SIGKILL);
  });
}

void SourceProcess::signal_group(int signal_number) const {
  // The group can be gone already, together with its last process: nothing to do then.
  ::kill(-process_, signal_number);
}

void SourceProcess::log(SourceLogLevel level, std::string_view text) {
  ++counters_.log_messages;
  log::write(log_level(level), "source: {}", SourceText{text});
}

void SourceProcess::count(FrameKind kind, std::size_t bytes) {
  counters_.frame_bytes += bytes;
  switch (kind) {
    case FrameKind::sync_point:
      ++counters_.sync_points;
      break;
    case FrameKind::dependent:
      ++counters_.dependent_frames;
      break;
    case FrameKind::header:
      ++counters_.headers;
      return;
  }
  last_frame_ns_ = monotonic_ns();
}

void SourceProcess::data(FrameKind kind, std::span<const std::byte> frame) {
  count(kind, frame.size());
  if (kind == FrameKind::header) {
    header_holds_ = !frame.empty();
  } else {
    publish(playback_.on_data());
  }
  output_.frame(kind, frame);
}

void SourceProcess::started(const std::optional<TrackName>& track) {
  ++counters_.tracks;
  log::info("source: started {}",
            SourceText{track ? std::string_view(track->name) : "something it does not name"});
  publish(playback_.on_started(track));
}

void SourceProcess::stopped() {
  ++counters_.stops;
  log::info("source: stopped");
  publish(playback_.on_stopped());
}

void SourceProcess::broken(const BrokenSourceFrame& frame) {
  ++counters_.broken_frames;
  counters_.broken_bytes += frame.bytes;
  log::error("source: broken frame at byte {} of its output: {}", frame.offset,
             SourceText{frame.reason});
}

void SourceProcess::publish(const std::optional<NowPlaying>& now_playing) {
  if (now_playing) {
    output_.now_playing(*now_playing);
  }
}

}  // namespace eradio
