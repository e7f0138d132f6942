#include "common/source_frame_parser.h"

#include <algorithm>
#include <utility>

#include "common/byte_order.h"

namespace eradio {
namespace {

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Takes a 16-bit length and that many bytes off the front of `body`.
std::optional<std::string_view> take_name(std::span<const std::byte>& body) {
  if (body.size() < sizeof(std::uint16_t)) {
    return std::nullopt;
  }
  const std::size_t length = read_big_endian<std::uint16_t>(body);
  body = body.subspan(sizeof(std::uint16_t));
  if (body.size() < length) {
    return std::nullopt;
  }
  const std::string_view name = as_text(body.first(length));
  body = body.subspan(length);
  return name;
}

}  // namespace

std::optional<TrackName> decode_track_name(std::span<const std::byte> body) {
  const auto uri = take_name(body);
  const auto name = uri ? take_name(body) : std::nullopt;
  if (!name || !body.empty()) {
    return std::nullopt;
  }
  return TrackName{.uri = std::string(*uri), .name = std::string(*name)};
}

void SourceFrameParser::feed(std::span<const std::byte> input) {
  // First the frame that an earlier call left unfinished: its length, then its rest.
  while (!position_.partial.empty() && !input.empty() && !framing_lost_) {
    const std::size_t wanted = frame_bytes(position_.partial).value_or(source_length_bytes);
    const std::size_t taken = std::min(wanted - position_.partial.size(), input.size());
    const auto part = input.first(taken);
    position_.partial.insert(position_.partial.end(), part.begin(), part.end());
    input = input.subspan(taken);
    if (take_frames(position_.partial) > 0) {
      position_.partial.clear();
    }
  }
  if (framing_lost_) {
    return;
  }
  const auto rest = input.subspan(take_frames(input));
  if (!framing_lost_) {
    position_.partial.insert(position_.partial.end(), rest.begin(), rest.end());
  }
}

void SourceFrameParser::finish() {
  if (!position_.partial.empty() && !framing_lost_) {
    lose_framing(
        position_.partial.size(),
        "the output ended " + std::to_string(position_.partial.size()) + " bytes into a frame");
  }
}

std::optional<std::size_t> SourceFrameParser::frame_bytes(std::span<const std::byte> start) const {
  if (start.size() < source_length_bytes) {
    return std::nullopt;
  }
  const std::size_t length = read_big_endian<std::uint32_t>(start);
  return source_length_bytes + (bad_length(length) ? 0 : length);
}

bool SourceFrameParser::bad_length(std::size_t length) const {
  return length == 0 || length > frame_bytes_max_;
}

std::size_t SourceFrameParser::take_frames(std::span<const std::byte> input) {
  std::size_t taken = 0;
  while (!framing_lost_) {
    const auto rest = input.subspan(taken);
    const std::optional<std::size_t> bytes = frame_bytes(rest);
    if (!bytes) {
      break;
    }
    const std::size_t length = read_big_endian<std::uint32_t>(rest);
    if (bad_length(length)) {
      lose_framing(source_length_bytes,
                   length == 0 ? "a frame of length 0"
                               : "a frame of length " + std::to_string(length) +
                                     ", over max_frame " + std::to_string(frame_bytes_max_));
      break;
    }
    if (rest.size() < *bytes) {
      break;
    }
    const auto type = static_cast<SourceFrameType>(rest[source_length_bytes]);
    take_frame(type, rest.subspan(source_length_bytes + 1, length - 1));
    taken += *bytes;
    position_.offset += *bytes;
  }
  return taken;
}

void SourceFrameParser::take_frame(SourceFrameType type, std::span<const std::byte> body) {
  ++position_.frames;
  const std::size_t bytes = source_length_bytes + 1 + body.size();
  switch (type) {
    case SourceFrameType::log: {
      if (body.empty()) {
        return report_broken(bytes, "a log message without a level");
      }
      const auto level = std::to_integer<std::uint8_t>(body.front());
      if (level == 0) {
        return report_broken(bytes, "a log message of level 0");
      }
      const auto debug = static_cast<std::uint8_t>(SourceLogLevel::debug);
      return sink_.log(static_cast<SourceLogLevel>(std::min(level, debug)),
                       as_text(body.subspan(1)));
    }
    case SourceFrameType::data:
      return take_data(FrameKind::sync_point, body);
    case SourceFrameType::dependent_data:
      return take_data(FrameKind::dependent, body);
    case SourceFrameType::header:
      return sink_.data(FrameKind::header, body);
    case SourceFrameType::started:
      return take_started(body);
    case SourceFrameType::stopped:
      if (!body.empty()) {
        report_broken(body.size(), "bytes after \"stream stopped\"");  // and stopped all the same
      }
      return sink_.stopped();
  }
  report_broken(bytes, "unknown frame type " + std::to_string(static_cast<unsigned>(type)));
}

void SourceFrameParser::take_data(FrameKind kind, std::span<const std::byte> body) {
  if (body.empty()) {
    return report_broken(source_length_bytes + 1, "stream data without any data");
  }
  sink_.data(kind, body);
}

void SourceFrameParser::take_started(std::span<const std::byte> body) {
  if (body.empty()) {
    return sink_.started(std::nullopt);
  }
  const auto track = decode_track_name(body);
  if (!track) {
    return report_broken(source_length_bytes + 1 + body.size(),
                         "\"stream started\" whose URI and name do not fill it exactly");
  }
  sink_.started(track);
}

void SourceFrameParser::report_broken(std::size_t bytes, std::string reason) {
  ++position_.broken_frames;
  sink_.broken({.offset = position_.offset,
                .bytes = bytes,
                .reason = std::move(reason),
                .framing_lost = false});
}

void SourceFrameParser::lose_framing(std::size_t bytes, std::string reason) {
  framing_lost_ = true;
  ++position_.broken_frames;
  sink_.broken({.offset = position_.offset,
                .bytes = bytes,
                .reason = std::move(reason),
                .framing_lost = true});
}

}  // namespace eradio
