// The worker's own copy of the newest frames: each is copied out of the ring once, checked, and
// sent from here, since bytes that TCP has taken cannot be taken back. The memory is mapped twice
// in a row, so that any run of consecutive frames is one contiguous piece, across the wrap too.
//
// Invariants: (1) frames have numbers from 1 on without a gap, in the order in which they came;
// (2) a frame from oldest() on is intact, also while next_space() is being written to; (3) a frame
// that is not leaves_soon() is still there after one more turn. A header is a frame like any other
// to those who come by it; the newest is kept beside the others for those who come later.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/frame_kind.h"

namespace eradio {

// Maps one piece of memory twice, the second time right behind the first.
class MirroredMemory {
 public:
  // `bytes` is rounded up to whole pages. Throws std::system_error.
  explicit MirroredMemory(std::size_t bytes);
  ~MirroredMemory();
  MirroredMemory(const MirroredMemory&) = delete;
  MirroredMemory& operator=(const MirroredMemory&) = delete;

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  // The whole pages between these offsets need not be kept: the kernel has them back, and they read
  // as zeros. `end` is less than `bytes()` behind `begin`.
  void give_back(std::size_t begin, std::size_t end) noexcept;

 private:
  std::size_t bytes_;
  std::byte* data_ = nullptr;
};

class FrameStore {
 public:
  struct Frame {
    std::uint64_t begin = 0;  // position: bytes of frames that came before it
    std::uint32_t bytes = 0;
    FrameKind kind = FrameKind::sync_point;
    std::int64_t time_ns = 0;  // CLOCK_MONOTONIC when the master published it
    // Bytes of frames that the master published before it: the same in every worker.
    std::uint64_t stream_position = 0;
  };

  // `space_bytes`: the longest record that next_space() must hold. `keep_ns`: what is older than
  // that, nobody is sent any more: its memory is given back, however much room there is.
  explicit FrameStore(std::size_t space_bytes,
                      std::int64_t keep_ns = std::numeric_limits<std::int64_t>::max());

  // Where the next frame is to be written; append() then makes its first `bytes` a frame.
  [[nodiscard]] std::span<std::byte> next_space() noexcept;
  // `stream_position`: by default it follows on the frame before.
  void append(std::size_t bytes, std::int64_t time_ns, FrameKind kind = FrameKind::sync_point,
              std::optional<std::uint64_t> stream_position = std::nullopt);
  // The frames that come from now on need no header.
  void forget_header() noexcept;

  [[nodiscard]] std::uint64_t oldest() const noexcept { return oldest_; }
  // The number that the next frame will have; oldest() == next() when there is none.
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }
  // Frames from oldest() to next() - 1 only.
  [[nodiscard]] const Frame& frame(std::uint64_t number) const noexcept {
    return frames_[number % frames_max];
  }
  // The newest frame that a listener may begin with, of those behind the header: 0 when there is
  // none.
  [[nodiscard]] std::uint64_t newest_sync_point() const noexcept {
    return newest_sync_point_ < oldest_ ? 0 : newest_sync_point_;
  }
  // The header of the frames to come (nullptr: they need none), and the number of the frame behind
  // which it holds: its own, when there is one.
  [[nodiscard]] const std::shared_ptr<const std::vector<std::byte>>& header() const noexcept {
    return header_;
  }
  [[nodiscard]] std::uint64_t header_number() const noexcept { return header_number_; }
  // Another one with each header, and never 0; of no meaning when there is none.
  [[nodiscard]] std::uint32_t header_version() const noexcept { return header_version_; }
  // Where it lies in the stream; of no meaning when there is none.
  [[nodiscard]] std::uint64_t header_position() const noexcept { return header_position_; }
  // Where in the stream the next frame lies, unless something is lost before it.
  [[nodiscard]] std::uint64_t stream_end() const noexcept { return stream_end_; }
  // The newest frame that does not follow on the one before it in the stream; 0: all do.
  [[nodiscard]] std::uint64_t newest_gap() const noexcept { return newest_gap_; }
  [[nodiscard]] bool is_behind_gap(std::uint64_t number) const noexcept {
    const Frame& before = frame(number - 1);
    return number > oldest_ &&
           frame(number).stream_position != before.stream_position + before.bytes;
  }
  // The frame that this position of the stream lies in; nothing when it is not in the store.
  [[nodiscard]] std::optional<std::uint64_t> find(std::uint64_t stream_position) const noexcept;
  // The number of the first frame that begins at this position of the stream or behind it; next()
  // when there is none.
  [[nodiscard]] std::uint64_t first_from(std::uint64_t stream_position) const noexcept;
  // When the frame was published; of those that left the store long ago, the oldest whose time is
  // still known. It must have come.
  [[nodiscard]] std::int64_t time_of(std::uint64_t number) const noexcept {
    return frame(std::max(number, known_from())).time_ns;
  }
  // The same of the frame that has this position of the stream in it. There must be a frame, and
  // the position be before stream_end().
  [[nodiscard]] std::int64_t time_at(std::uint64_t stream_position) const noexcept;
  // The position behind the newest frame.
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
  // Bytes from `position` to end(), in one piece.
  [[nodiscard]] const std::byte* at(std::uint64_t position) const noexcept {
    return memory_.data() + position % memory_.bytes();
  }

