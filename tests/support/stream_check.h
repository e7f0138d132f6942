// Checks one listener's stream byte by byte: every frame whole, in order, none twice, none that
// cannot be decoded after what came before it; counts what is missing, and knows how long there was
// nothing to hear. Frames are those of test_frame.h. Used by the listeners of ListenerCrowd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/support/age_histogram.h"
#include "tests/support/test_frame.h"

namespace eradio::testing {

class StreamCheck {
 public:
  // A place where frames are missing.
  struct Jump {
    std::uint64_t from = 0;          // sequence of the last frame before it
    std::uint64_t to = 0;            // of the first one after it
    std::uint64_t bytes_before = 0;  // of the stream that came before it
    std::int64_t age_ns = 0;         // of the first frame after it, when that came
  };

  // Whether the first byte that comes is a frame's first, as it has to be of eradio, or any: of
  // servers that know nothing of frames.
  enum class Begin { at_a_frame, anywhere };

  // `ages` is borrowed, and may be nullptr.
  explicit StreamCheck(AgeHistogram* ages = nullptr, Begin begin = Begin::at_a_frame)
      : ages_(ages), begun_(begin == Begin::at_a_frame) {}

  // The next bytes of the stream, received at `now_ns` (CLOCK_MONOTONIC).
  void feed(std::span<const std::byte> bytes, std::int64_t now_ns);

  // What is wrong with the stream: empty, or the first thing. After it nothing more is looked at.
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }
  [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t missed() const noexcept { return missed_; }
  [[nodiscard]] std::uint64_t headers() const noexcept { return headers_; }
  [[nodiscard]] const std::vector<Jump>& jumps() const noexcept { return jumps_; }
  // How many different runs of the source were heard.
  [[nodiscard]] std::uint64_t runs() const noexcept { return runs_; }
  [[nodiscard]] const TestFrameHeader& first() const noexcept { return first_; }
  [[nodiscard]] const TestFrameHeader& last() const noexcept { return last_; }
  // How old the first and the last frame were when they came.
  [[nodiscard]] std::int64_t first_age_ns() const noexcept { return first_age_ns_; }
  [[nodiscard]] std::int64_t last_age_ns() const noexcept { return last_age_ns_; }
  // From now on the longest pause is looked for. The one that goes on just now is one of them, with
  // all of its length; before the first frame it begins now. (Without this: with the first frame.)
  void begin_pauses(std::int64_t now_ns) noexcept;
  // The longest time between the arrivals of two frames since then, or since the last frame's.
  [[nodiscard]] std::int64_t longest_pause_ns(std::int64_t now_ns) const noexcept;
  // Of frames that were older than a second when they came.
  [[nodiscard]] std::uint64_t late_bytes() const noexcept { return late_bytes_; }
  // Bytes of a frame whose end has not come yet.
  [[nodiscard]] std::size_t unfinished_bytes() const noexcept { return partial_.size(); }

 private:
  // Drops what stands before the first whole frame of partial_; false when there is none yet.
  bool find_beginning();
  // Takes whole frames off the front of `bytes`; returns how many bytes they had.
  std::size_t take_frames(std::span<const std::byte> bytes, std::int64_t now_ns);
  void take_frame(const TestFrameHeader& header, std::int64_t now_ns);
  // Nothing, or why a frame is of no use behind those that came before it.
  [[nodiscard]] const char* misplaced(const TestFrameHeader& header) const;

  AgeHistogram* ages_;
  bool begun_;  // a frame's first byte has come
  std::vector<std::byte> partial_;
  std::string fault_;
  std::uint64_t frames_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t missed_ = 0;
  std::uint64_t runs_ = 0;
  std::uint64_t headers_ = 0;
  TestFrameHeader newest_header_{};
  std::uint64_t late_bytes_ = 0;
  std::vector<Jump> jumps_;
  TestFrameHeader first_{};
  TestFrameHeader last_{};
  std::int64_t first_age_ns_ = 0;
  std::int64_t last_age_ns_ = 0;
  std::int64_t pause_begun_ns_ = 0;  // 0: nothing was waited for yet
  std::int64_t longest_pause_ns_ = 0;
};

}  // namespace eradio::testing
