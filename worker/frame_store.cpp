#include "worker/frame_store.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "common/check.h"
#include "common/system_error.h"
#include "shm/memory_file.h"

namespace eradio {

MirroredMemory::MirroredMemory(std::size_t bytes) : bytes_(round_up_to_page(bytes)) {
  void* place = ::mmap(nullptr, 2 * bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) {
    throw_system_error("mmap of the frame store");
  }
  data_ = static_cast<std::byte*>(place);
  // The second half has the first one's pages (mremap(2): an old size of 0). A file in memory would
  // have to be given its size, which the sandbox lets nobody do to a file.
  const bool mirrored =
      ::mmap(data_, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
             0) != MAP_FAILED &&
      ::mremap(data_, 0, bytes_, MREMAP_MAYMOVE | MREMAP_FIXED, data_ + bytes_) != MAP_FAILED;
  if (!mirrored) {
    const int error_number = errno;
    ::munmap(data_, 2 * bytes_);
    throw_system_error("the frame store's memory", error_number);
  }
}

MirroredMemory::~MirroredMemory() { ::munmap(data_, 2 * bytes_); }

void MirroredMemory::give_back(std::size_t begin, std::size_t end) noexcept {
  const std::size_t first = round_up_to_page(begin);
  const std::size_t last = round_up_to_page(end + 1) - round_up_to_page(1);
  if (first < last) {
    // An error costs memory, and nothing else.
    static_cast<void>(::madvise(data_ + first, last - first, MADV_REMOVE));
  }
}

FrameStore::FrameStore(std::size_t space_bytes, std::int64_t keep_ns)
    : space_bytes_(space_bytes), keep_ns_(keep_ns), memory_(4 * space_bytes), frames_(frames_max) {}

std::span<std::byte> FrameStore::next_space() noexcept {
  return {memory_.data() + end_ % memory_.bytes(), space_bytes_};
}

void FrameStore::append(std::size_t bytes, std::int64_t time_ns, FrameKind kind,
                        std::optional<std::uint64_t> stream_position) {
  ERADIO_CHECK(bytes > 0 && bytes <= space_bytes_ && !turn_is_full());
  const std::uint64_t position = stream_position.value_or(stream_end_);
  if (position != stream_end_) {
    newest_gap_ = next_;
  }
  stream_end_ = position + bytes;
  frames_[next_ % frames_max] = {.begin = end_,
                                 .bytes = static_cast<std::uint32_t>(bytes),
                                 .kind = kind,
                                 .time_ns = time_ns,
                                 .stream_position = position};
  if (kind == FrameKind::sync_point) {
    newest_sync_point_ = next_;
  } else if (kind == FrameKind::header) {
    forget_header();
    header_ = std::make_shared<const std::vector<std::byte>>(at(end_), at(end_) + bytes);
    header_number_ = next_;
    header_position_ = position;
    header_version_ = std::max(1U, header_version_ + 1);
  }
  ++next_;
  end_ += bytes;
  // What next_space() now covers was the oldest frames'.
  const std::uint64_t reach = end_ + space_bytes_;
  while (next_ - oldest_ >= frames_max ||
         (oldest_ < next_ && frame(oldest_).begin + memory_.bytes() < reach)) {
    ++oldest_;
  }
}

void FrameStore::forget_header() noexcept {
  header_.reset();
  header_number_ = next_ - 1;
  newest_sync_point_ = 0;  // what lies before belongs to another header
}

std::int64_t FrameStore::time_at(std::uint64_t stream_position) const noexcept {
  ERADIO_CHECK(oldest_ < next_ && stream_position < stream_end_);
  std::uint64_t found = known_from();  // the newest frame that begins at the position or before it
  for (std::uint64_t count = next_ - found; count > 1;) {
    const std::uint64_t half = count / 2;
    if (frame(found + half).stream_position <= stream_position) {
      found += half;
      count -= half;
    } else {
      count = half;
    }
  }
  return frame(found).time_ns;
}

template <typename Predicate>
std::uint64_t FrameStore::first_not(Predicate predicate) const noexcept {
  std::uint64_t first = oldest_;
  for (std::uint64_t count = next_ - oldest_; count > 0;) {
    const std::uint64_t half = count / 2;
    if (predicate(frame(first + half))) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return first;
}

std::uint64_t FrameStore::first_from(std::uint64_t stream_position) const noexcept {
  return first_not([&](const Frame& frame) { return frame.stream_position < stream_position; });
}

std::optional<std::uint64_t> FrameStore::find(std::uint64_t stream_position) const noexcept {
  const std::uint64_t first = first_not(
      [&](const Frame& frame) { return frame.stream_position + frame.bytes <= stream_position; });
  if (first == next_ || frame(first).stream_position > stream_position) {
    return std::nullopt;
  }
  return first;
}

void FrameStore::begin_turn() noexcept {
  last_turn_begin_ = turn_begin_;
  last_turn_first_frame_ = turn_first_frame_;
  turn_begin_ = end_;
  turn_first_frame_ = next_;
  // In the turn that is over everybody has been asked whether he is in the middle of one of these.
  drop_before(old_before_);
  while (old_before_ + 1 < next_ &&
         frame(next_ - 1).time_ns - frame(old_before_).time_ns > keep_ns_) {
    ++old_before_;
  }
}

void FrameStore::drop_before(std::uint64_t number) noexcept {
  constexpr std::uint64_t worth_a_call = std::uint64_t{64} * 1024;
  oldest_ = std::max(oldest_, number);
  if (oldest_ == next_) {
    return;
  }
  const std::uint64_t end = frame(oldest_).begin;
  // What has been overwritten since is not ours to give.
  const std::uint64_t begin =
      std::max(given_back_, end_ > memory_.bytes() ? end_ - memory_.bytes() : 0);
  if (begin + worth_a_call <= end) {
    const std::size_t offset = begin % memory_.bytes();
    memory_.give_back(offset, offset + (end - begin));
    given_back_ = end;
  }
}

bool FrameStore::turn_is_full() const noexcept {
  return end_ - turn_begin_ > turn_bytes_max() || next_ - turn_first_frame_ >= turn_frames_max;
}

bool FrameStore::leaves_soon(std::uint64_t number) const noexcept {
  if (number < std::max(oldest_, old_before_)) {
    return true;
  }
  return next_ - number >= frames_max - turn_frames_max ||
         end_ - frame(number).begin + turn_bytes_max() + 2 * space_bytes_ > memory_.bytes();
}

}  // namespace eradio
