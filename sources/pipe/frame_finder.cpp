#include "sources/pipe/frame_finder.h"

#include <algorithm>

#include "sources/mpeg_audio_header.h"
#include "sources/pipe/adts_header.h"
#include "sources/pipe/tag_finder.h"

namespace eradio {
namespace {

// Enough to parse a header of either format.
constexpr std::size_t frame_header_bytes = AdtsHeader::bytes;

std::uint32_t signature_of(const MpegAudioHeader& header) {
  return static_cast<std::uint32_t>(header.sample_rate) << 8U |
         static_cast<std::uint32_t>(header.layer) << 4U |
         static_cast<std::uint32_t>(header.channels);
}

std::uint32_t signature_of(const AdtsHeader& header) {
  return header.sample_rate_index << 16U | header.profile << 8U | header.channels << 4U |
         (header.mpeg2 ? 1U : 0U);
}

}  // namespace

void FrameFinder::feed(std::span<const std::byte> input) {
  // Without leftovers the frames are taken from `input` itself, and only its end is copied.
  const bool had_kept = !kept_.empty();
  if (had_kept) {
    kept_.insert(kept_.end(), input.begin(), input.end());
    input = kept_;
  }
  while (!input.empty() && take_step(input) == Step::taken) {
  }
  if (had_kept) {
    kept_.erase(kept_.begin(), kept_.end() - static_cast<std::ptrdiff_t>(input.size()));
  } else {
    kept_.assign(input.begin(), input.end());
  }
}

void FrameFinder::finish() {
  ended_ = true;
  std::span<const std::byte> input = kept_;
  while (!input.empty() && take_step(input) == Step::taken) {
  }
  end_gap();
  kept_.clear();
}

FrameFinder::Step FrameFinder::take_step(std::span<const std::byte>& input) {
  if (tag_bytes_left_ > 0) {
    const auto bytes =
        static_cast<std::size_t>(std::min<std::uint64_t>(tag_bytes_left_, input.size()));
    tag_bytes_left_ -= bytes;
    take(input, bytes);
    return Step::taken;
  }
  const TagStart tag = find_tag(input, gap_bytes_ == 0);
  if (tag.kind == TagStart::Kind::tag) {
    end_gap();
    tag_bytes_left_ = tag.bytes;
    return Step::taken;
  }
  if (tag.kind == TagStart::Kind::perhaps && !ended_) {
    return Step::more_needed;
  }
  if (input.front() == std::byte{0xff}) {
    if (input.size() < frame_header_bytes && !ended_) {
      return Step::more_needed;
    }
    if (const auto header = parse_header(input)) {
      return take_frame(*header, input);
    }
  }
  take_garbage(input);
  return Step::taken;
}

FrameFinder::Step FrameFinder::take_frame(const Header& header, std::span<const std::byte>& input) {
  // Right behind a frame of the same kind, its word is enough. Anything else could be two bytes of
  // sound that look like a header: it must lead to another one.
  const bool expected = gap_bytes_ == 0 && signature_ == header.signature;
  if (input.size() < header.frame_bytes) {
    if (!ended_) {
      return Step::more_needed;
    }
    if (!expected) {
      take_garbage(input);
      return Step::taken;
    }
    sink_.truncated(offset_, input.size());
    take(input, input.size());
    return Step::taken;
  }
  const auto frame = input.first(header.frame_bytes);
  if (!expected) {
    const std::optional<bool> ends = is_frame_end(header, input.subspan(header.frame_bytes));
    if (!ends) {
      return Step::more_needed;
    }
    if (!*ends) {
      take_garbage(input);
      return Step::taken;
    }
  }
  end_gap();
  format_ = header.format;
  signature_ = header.signature;
  if (!header.describes_file) {
    sink_.found_frame(header.format, frame);
  }
  take(input, frame.size());
  return Step::taken;
}

std::optional<FrameFinder::Header> FrameFinder::parse_header(
    std::span<const std::byte> bytes) const {
  if (format_ != StreamFormat::aac) {
    if (const auto mpeg = parse_mpeg_audio_header(bytes)) {
      const auto frame = bytes.first(std::min(bytes.size(), mpeg->frame_bytes));
      return Header{.format = StreamFormat::mp3,
                    .signature = signature_of(*mpeg),
                    .frame_bytes = mpeg->frame_bytes,
                    .describes_file = is_file_description(*mpeg, frame)};
    }
  }
  if (format_ != StreamFormat::mp3) {
    if (const auto adts = parse_adts_header(bytes)) {
      return Header{.format = StreamFormat::aac,
                    .signature = signature_of(*adts),
                    .frame_bytes = adts->frame_bytes,
                    .describes_file = false};
    }
  }
  return std::nullopt;
}

std::optional<bool> FrameFinder::is_frame_end(const Header& header,
                                              std::span<const std::byte> rest) const {
  if (rest.empty()) {
    return ended_ ? std::optional(true) : std::nullopt;
  }
  const TagStart tag = find_tag(rest, true);
  if (tag.kind == TagStart::Kind::tag) {
    return true;
  }
  const bool undecided = tag.kind == TagStart::Kind::perhaps ||
                         (rest.front() == std::byte{0xff} && rest.size() < frame_header_bytes);
  if (undecided && !ended_) {
    return std::nullopt;
  }
  const auto next = parse_header(rest);
  return next && next->format == header.format && next->signature == header.signature;
}

void FrameFinder::take(std::span<const std::byte>& input, std::size_t bytes) {
  input = input.subspan(bytes);
  offset_ += bytes;
}

void FrameFinder::take_garbage(std::span<const std::byte>& input) {
  take(input, 1);
  ++gap_bytes_;
  if (gap_bytes_ == long_gap_bytes && !gap_reported_) {
    gap_reported_ = true;
    sink_.no_frames_since(offset_ - gap_bytes_, gap_bytes_);
  }
}

void FrameFinder::end_gap() {
  if (gap_bytes_ > 0) {
    sink_.skipped(offset_ - gap_bytes_, gap_bytes_);
    gap_bytes_ = 0;
    gap_reported_ = false;
  }
}

}  // namespace eradio
