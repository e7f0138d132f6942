#include "shm/ring_writer.h"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <vector>

#include "common/check.h"
#include "shm/ring_reader.h"
#include "shm/shared_words.h"

namespace eradio {
namespace {

constexpr std::size_t data_bytes_min = 16 * ring_record_align;

std::size_t data_bytes_for(std::size_t memory_size) {
  return (memory_size - sizeof(RingHeader)) / ring_record_align * ring_record_align;
}

}  // namespace

std::size_t RingWriter::memory_bytes(std::size_t data_bytes_wanted) noexcept {
  const std::size_t aligned =
      (data_bytes_wanted + ring_record_align - 1) / ring_record_align * ring_record_align;
  return sizeof(RingHeader) + (aligned < data_bytes_min ? data_bytes_min : aligned);
}

RingWriter::RingWriter(std::span<std::byte> memory)
    : header_(reinterpret_cast<RingHeader*>(memory.data())),
      data_(reinterpret_cast<std::uint64_t*>(memory.data() + sizeof(RingHeader)),
            data_bytes_for(memory.size()) / word_bytes) {}

RingWriter RingWriter::create(std::span<std::byte> memory) {
  ERADIO_CHECK(memory.size() >= memory_bytes(0));
  ERADIO_CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % alignof(RingHeader) == 0);
  auto* header = new (memory.data()) RingHeader{};
  header->layout_version = ring_layout_version;
  header->record_align = ring_record_align;
  header->data_bytes = data_bytes_for(memory.size());
  header->payload_bytes_max = ring_payload_bytes_max(header->data_bytes);
  header->magic = ring_magic;
  return RingWriter(memory);
}

RingWriter RingWriter::attach(std::span<std::byte> memory) {
  RingReader reader(memory);  // checks the header
  RingWriter writer(memory);
  writer.tail_ = writer.header_->tail.load(std::memory_order_acquire);
  // A writer killed within a record had announced more than it completed. What it announced may be
  // overwritten already, so the intent must not go back.
  writer.intent_ = writer.header_->intent.load(std::memory_order_acquire);
  // `newest` is at most one record behind: read on to the last complete one.
  reader.skip_to_newest();
  std::vector<std::byte> payload(reader.payload_bytes_max());
  Record record;
  ReadResult result = reader.read(record, payload);
  for (; result == ReadResult::record; result = reader.read(record, payload)) {
    writer.next_sequence_ = record.sequence + 1;
    writer.stream_position_ =
        record.stream_position + (is_frame(record.type) ? record.payload_bytes : 0);
  }
  if (result != ReadResult::nothing_new) {
    throw std::runtime_error("the ring is damaged: its newest record cannot be read");
  }
  return writer;
}

std::size_t RingWriter::payload_bytes_max() const noexcept { return header_->payload_bytes_max; }

std::uint64_t RingWriter::data_bytes() const noexcept { return header_->data_bytes; }

std::uint64_t RingWriter::used_bytes() const noexcept {
  return std::min<std::uint64_t>(intent_, header_->data_bytes);
}

std::int64_t RingWriter::held_ns() const noexcept {
  if (sequence() == 0) {
    return 0;
  }
  const std::uint64_t overwritten = intent_ - used_bytes();
  const std::uint64_t newest = header_->newest.load(std::memory_order_relaxed);
  std::uint64_t oldest = newest;
  for (const auto& mark : header_->marks) {
    const std::uint64_t position = mark.load(std::memory_order_relaxed);
    if (position >= overwritten) {
      oldest = std::min(oldest, position);
    }
  }
  return time_ns_at(newest) - time_ns_at(oldest);
}

std::int64_t RingWriter::time_ns_at(std::uint64_t position) const noexcept {
  return static_cast<std::int64_t>(
      load_word(data_[position % header_->data_bytes / word_bytes + 2]));
}

std::uint64_t RingWriter::publish(RecordType type, std::int64_t time_ns,
                                  std::span<const std::byte> payload) {
  ERADIO_CHECK(payload.size() <= header_->payload_bytes_max);
  const std::uint64_t data_bytes = header_->data_bytes;
  const std::uint64_t to_end = data_bytes - tail_ % data_bytes;
  const std::size_t record_bytes = ring_record_bytes(payload.size());
  const std::uint64_t padding = record_bytes > to_end ? to_end : 0;
  const std::uint64_t start = tail_ + padding;

  // The intent is stored before any word of the record, and every word is a release: a reader that
  // sees one of them sees the intent too.
  intent_ = std::max(intent_, start + record_bytes);
  header_->intent.store(intent_, std::memory_order_release);
  if (padding > 0) {
    write_record(tail_, RecordType::padding, 0, time_ns, padding - sizeof(RecordHeader), {});
  }
  write_record(start, type, next_sequence_, time_ns, payload.size(), payload);
  tail_ = start + record_bytes;
  header_->tail.store(tail_, std::memory_order_release);
  // After the tail: whoever starts at `newest`, or at a mark, finds a record that is complete.
  const std::uint64_t sixteenth = data_bytes / ring_marks;
  const std::uint64_t newest_before = header_->newest.load(std::memory_order_relaxed);
  if (start / sixteenth != newest_before / sixteenth) {
    header_->marks[start / sixteenth % ring_marks].store(start, std::memory_order_release);
  }
  header_->newest.store(start, std::memory_order_release);
  stream_position_ += is_frame(type) ? payload.size() : 0;
  return next_sequence_++;
}

void RingWriter::write_record(std::uint64_t position, RecordType type, std::uint64_t sequence,
                              std::int64_t time_ns, std::size_t length,
                              std::span<const std::byte> payload) {
  const auto record = data_.subspan(position % header_->data_bytes / word_bytes);
  const auto type_bits = static_cast<std::uint64_t>(type) << 32U;
  store_word(record[0], type_bits | length);
  store_word(record[1], sequence);
  store_word(record[2], static_cast<std::uint64_t>(time_ns));
  store_word(record[3], position);
  store_word(record[4], stream_position_);
  store_words(record.subspan(sizeof(RecordHeader) / word_bytes), payload);
}

}  // namespace eradio
