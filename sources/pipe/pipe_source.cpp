#include "sources/pipe/pipe_source.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/system_error.h"
#include "sources/mpeg_audio_header.h"

namespace eradio {
namespace {

constexpr std::size_t read_bytes_max = 16384;
// How long to wait for more input once the encoder has exited: a child of its own may still hold
// the pipe open, and may do so for ever.
constexpr int last_input_ms = 500;

}  // namespace

PipeSource::PipeSource(Settings settings, const Descriptors& descriptors, SourceFrameWriter& server)
    : settings_(std::move(settings)),
      descriptors_(descriptors),
      server_(server),
      finder_(settings_.format, *this) {}

PipeSource::End PipeSource::run() {
  while (!step()) {
  }
  return end_;
}

PipeSource::End PipeSource::finish(SourceLogLevel level, std::string_view reason) {
  messages_.emplace_back([level, text = std::string(reason)](SourceFrameWriter& server) {
    return server.log(level, text);
  });
  say_stopped();
  return run();
}

bool PipeSource::step() {
  const bool writing = !messages_.empty();
  if (!writing && input_ended_) {
    end_ = End::input_ended;
    return true;
  }
  const short output_events = writing ? POLLOUT : 0;
  std::array<pollfd, 5> watched{{
      {.fd = descriptors_.output, .events = output_events, .revents = 0},
      {.fd = descriptors_.stop_signal, .events = POLLIN, .revents = 0},
      {.fd = descriptors_.commands, .events = POLLIN, .revents = 0},
      {.fd = writing ? -1 : descriptors_.input, .events = POLLIN, .revents = 0},
      {.fd = writing ? -1 : descriptors_.input_closed, .events = POLLIN, .revents = 0},
  }};
  if (::poll(watched.data(), watched.size(), -1) < 0) {
    if (errno == EINTR) {
      return false;
    }
    throw_system_error("poll");
  }
  if (watched[1].revents != 0) {
    end_ = End::told_to_stop;
    return true;
  }
  if ((watched[0].revents & ~POLLOUT) != 0) {
    end_ = End::server_gone;
    return true;
  }
  if (watched[2].revents != 0) {
    take_command();
  }
  if (watched[0].revents != 0) {
    const Message message = std::move(messages_.front());
    messages_.pop_front();
    if (!message(server_)) {
      end_ = End::server_gone;
      return true;
    }
  } else if (watched[3].revents != 0) {
    read_input();
  } else if (watched[4].revents != 0) {
    pollfd input{.fd = descriptors_.input, .events = POLLIN, .revents = 0};
    if (::poll(&input, 1, last_input_ms) == 0) {
      end_input();
    }
  }
  return false;
}

void PipeSource::read_input() {
  std::array<std::byte, read_bytes_max> buffer;
  const ssize_t got = ::read(descriptors_.input, buffer.data(), buffer.size());
  if (got > 0) {
    finder_.feed(std::span(buffer).first(static_cast<std::size_t>(got)));
  } else if (got == 0) {
    end_input();
  } else if (errno != EINTR && errno != EAGAIN) {
    throw_system_error("cannot read the encoder's stream");
  }
}

void PipeSource::end_input() {
  if (!input_ended_) {
    input_ended_ = true;
    descriptors_.input = -1;
    descriptors_.input_closed = -1;
    finder_.finish();
  }
}

void PipeSource::take_command() {
  std::uint8_t byte = 0;
  const ssize_t got = ::read(descriptors_.commands, &byte, 1);
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
    descriptors_.commands = -1;  // no more commands: play on
    return;
  }
  if (got != 1) {
    return;
  }
  const auto command = static_cast<SourceCommand>(byte);
  if (command == SourceCommand::play) {
    playing_ = true;  // and it says so with the next frame
  } else if (command == SourceCommand::pause && playing_) {
    playing_ = false;
    say_stopped();
  }
  // An encoder has no tracks to go back to or on.
}

void PipeSource::found_frame(StreamFormat format, std::span<const std::byte> frame) {
  if (format == StreamFormat::mp3) {
    warn_of_reservoir(frame);
  }
  if (!playing_) {
    return;
  }
  say_started();
  messages_.emplace_back([copy = std::vector(frame.begin(), frame.end())](
                             SourceFrameWriter& server) { return server.data(copy); });
}

void PipeSource::say_started() {
  if (on_air_) {
    return;
  }
  on_air_ = true;
  messages_.emplace_back([this](SourceFrameWriter& server) {
    const bool known = !settings_.name.empty() || !settings_.uri.empty();
    return known ? server.started(settings_.uri, settings_.name) : server.started();
  });
}

void PipeSource::say_stopped() {
  if (on_air_) {
    on_air_ = false;
    messages_.emplace_back([](SourceFrameWriter& server) { return server.stopped(); });
  }
}

void PipeSource::warn_of_reservoir(std::span<const std::byte> frame) {
  const auto header = parse_mpeg_audio_header(frame);
  if (!reservoir_reported_ && header && reservoir_bytes(*header, frame) > 0) {
    reservoir_reported_ = true;
    report(
        "the encoder uses the bit reservoir, so a listener who misses one frame hears a gap of "
        "several (lame --nores, ffmpeg -reservoir 0 switch it off)");
  }
}

void PipeSource::skipped(std::uint64_t offset, std::uint64_t bytes) {
  report("skipped " + std::to_string(bytes) + " bytes at offset " + std::to_string(offset) +
         " that are no frame");
}

void PipeSource::no_frames_since(std::uint64_t offset, std::uint64_t bytes) {
  report("no frame in " + std::to_string(bytes) + " bytes since offset " + std::to_string(offset) +
         "; still looking");
}

void PipeSource::truncated(std::uint64_t offset, std::uint64_t bytes) {
  report("the stream ended " + std::to_string(bytes) + " bytes into the frame at offset " +
         std::to_string(offset) + ", which is dropped");
}

void PipeSource::report(std::string text) {
  if (!log_rate_.admit(monotonic_ns())) {
    return;
  }
  if (const int left_out = log_rate_.take_left_out(); left_out > 0) {
    text += " (and " + std::to_string(left_out) + " more messages before)";
  }
  messages_.emplace_back([text = std::move(text)](SourceFrameWriter& server) {
    return server.log(SourceLogLevel::warning, text);
  });
}

}  // namespace eradio
