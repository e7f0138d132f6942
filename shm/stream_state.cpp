#include "shm/stream_state.h"

#include <stdexcept>
#include <string>
#include <vector>

namespace eradio {

StreamStateWriter StreamStateWriter::create(StreamStateLayout& layout) {
  layout.magic = stream_state_magic;
  layout.layout_version = stream_state_layout_version;
  layout.words_max = words_for(stream_metadata_bytes_max);
  StreamStateWriter writer(layout);
  writer.write({});
  return writer;
}

void StreamStateWriter::write(const StreamMetadata& metadata) {
  write_locked(layout_.lock, layout_.words, encode_stream_metadata(metadata));
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
  std::vector<std::byte> bytes;
  return read_locked(layout_.lock, layout_.words, bytes) ? decode_stream_metadata(bytes)
                                                         : std::nullopt;
}

}  // namespace eradio
