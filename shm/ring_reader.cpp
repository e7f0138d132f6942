#include "shm/ring_reader.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "shm/shared_words.h"

namespace eradio {

RingReader::RingReader(std::span<const std::byte> memory)
    : header_(reinterpret_cast<const RingHeader*>(memory.data())) {
  if (memory.size() < sizeof(RingHeader) || header_->magic != ring_magic) {
    throw std::runtime_error("this shared memory is not a ring");
  }
  if (header_->layout_version != ring_layout_version) {
    throw std::runtime_error("the ring has layout version " +
                             std::to_string(header_->layout_version) + ", this program reads " +
                             std::to_string(ring_layout_version));
  }
  data_bytes_ = header_->data_bytes;
  payload_bytes_max_ = header_->payload_bytes_max;
  if (header_->record_align != ring_record_align || data_bytes_ == 0 ||
      data_bytes_ % ring_record_align != 0 || data_bytes_ > memory.size() - sizeof(RingHeader) ||
      payload_bytes_max_ != ring_payload_bytes_max(data_bytes_)) {
    throw std::runtime_error("the ring's sizes do not fit together");
  }
  const auto* words = reinterpret_cast<const std::uint64_t*>(memory.data() + sizeof(RingHeader));
  data_ = {words, data_bytes_ / word_bytes};
}

bool RingReader::overtaken() const noexcept {
  return header_->intent.load(std::memory_order_acquire) - position_ > data_bytes_;
}

void RingReader::skip_to_newest() noexcept {
  position_ = std::max(position_, header_->newest.load(std::memory_order_acquire));
}

void RingReader::skip_to_old() noexcept {
  const std::uint64_t safe_bytes = data_bytes_ - data_bytes_ / ring_marks;
  const std::uint64_t newest = header_->newest.load(std::memory_order_acquire);
  const std::uint64_t intent = header_->intent.load(std::memory_order_acquire);
  std::uint64_t oldest = newest;
  for (const auto& mark : header_->marks) {
    const std::uint64_t position = mark.load(std::memory_order_acquire);
    if (position < oldest && position % ring_record_align == 0 && intent - position <= safe_bytes) {
      oldest = position;
    }
  }
  position_ = std::max(position_, oldest);
}

ReadResult RingReader::read(Record& record, std::span<std::byte> payload) {
  const std::size_t length_max = std::min(payload_bytes_max_, payload.size());
  for (;;) {
    const std::uint64_t tail = header_->tail.load(std::memory_order_acquire);
    if (tail == position_) {
      return ReadResult::nothing_new;
    }
    if (tail < position_) {
      return ReadResult::damaged;
    }
    if (overtaken()) {
      return ReadResult::overtaken;
    }
    const std::size_t place = position_ % data_bytes_;
    const auto words = data_.subspan(place / word_bytes);
    const std::uint64_t length_and_type = load_word(words[0]);
    const std::uint64_t sequence = load_word(words[1]);
    const std::uint64_t time_ns = load_word(words[2]);
    const std::uint64_t position = load_word(words[3]);
    const std::uint64_t stream_position = load_word(words[4]);
    const std::size_t length = length_and_type & 0xffff'ffffU;
    const auto type = static_cast<RecordType>(length_and_type >> 32U);
    const std::size_t record_bytes = ring_record_bytes(length);

    // Checked before it is used: if the writer was faster it can be anything.
    const bool sensible = position == position_ && record_bytes <= data_bytes_ - place &&
                          (type == RecordType::padding || length <= length_max);
    if (!sensible) {
      return overtaken() ? ReadResult::overtaken : ReadResult::damaged;
    }
    if (type != RecordType::padding) {
      load_words(words.subspan(sizeof(RecordHeader) / word_bytes), payload.first(length));
    }
    if (overtaken()) {
      return ReadResult::overtaken;
    }
    if (type == RecordType::padding) {
      position_ += record_bytes;
      continue;
    }
    if (sequence < next_sequence_) {
      return ReadResult::damaged;
    }
    position_ += record_bytes;
    record = {.type = type,
              .sequence = sequence,
              .time_ns = static_cast<std::int64_t>(time_ns),
              .payload_bytes = length,
              .lost = next_sequence_ == 0 ? 0 : sequence - next_sequence_,
              .stream_position = stream_position};
    next_sequence_ = sequence + 1;
    return ReadResult::record;
  }
}

}  // namespace eradio
