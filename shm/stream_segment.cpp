#include "shm/stream_segment.h"

#include <stdexcept>

namespace eradio {
namespace {

constexpr std::size_t header_offset = round_up_to_page(sizeof(StreamStateLayout));

std::size_t segment_bytes(std::size_t ring_bytes, std::size_t header_bytes_max) {
  return header_offset + stream_header_memory_bytes(header_bytes_max) +
         round_up_to_page(RingWriter::memory_bytes(ring_bytes));
}

const boost::interprocess::mapped_region& checked(
    const boost::interprocess::mapped_region& region) {
  if (region.get_size() < segment_bytes(0, 0)) {
    throw std::runtime_error("the stream's shared memory is too small to be one");
  }
  return region;
}

}  // namespace

StreamSegmentWriter::StreamSegmentWriter(std::size_t ring_bytes, std::size_t header_bytes_max)
    : file_(MemoryFile::create("eradio-stream", segment_bytes(ring_bytes, header_bytes_max))),
      region_(file_.map_writable(0, file_.bytes())),
      state_(StreamStateWriter::create(*static_cast<StreamStateLayout*>(region_.get_address()))),
      header_(StreamHeaderWriter::create(writable_bytes(region_).subspan(
          header_offset, stream_header_memory_bytes(header_bytes_max)))),
      ring_(RingWriter::create(writable_bytes(region_).subspan(
          header_offset + stream_header_memory_bytes(header_bytes_max)))) {}

StreamSegmentWriter::StreamSegmentWriter(Descriptor descriptor)
    : file_(std::move(descriptor)),
      region_(file_.map_writable(0, file_.bytes())),
      state_(StreamStateWriter::attach(*static_cast<StreamStateLayout*>(region_.get_address()))),
      header_(StreamHeaderWriter::attach(
          writable_bytes(region_).subspan(header_offset, header_bytes()))),
      ring_(RingWriter::attach(writable_bytes(region_).subspan(header_offset + header_bytes()))) {}

std::size_t StreamSegmentWriter::header_bytes() const {
  const StreamStateReader state(
      *static_cast<const StreamStateLayout*>(checked(region_).get_address()));  // checks it
  return StreamHeaderReader(readable_bytes(region_).subspan(header_offset)).memory_bytes();
}

StreamSegmentReader::StreamSegmentReader(Descriptor descriptor)
    : file_(std::move(descriptor)),
      region_(file_.map_read_only(0, file_.bytes())),
      state_(*static_cast<const StreamStateLayout*>(checked(region_).get_address())),
      header_(readable_bytes(region_).subspan(header_offset)),
      ring_(readable_bytes(region_).subspan(header_offset + header_.memory_bytes())) {}

}  // namespace eradio
