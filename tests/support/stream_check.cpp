#include "tests/support/stream_check.h"

#include <algorithm>

#include "common/clock.h"

namespace eradio::testing {

void StreamCheck::feed(std::span<const std::byte> bytes, std::int64_t now_ns) {
  bytes_ += bytes.size();
  if (!begun_) {
    partial_.insert(partial_.end(), bytes.begin(), bytes.end());
    if (!find_beginning()) {
      return;
    }
    const auto taken = static_cast<std::ptrdiff_t>(take_frames(partial_, now_ns));
    partial_.erase(partial_.begin(), partial_.begin() + taken);
    return;
  }
  // First the frame whose beginning came earlier, with exactly the bytes that it lacks.
  while (!partial_.empty() && !bytes.empty() && fault_.empty()) {
    const auto header = read_test_frame_header(partial_);
    const std::size_t wanted = header ? header->bytes : sizeof(TestFrameHeader);
    const std::size_t taken = std::min(wanted - partial_.size(), bytes.size());
    partial_.insert(partial_.end(), bytes.begin(),
                    bytes.begin() + static_cast<std::ptrdiff_t>(taken));
    bytes = bytes.subspan(taken);
    if (take_frames(partial_, now_ns) > 0) {
      partial_.clear();
    }
  }
  if (!fault_.empty()) {
    return;
  }
  const auto rest = bytes.subspan(take_frames(bytes, now_ns));
  partial_.insert(partial_.end(), rest.begin(), rest.end());
}

bool StreamCheck::find_beginning() {
  std::size_t at = 0;
  for (; at + sizeof(TestFrameHeader) <= partial_.size(); ++at) {
    const auto rest = std::span(partial_).subspan(at);
    const auto header = read_test_frame_header(rest);
    if (header && rest.size() < header->bytes) {
      break;
    }
    begun_ = header && is_whole_test_frame(rest.first(header->bytes));
    if (begun_) {
      break;
    }
  }
  partial_.erase(partial_.begin(), partial_.begin() + static_cast<std::ptrdiff_t>(at));
  return begun_;
}

std::size_t StreamCheck::take_frames(std::span<const std::byte> bytes, std::int64_t now_ns) {
  std::size_t taken = 0;
  while (fault_.empty() && bytes.size() - taken >= sizeof(TestFrameHeader)) {
    const auto rest = bytes.subspan(taken);
    const auto header = read_test_frame_header(rest);
    if (!header) {
      fault_ = "no frame begins where the one after " + std::to_string(last_.sequence) + " should";
      break;
    }
    if (rest.size() < header->bytes) {
      break;
    }
    if (!is_whole_test_frame(rest.first(header->bytes))) {
      fault_ = "frame " + std::to_string(header->sequence) + " is not whole";
      break;
    }
    take_frame(*header, now_ns);
    taken += header->bytes;
  }
  return taken;
}

const char* StreamCheck::misplaced(const TestFrameHeader& header) const {
  if (header.run < last_.run || (header.run == last_.run && header.sequence <= last_.sequence)) {
    return " came too late";
  }
  if (header.header != 0 &&
      (newest_header_.run != header.run || newest_header_.header != header.header)) {
    return " came without its header";
  }
  const bool follows = header.run == last_.run && header.sequence == last_.sequence + 1;
  if (header.kind != FrameKind::sync_point && !follows) {
    return " is no sync point";
  }
  return nullptr;
}

void StreamCheck::begin_pauses(std::int64_t now_ns) noexcept {
  if (frames_ == 0) {
    pause_begun_ns_ = now_ns;
  }
  longest_pause_ns_ = 0;
}

std::int64_t StreamCheck::longest_pause_ns(std::int64_t now_ns) const noexcept {
  return pause_begun_ns_ == 0 ? 0 : std::max(longest_pause_ns_, now_ns - pause_begun_ns_);
}

void StreamCheck::take_frame(const TestFrameHeader& header, std::int64_t now_ns) {
  if (header.kind == FrameKind::header) {
    if (header.run == newest_header_.run && header.header == newest_header_.header) {
      fault_ = "header " + std::to_string(header.header) + " came twice";
    }
    newest_header_ = header;
    ++headers_;
    return;
  }
  if (const char* why = misplaced(header); why != nullptr) {
    fault_ = "frame " + std::to_string(header.sequence) + ", after frame " +
             std::to_string(last_.sequence) + "," + why;
    return;
  }
  last_age_ns_ = now_ns - header.time_ns;
  if (frames_ == 0) {
    first_ = header;
    first_age_ns_ = last_age_ns_;
  }
  if (header.run == last_.run && header.sequence > last_.sequence + 1) {
    missed_ += header.sequence - last_.sequence - 1;
    jumps_.push_back({.from = last_.sequence,
                      .to = header.sequence,
                      .bytes_before = bytes_,
                      .age_ns = last_age_ns_});
  }
  runs_ += header.run == last_.run ? 0U : 1U;
  last_ = header;
  longest_pause_ns_ = longest_pause_ns(now_ns);
  pause_begun_ns_ = now_ns;
  late_bytes_ += last_age_ns_ > ns_per_second ? header.bytes : 0U;
  ++frames_;
  if (ages_ != nullptr) {
    ages_->add(last_age_ns_);
  }
}

}  // namespace eradio::testing
