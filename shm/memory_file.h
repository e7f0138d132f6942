// Memory that processes share without a name in any file system: a memfd (memfd_create(2)) whose
// size can no longer change, mapped through Boost.Interprocess. It goes when its last descriptor
// and mapping go, so nothing is left behind by a crash.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <boost/interprocess/mapped_region.hpp>

#include "common/descriptor.h"

namespace eradio {

constexpr std::size_t page_bytes = 4096;  // what offsets and sizes of shared regions are rounded to

constexpr std::size_t round_up_to_page(std::size_t bytes) noexcept {
  return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

// All throw std::system_error, or boost::interprocess::interprocess_exception from mapping.
class MemoryFile {
 public:
  // Creates one of `bytes` zero bytes; `name` shows in /proc/PID/maps. Sealed against resizing.
  static MemoryFile create(const std::string& name, std::size_t bytes);
  // Takes over a descriptor that came from another process.
  explicit MemoryFile(Descriptor descriptor);

  // Another descriptor of the same memory, through which nobody can map it writable.
  [[nodiscard]] Descriptor reopen_read_only() const;
  [[nodiscard]] int descriptor() const noexcept { return descriptor_.number(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  [[nodiscard]] boost::interprocess::mapped_region map_writable(std::size_t offset,
                                                                std::size_t bytes) const;
  [[nodiscard]] boost::interprocess::mapped_region map_read_only(std::size_t offset,
                                                                 std::size_t bytes) const;

 private:
  Descriptor descriptor_;
  std::size_t bytes_ = 0;
};

inline std::span<std::byte> writable_bytes(const boost::interprocess::mapped_region& region) {
  return {static_cast<std::byte*>(region.get_address()), region.get_size()};
}

inline std::span<const std::byte> readable_bytes(const boost::interprocess::mapped_region& region) {
  return writable_bytes(region);
}

}  // namespace eradio
