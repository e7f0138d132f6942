#include "shm/stream_state.h"

#include <array>
#include <stdexcept>
#include <string>

namespace eradio {

StreamStateWriter::StreamStateWriter(StreamStateLayout& layout) : layout_(layout) {
  layout_.magic = stream_state_magic;
  layout_.layout_version = stream_state_layout_version;
  layout_.words_max = words_for(stream_metadata_bytes_max);
  write({});
}

void StreamStateWriter::write(const StreamMetadata& metadata) {
  const std::vector<std::byte> bytes = encode_stream_metadata(metadata);
  const std::uint64_t version = layout_.version.load(std::memory_order_relaxed) | 1U;
  layout_.version.store(version, std::memory_order_release);
  store_word(layout_.bytes, bytes.size());
  store_words(layout_.words, bytes);
  layout_.version.store(version + 1, std::memory_order_release);
}

StreamStateReader::StreamStateReader(const StreamStateLayout& layout) : layout_(layout) {
  if (layout_.magic != stream_state_magic) {
    throw std::runtime_error("this shared memory is not a stream state");
  }
  if (layout_.layout_version != stream_state_layout_version) {
    throw std::runtime_error("the stream state has layout version " +
                             std::to_string(layout_.layout_version) + ", this program reads " +
                             std::to_string(stream_state_layout_version));
  }
}

std::optional<StreamMetadata> StreamStateReader::read() const {
  constexpr int attempts_max = 100;  // a write takes microseconds; changes come 50 ms apart
  std::array<std::byte, stream_metadata_bytes_max> copy;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const std::uint64_t before = layout_.version.load(std::memory_order_acquire);
    const std::uint64_t bytes = load_word(layout_.bytes);
    if (before % 2 != 0 || bytes > copy.size()) {
      continue;
    }
    const auto used = std::span(copy).first(bytes);
    load_words(layout_.words, used);
    if (layout_.version.load(std::memory_order_acquire) == before) {
      return decode_stream_metadata(used);
    }
  }
  return std::nullopt;
}

}  // namespace eradio
