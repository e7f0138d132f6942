// Finds the frames in a stream of MPEG audio (MP3) or ADTS AAC as an encoder writes it: bytes in,
// whole frames out. Pure; the heart of the pipe source.
//
// Invariants: (1) how the bytes were cut into feed() calls makes no difference to the frames, the
// gaps or their order; (2) every byte of the stream is in exactly one frame, gap, tag or file
// description, or in the truncated frame at the end; (3) at most one frame, the header after it
// and what was fed last are kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace eradio {

enum class StreamFormat { automatic, mp3, aac };

// Offsets are in bytes from the beginning of the stream. Views are valid during the call only.
class FoundFrameSink {
 public:
  virtual ~FoundFrameSink() = default;
  virtual void found_frame(StreamFormat format, std::span<const std::byte> frame) = 0;
  // These bytes belong to no frame and no tag. Told when the gap has ended.
  virtual void skipped(std::uint64_t offset, std::uint64_t bytes) = 0;
  // Told once in a gap that grows too long to wait for its end.
  virtual void no_frames_since(std::uint64_t offset, std::uint64_t bytes) = 0;
  // The stream ended within a frame.
  virtual void truncated(std::uint64_t offset, std::uint64_t bytes) = 0;
};

class FrameFinder {
 public:
  // A gap of this many bytes is reported before its end: four seconds of a 128 kbit/s stream.
  static constexpr std::uint64_t long_gap_bytes = 65536;

  // Told to find out the format itself, it keeps to that of the first frames it finds.
  FrameFinder(StreamFormat format, FoundFrameSink& sink) noexcept : format_(format), sink_(sink) {}

  void feed(std::span<const std::byte> input);
  // The stream has ended.
  void finish();

 private:
  struct Header {
    StreamFormat format;
    std::uint32_t signature;  // what does not change from frame to frame
    std::size_t frame_bytes;
    bool describes_file;  // known only if the whole frame was there
  };
  enum class Step { taken, more_needed };

  // Takes one frame, tag or byte of a gap off the front of `input`.
  Step take_step(std::span<const std::byte>& input);
  Step take_frame(const Header& header, std::span<const std::byte>& input);
  [[nodiscard]] std::optional<Header> parse_header(std::span<const std::byte> bytes) const;
  // Whether a frame with `header` may end where `rest` begins; nothing when more bytes are needed.
  [[nodiscard]] std::optional<bool> is_frame_end(const Header& header,
                                                 std::span<const std::byte> rest) const;
  void take(std::span<const std::byte>& input, std::size_t bytes);
  void take_garbage(std::span<const std::byte>& input);
  void end_gap();

  StreamFormat format_;
  FoundFrameSink& sink_;
  std::vector<std::byte> kept_;  // bytes that could not be decided upon yet
  std::uint64_t offset_ = 0;     // of the next byte to decide upon
  std::uint64_t tag_bytes_left_ = 0;
  std::uint64_t gap_bytes_ = 0;  // before offset_; 0 outside a gap
  bool gap_reported_ = false;
  std::optional<std::uint32_t> signature_;  // of the last frame
  bool ended_ = false;
};

}  // namespace eradio
