#include "shm/stream_header.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

#include "common/check.h"
#include "shm/memory_file.h"
#include "shm/shared_words.h"

namespace eradio {
namespace {

// Of the header's record.
struct Place {
  std::uint64_t sequence = 0;
  std::uint64_t stream_position = 0;
};

}  // namespace

std::size_t stream_header_memory_bytes(std::size_t bytes_max) noexcept {
  return round_up_to_page(sizeof(StreamHeaderLayout) + sizeof(Place) +
                          words_for(bytes_max) * word_bytes);
}

StreamHeaderWriter::StreamHeaderWriter(std::span<std::byte> memory)
    : layout_(reinterpret_cast<StreamHeaderLayout*>(memory.data())),
      words_(reinterpret_cast<std::uint64_t*>(memory.data() + sizeof(StreamHeaderLayout)),
             (memory.size() - sizeof(StreamHeaderLayout)) / word_bytes) {}

StreamHeaderWriter StreamHeaderWriter::create(std::span<std::byte> memory) {
  ERADIO_CHECK(memory.size() >= stream_header_memory_bytes(0));
  new (memory.data()) StreamHeaderLayout{};
  StreamHeaderWriter writer(memory);
  writer.layout_->magic = stream_header_magic;
  writer.layout_->layout_version = stream_header_layout_version;
  writer.layout_->words_max = static_cast<std::uint32_t>(writer.words_.size());
  writer.write(0, 0, {});
  return writer;
}

void StreamHeaderWriter::write(std::uint64_t sequence, std::uint64_t stream_position,
                               std::span<const std::byte> bytes) {
  const Place place{.sequence = sequence, .stream_position = stream_position};
  std::vector<std::byte> content(sizeof place);
  std::memcpy(content.data(), &place, sizeof place);
  content.insert(content.end(), bytes.begin(), bytes.end());
  write_locked(layout_->lock, words_, content);
}

StreamHeaderReader::StreamHeaderReader(std::span<const std::byte> memory)
    : layout_(reinterpret_cast<const StreamHeaderLayout*>(memory.data())) {
  if (memory.size() < sizeof(StreamHeaderLayout) || layout_->magic != stream_header_magic) {
    throw std::runtime_error("this shared memory is not a stream header");
  }
  if (layout_->layout_version != stream_header_layout_version) {
    throw std::runtime_error("the stream header has layout version " +
                             std::to_string(layout_->layout_version) + ", this program reads " +
                             std::to_string(stream_header_layout_version));
  }
  const std::size_t words_max = layout_->words_max;
  if (words_max > (memory.size() - sizeof(StreamHeaderLayout)) / word_bytes) {
    throw std::runtime_error("the stream header is longer than its memory");
  }
  words_ = {reinterpret_cast<const std::uint64_t*>(memory.data() + sizeof(StreamHeaderLayout)),
            words_max};
}

std::optional<StreamHeader> StreamHeaderReader::read() const {
  Place place;
  std::vector<std::byte> content;
  if (!read_locked(layout_->lock, words_, content) || content.size() < sizeof place) {
    return std::nullopt;
  }
  std::memcpy(&place, content.data(), sizeof place);
  return StreamHeader{.sequence = place.sequence,
                      .stream_position = place.stream_position,
                      .bytes = {content.begin() + sizeof place, content.end()}};
}

std::size_t StreamHeaderReader::memory_bytes() const noexcept {
  return sizeof(StreamHeaderLayout) + words_.size_bytes();
}

}  // namespace eradio
