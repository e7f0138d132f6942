#include "common/source_frame_writer.h"

#include <poll.h>
#include <unistd.h>

#include <array>

#include "common/byte_order.h"
#include "common/system_error.h"

namespace eradio {
namespace {

// The longest prefix of at most `bytes_max` bytes that ends between two UTF-8 characters.
std::string_view cut_utf8(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) {
    return text;
  }
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) {
    --end;
  }
  return text.substr(0, end);
}

SourceFrameType type_of(FrameKind kind) {
  switch (kind) {
    case FrameKind::sync_point:
      break;
    case FrameKind::dependent:
      return SourceFrameType::dependent_data;
    case FrameKind::header:
      return SourceFrameType::header;
  }
  return SourceFrameType::data;
}

}  // namespace

void SourceFrameWriter::begin(SourceFrameType type) {
  buffer_.assign(source_length_bytes, std::byte{0});
  buffer_.push_back(static_cast<std::byte>(type));
}

void SourceFrameWriter::append(std::span<const std::byte> bytes) {
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void SourceFrameWriter::append_name(std::string_view text) {
  const std::string_view cut = cut_utf8(text, source_name_bytes_max);
  std::array<std::byte, sizeof(std::uint16_t)> length{};
  write_big_endian(static_cast<std::uint16_t>(cut.size()), length);
  append(length);
  append(std::as_bytes(std::span(cut)));
}

bool SourceFrameWriter::finish() {
  write_big_endian(static_cast<std::uint32_t>(buffer_.size() - source_length_bytes), buffer_);
  std::span<const std::byte> rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written >= 0) {
      rest = rest.subspan(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      return false;
    } else if (errno == EAGAIN) {
      // Somebody handed us a non-blocking pipe.
      pollfd wait_for{.fd = descriptor_, .events = POLLOUT, .revents = 0};
      ::poll(&wait_for, 1, -1);
    } else if (errno != EINTR) {
      throw_system_error("cannot write a frame to the server");
    }
  }
  return true;
}

bool SourceFrameWriter::log(SourceLogLevel level, std::string_view text) {
  begin(SourceFrameType::log);
  buffer_.push_back(static_cast<std::byte>(level));
  append(std::as_bytes(std::span(text)));
  return finish();
}

bool SourceFrameWriter::data(FrameKind kind, std::span<const std::byte> frame) {
  begin(type_of(kind));
  append(frame);
  return finish();
}

bool SourceFrameWriter::started(std::string_view uri, std::string_view name) {
  begin(SourceFrameType::started);
  append_name(uri);
  append_name(name);
  return finish();
}

bool SourceFrameWriter::started() {
  begin(SourceFrameType::started);
  return finish();
}

bool SourceFrameWriter::stopped() {
  begin(SourceFrameType::stopped);
  return finish();
}

}  // namespace eradio
