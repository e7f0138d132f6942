#include "shm/stream_state.h"

#include <cstring>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace eradio {

StreamStateWriter StreamStateWriter::create(StreamStateLayout& layout) {
  layout.magic = stream_state_magic;
  layout.layout_version = stream_state_layout_version;
  layout.words_max = static_cast<std::uint32_t>(std::size(layout.words));
  StreamStateWriter writer(layout);
  writer.write(0, {});
  return writer;
}

void StreamStateWriter::write(std::uint64_t sequence, const StreamMetadata& metadata) {
  std::vector<std::byte> content(sizeof sequence);
  std::memcpy(content.data(), &sequence, sizeof sequence);
  const auto encoded = encode_stream_metadata(metadata);
  content.insert(content.end(), encoded.begin(), encoded.end());
  write_locked(layout_.lock, layout_.words, content);
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

std::optional<StreamState> StreamStateReader::read() const {
  StreamState state;
  std::vector<std::byte> content;
  if (!read_locked(layout_.lock, layout_.words, content) || content.size() < word_bytes) {
    return std::nullopt;
  }
  std::memcpy(&state.sequence, content.data(), sizeof state.sequence);
  auto metadata = decode_stream_metadata(std::span(content).subspan(sizeof state.sequence));
  if (!metadata) {
    return std::nullopt;
  }
  state.metadata = std::move(*metadata);
  return state;
}

}  // namespace eradio
