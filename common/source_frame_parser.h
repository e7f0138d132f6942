// The master's end of the source protocol: cuts what came through the pipe into frames and checks
// them. Nothing a source sends can do more than end up in SourceFrameSink::broken().
//
// Invariants: (1) how the bytes were cut into feed() calls makes no difference; (2) at most
// `frame_bytes_max` + 4 bytes are ever kept; (3) after lost framing nothing more is reported.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/frame_kind.h"
#include "common/source_protocol.h"

namespace eradio {

struct TrackName {
  std::string uri;   // UTF-8 as the source sent it, not checked; may be empty
  std::string name;  // the same
  bool operator==(const TrackName&) const = default;
};

// The body of "stream started" with a track; nothing when it is cut off or too long.
std::optional<TrackName> decode_track_name(std::span<const std::byte> body);

// What was wrong with a frame.
struct BrokenSourceFrame {
  std::uint64_t offset = 0;   // of the frame's first byte, since the source was started
  std::uint64_t bytes = 0;    // thrown away for it; not what may follow where framing is lost
  std::string reason;         // for the log
  bool framing_lost = false;  // nothing after it can be read: the source must be restarted
};

// Views are valid only during the call.
class SourceFrameSink {
 public:
  virtual ~SourceFrameSink() = default;
  virtual void log(SourceLogLevel level, std::string_view text) = 0;
  // Only a header may be empty.
  virtual void data(FrameKind kind, std::span<const std::byte> frame) = 0;
  // Without a track: started, but what is playing is not known.
  virtual void started(const std::optional<TrackName>& track) = 0;
  virtual void stopped() = 0;
  virtual void broken(const BrokenSourceFrame& frame) = 0;
};

// What a parser knows between two calls: enough for another to go on.
struct SourceFramePosition {
  std::vector<std::byte> partial;  // what has come of a frame whose end has not
  std::uint64_t offset = 0;        // of that frame
  std::uint64_t frames = 0;
  std::uint64_t broken_frames = 0;
};

class SourceFrameParser {
 public:
  // `frame_bytes_max`: the largest value of a frame's length field that is accepted.
  SourceFrameParser(std::size_t frame_bytes_max, SourceFrameSink& sink)
      : frame_bytes_max_(frame_bytes_max), sink_(sink) {}

  // Goes on where another one was.
  SourceFrameParser(std::size_t frame_bytes_max, SourceFrameSink& sink,
                    SourceFramePosition position)
      : frame_bytes_max_(frame_bytes_max), sink_(sink), position_(std::move(position)) {}

  // Takes all of `input`. Frames that lie whole in it are handed on without a copy.
  void feed(std::span<const std::byte> input);
  // The source has closed its output: reports a frame that was cut off.
  void finish();

  [[nodiscard]] bool framing_lost() const noexcept { return framing_lost_; }
  [[nodiscard]] std::uint64_t frames() const noexcept { return position_.frames; }
  [[nodiscard]] std::uint64_t broken_frames() const noexcept { return position_.broken_frames; }
  [[nodiscard]] const SourceFramePosition& position() const noexcept { return position_; }

 private:
  // Handles whole frames at the front of `input`; returns how many bytes they took.
  std::size_t take_frames(std::span<const std::byte> input);
  // Bytes a frame takes in all, from its first bytes; nothing when its length is not there yet.
  [[nodiscard]] std::optional<std::size_t> frame_bytes(std::span<const std::byte> start) const;
  [[nodiscard]] bool bad_length(std::size_t length) const;
  void take_frame(SourceFrameType type, std::span<const std::byte> body);
  void take_data(FrameKind kind, std::span<const std::byte> body);
  void take_started(std::span<const std::byte> body);
  // `bytes`: that are thrown away.
  void report_broken(std::size_t bytes, std::string reason);
  void lose_framing(std::size_t bytes, std::string reason);

  std::size_t frame_bytes_max_;
  SourceFrameSink& sink_;
  SourceFramePosition position_;
  bool framing_lost_ = false;
};

}  // namespace eradio