  // A turn is what may be appended between two passes over the listeners. begin_turn() with each
  // pass; when turn_is_full(), nothing more may be appended before the next.
  void begin_turn() noexcept;
  [[nodiscard]] bool turn_is_full() const noexcept;
  // Whether the frame has come in this turn.
  [[nodiscard]] bool is_of_turn(std::uint64_t number) const noexcept {
    return number >= turn_first_frame_;
  }
  // In this turn or the one before.
  [[nodiscard]] bool is_of_last_turn(std::uint64_t number) const noexcept {
    return number >= last_turn_first_frame_;
  }
  // Of the frames of this turn.
  [[nodiscard]] std::uint64_t turn_bytes() const noexcept { return end_ - turn_begin_; }
  // Of this one or of the one before, whichever has more.
  [[nodiscard]] std::uint64_t last_turn_bytes() const noexcept {
    return std::max(turn_bytes(), turn_begin_ - last_turn_begin_);
  }
  // Whether a frame could be gone after one more turn: who has begun it must copy its rest now. To
  // be asked with each pass, and whenever a frame has been begun.
  [[nodiscard]] bool leaves_soon(std::uint64_t number) const noexcept;

  static constexpr std::uint64_t turn_frames_max = 1024;

 private:
  static constexpr std::uint64_t frames_max = 4 * turn_frames_max;

  // What frame() says is true from there on, even if the frame's bytes have gone.
  [[nodiscard]] std::uint64_t known_from() const noexcept {
    return next_ > frames_max ? next_ - frames_max + 1 : 1;
  }
  void drop_before(std::uint64_t number) noexcept;

  // The first frame that the predicate does not hold for, as it does for all before it.
  template <typename Predicate>
  [[nodiscard]] std::uint64_t first_not(Predicate predicate) const noexcept;
  // A turn is full once it has more bytes than this: it can have one frame more.
  [[nodiscard]] std::size_t turn_bytes_max() const noexcept { return memory_.bytes() / 4; }

  std::size_t space_bytes_;
  std::int64_t keep_ns_;
  MirroredMemory memory_;
  std::vector<Frame> frames_;
  std::uint64_t oldest_ = 1;
  std::uint64_t next_ = 1;
  std::uint64_t end_ = 0;
  std::uint64_t stream_end_ = 0;
  std::uint64_t newest_gap_ = 0;
  std::uint64_t newest_sync_point_ = 0;
  std::shared_ptr<const std::vector<std::byte>> header_;
  std::uint64_t header_number_ = 0;
  std::uint32_t header_version_ = 0;
  std::uint64_t header_position_ = 0;
  std::uint64_t old_before_ = 1;        // what was older than keep_ns_ when the turn began
  std::uint64_t given_back_ = 0;        // positions before this one
  std::uint64_t turn_begin_ = 0;        // end() when the turn began
  std::uint64_t turn_first_frame_ = 1;  // next() when the turn began
  std::uint64_t last_turn_begin_ = 0;   // the same of the turn before
  std::uint64_t last_turn_first_frame_ = 1;
};

}  // namespace eradio
