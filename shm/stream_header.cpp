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

std::size_t stream_header_memory_bytes(std::size_t bytes_max) noexcept {
  return round_up_to_page(sizeof(StreamHeaderLayout) + word_bytes +
                          words_for(bytes_max) * word_bytes);
}

StreamHeaderWriter::StreamHeaderWriter(std::span<std::byte> memory) {
  ERADIO_CHECK(memory.size() >= stream_header_memory_bytes(0));
  layout_ = new (memory.data()) StreamHeaderLayout{};
  words_ = {reinterpret_cast<std::uint64_t*>(memory.data() + sizeof(StreamHeaderLayout)),
            (memory.size() - sizeof(StreamHeaderLayout)) / word_bytes};
  layout_->magic = stream_header_magic;
  layout_->layout_version = stream_header_layout_version;
  layout_->words_max = static_cast<std::uint32_t>(words_.size());
  write(0, {});
}

void StreamHeaderWriter::write(std::uint64_t sequence, std::span<const std::byte> bytes) {
  std::vector<std::byte> content(sizeof sequence);
  std::memcpy(content.data(), &sequence, sizeof sequence);
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
  StreamHeader header;
  std::vector<std::byte> content;
  if (!read_locked(layout_->lock, words_, content) || content.size() < sizeof header.sequence) {
    return std::nullopt;
  }
  std::memcpy(&header.sequence, content.data(), sizeof header.sequence);
  header.bytes.assign(content.begin() + sizeof header.sequence, content.end());
  return header;
}

std::size_t StreamHeaderReader::memory_bytes() const noexcept {
  return sizeof(StreamHeaderLayout) + words_.size_bytes();
}

}  // namespace eradio
